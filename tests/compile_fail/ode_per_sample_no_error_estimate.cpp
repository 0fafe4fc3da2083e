// expect: PerSample is for methods that estimate their error, such as Dopri5
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto result = pathline::try_solve(decay, Eigen::RowVector2d(1, 2), 0, 1, pathline::Rk4{},
                                        pathline::PerSample(pathline::PiController{}));
