// expect g++: ReversibleNeedsAnExplicitMethod
// expect clang++: constraints not satisfied for class template 'Reversible'
#include <pathline/ode.hpp>

int main() {
  const auto decay = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = -y; };
  const Eigen::Vector2d y0(1, 2);
  return int(
      pathline::solve(decay, y0, 0, 1, pathline::Reversible<pathline::TrBdf2>{}, pathline::FixedSteps(10)).size());
}
