#include <pathline/nn/moving/sensitivity_field.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

using namespace pathline;

TEST_CASE("SensitivityField gives the field and the rate of its path's derivatives by every parameter",
          "[nn][moving]") {
  Rng rng(6);
  Mlp<double, Tanh> field(2, {3}, rng);
  const SensitivityField sensitivity(field);
  static_assert(Field<SensitivityField<Mlp<double, Tanh>>>);
  const Index d = 2, p = field.parameters().size(), n = 3;
  CHECK(sensitivity.dim() == d * (1 + p));
  CHECK(sensitivity.error_rows() == d);
  Batch<double> X(sensitivity.dim(), n), Y(sensitivity.dim(), n), S(1, GENERATE(1, 3));
  fill<Gaussian>(Draw{2, 1}, 0, X);
  fill<Gaussian>(Draw{2, 2}, 0, S);
  Workspace<double> workspace;
  sensitivity.linearize(S, X, n, Y, {}, workspace);

  // f(z + hw, θ + h e_q) is f + h (f_z w + f_θ e_q) but for h²: h = 1e-6 leaves 1e-9.
  constexpr double h = 1e-6;
  const auto values = [&](Index q, double step) {
    Mlp<double, Tanh> moved = field;
    Vector<double> theta = field.parameters();
    theta(q) += step;
    moved.parameters() = theta;
    const Batch<double> Z = X.topRows(d) + step * X.middleRows(d * (1 + q), d);
    Batch<double> F(d, n);
    Vector<double> tape(moved.tape_size(n, 0));
    moved.linearize(S, Z, n, F, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
    return F;
  };
  CHECK((Y.topRows(d) - values(0, 0)).norm() < 1e-14);
  double error = 0;
  for (Index q = 0; q < p; ++q)
    error = std::max(error, (Y.middleRows(d * (1 + q), d) - (values(q, h) - values(q, -h)) / (2 * h)).norm());
  CHECK(error < 1e-8);
  // An implicit method asks for tangents.
  Batch<double> tangents(sensitivity.dim(), 2 * n);
  tangents.setZero();
  CHECK_THROWS_WITH(sensitivity.linearize(S, tangents, n, tangents, {}, workspace),
                    ContainsSubstring("SensitivityField: it has no tangents"));
  Vector<double> bar(p);
  CHECK_THROWS_AS(sensitivity.pullback(S, X, n, {}, Y, X, S, bar, workspace), Error);
}
