// expect: WithForcedPoints: the control must meet AdaptiveControl, as PiController does
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, pathline::Rk4{},
                                          pathline::WithForcedPoints(pathline::FixedSteps(3), {.step_at = {0.5}}));
