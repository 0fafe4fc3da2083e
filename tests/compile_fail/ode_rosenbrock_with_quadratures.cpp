// expect: Rosenbrock methods need the Jacobian of all rows, quadratures included
#include <pathline/ode.hpp>

struct WithQuadrature {
  void operator()(double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) const { dy << -y(0), y(0); }
  [[nodiscard]] pathline::Index path_rows() const { return 1; }
};
const Eigen::Vector2d y = pathline::solve(WithQuadrature{}, Eigen::Vector2d(1, 0), 0, 1, pathline::Rodas4{});
