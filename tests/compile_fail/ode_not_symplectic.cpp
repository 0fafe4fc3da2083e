// expect: solve_separable: a symplectic method is a struct with `weights` and `order`, such as Verlet
#include <pathline/ode.hpp>

#include <vector>

const auto spring = [](double, const auto& q, auto& dv) { dv = -q; };
const std::vector<double> times{0, 1};
const auto path = pathline::solve_second_order(spring, Eigen::Vector2d(1, 2), Eigen::Vector2d(0, 0), times,
                                               pathline::FixedSteps(3), pathline::Rk4{});
