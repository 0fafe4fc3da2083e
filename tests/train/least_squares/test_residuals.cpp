#include <pathline/train/least_squares/residuals.hpp>

#include <pathline/core/types.hpp>

#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("differentiable_residuals gives the Jacobian of a formula of more parameters than go at a time",
          "[train][least_squares]") {
  // r_i = p_i² - i p_0 has the Jacobian diag(2 p) less i in the first column.
  const auto problem = differentiable_residuals(11, [](const auto& p, auto& r) {
    for (Index i = 0; i < r.size(); ++i) r[i] = p[i] * p[i] - double(i) * p[0];
  });
  static_assert(ResidualFunction<decltype(problem)>);
  static_assert(!ResidualFunction<Vector<double>>);
  const Vector<double> p = Vector<double>::LinSpaced(11, -1, 2);
  Vector<double> r, plain;
  Batch<double> J, expected = (2 * p).asDiagonal();
  problem.residuals_and_jacobian(p, r, J);
  problem.residuals(p, plain);
  expected.col(0) -= Vector<double>::LinSpaced(11, 0, 10);
  CHECK(J == expected);
  CHECK(r == plain);
  CHECK(r(10) == 4 + 10);
}
