// expect: PerSample goes with t0 and t1, or with a list of times for each sample
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto result = pathline::solve(decay, Eigen::RowVector2d(1, 2), {0., 1., 2.}, pathline::Dopri5{},
                                    pathline::PerSample(pathline::PiController{}));
