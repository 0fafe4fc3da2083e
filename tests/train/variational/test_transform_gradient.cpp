// Scores in the coordinates of a data transform: against a dense inverse, and by as few pullbacks as it takes.
#include <pathline/train/variational/transform_gradient.hpp>

#include <pathline/core/random.hpp>
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/logit.hpp>
#include <pathline/flow/transform/whiten.hpp>

#include <support/catch.hpp>

#include <type_traits>

using namespace pathline;

namespace {

/// Counts the columns that were pulled back. `known` says of a transform by component that it is one.
template <class Inner, bool known>
struct Counted {
  static constexpr bool by_component = known;
  Inner inner;
  Index* columns;
  void pullback(ConstBatchRef<double> X, ConstBatchRef<double> Z_bar, BatchRef<double> X_bar) const {
    *columns += X.cols();
    inner.pullback(X, Z_bar, X_bar);
  }
};

}  // namespace

TEST_CASE("Systems with interleaved columns are solved in place, with pivots of 0", "[train][variational]") {
  const Index d = 5, n = 3;
  Batch<double> A(d, d * n), b(d, n);
  fill<Gaussian>(Draw{4, 0}, 0, A);
  fill<Gaussian>(Draw{4, 1}, 0, b);
  for (Index j = 0; j < n; ++j) A(0, j) = 0;  // the first pivot of each
  Batch<double> storage = A, x = b;
  for (Index j = 0; j < n; ++j)
    detail::solve_in_place<double>(View<double>(storage.data() + j * d, d, d, n * d), x.data() + j * d);
  for (Index j = 0; j < n; ++j) {
    Vector<double> residual = b.col(j);
    for (Index i = 0; i < d; ++i) residual -= A.col(i * n + j) * x(i, j);
    CHECK(residual.cwiseAbs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("Scores by coordinates are the same by component and by a linear system for each sample",
          "[train][variational]") {
  const Index d = 3, n = 5;
  const Chain transform(Logit(Vector<double>::Constant(d, -0.2), Vector<double>::LinSpaced(d, 1.5, 3)),
                        Standardize<double>(Vector<double>::Zero(d), Vector<double>::LinSpaced(d, 0.5, 2)));
  static_assert(detail::maps_by_component<decltype(transform)> && !detail::maps_by_component<Whiten<double>>);
  static_assert(!detail::maps_by_component<Chain<Log<double>, Whiten<double>>>);
  Batch<double> X(d, n), gradient(d, n), scratch(d, 3 * n);
  fill<Uniform>(Draw{4, 2}, 0, X);
  fill<Gaussian>(Draw{4, 3}, 0, gradient);
  Batch<double> by_component = gradient, by_system = gradient, expected(d, n);
  Index columns = 0;
  const auto run = [&](const auto& of, Batch<double>& result) {
    columns = 0;
    detail::gradient_by_coordinates<std::remove_cvref_t<decltype(of)>, double>(of, X, result, scratch);
  };
  using Inner = std::remove_const_t<decltype(transform)>;
  run(Counted<Inner, true>{transform, &columns}, by_component);
  CHECK(columns == 2 * n);
  run(Counted<Inner, false>{transform, &columns}, by_system);
  CHECK(columns == n + d * n);
  // ∂(log |det ∂z/∂x| + g·x)/∂z by differences of x(z).
  const double h = 1e-6;
  Batch<double> Z(d, n), moved(d, n), above(d, n), below(d, n), unused(d, n);
  Row<double> log_det(n), up(n), down(n);
  transform.apply(X, Z, log_det);
  for (Index i = 0; i < d; ++i) {
    const auto at = [&](double step, Batch<double>& raw, Row<double>& log_dets) {
      moved = Z;
      moved.row(i).array() += step;
      transform.invert(moved, raw);
      transform.apply(raw, unused, log_dets);
    };
    at(h, above, up);
    at(-h, below, down);
    expected.row(i) = (up - down + (above - below).cwiseProduct(gradient).colwise().sum()) / (2 * h);
  }
  CHECK((by_component - expected).cwiseAbs().maxCoeff() < 1e-8);
  CHECK((by_system - by_component).cwiseAbs().maxCoeff() < 1e-12);
}
