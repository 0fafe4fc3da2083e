// expect: there is no Stepper for this method: include the header that brings it
#include <pathline/ode.hpp>

struct MyMethod {};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, MyMethod{}, pathline::FixedSteps(3));
