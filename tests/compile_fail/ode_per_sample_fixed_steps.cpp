// expect: PerSample: the control must meet AdaptiveControl, as PiController does
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto result = pathline::try_solve(decay, Eigen::RowVector2d(1, 2), 0, 1, pathline::Dopri5{},
                                        pathline::PerSample(pathline::FixedSteps(3)));
