// expect: Eigen::Map<const Eigen::VectorXd>(v.data(), v.size())
#include <pathline/ode.hpp>

#include <array>
#include <tuple>

std::array<double, 2> start;
const pathline::Event event([](double, const auto&) { return 0.0; });
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto y = pathline::solve_events(decay, start, 0, 1, std::tuple(event));
