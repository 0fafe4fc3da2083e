// expect: this method's b_coarse is not of the order coarse_order
#include <pathline/ode.hpp>

struct Overstated : pathline::Dop853 {
  static constexpr int coarse_order = 4;
};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, Overstated{});
