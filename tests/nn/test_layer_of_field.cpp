// From a field back to its layer: which layer a field has, and a field without parameters as one.
#include <pathline/nn/layer_of_field.hpp>

#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>

#include <concepts>
#include <span>
#include <vector>

namespace pathline {
namespace {

/// z' = A z with A = [0 -2; 1 0], as a program may write it; its parameters are read by no layer.
struct Rotation {
  using Scalar = double;
  Vector<double> own{};

  [[nodiscard]] const Vector<double>& parameters() const { return own; }
  [[nodiscard]] Vector<double>& parameters() { return own; }
  [[nodiscard]] static Index dim() { return 2; }
  [[nodiscard]] static Index side_rows() { return 3; }
  [[nodiscard]] static Index widest() { return 7; }
  [[nodiscard]] static Index tape_size(Index n, Index k) { return 10 * n + k; }
  void linearize(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, BatchRef<double> Y, std::span<double> tape,
                 Workspace<double>&) const {
    for (Index j = 0; j < X.cols(); ++j) Y(0, j) = -2 * X(1, j), Y(1, j) = X(0, j);
    tape[0] = double(n) + S(0, 0);
  }
  void pullback(ConstBatchRef<double> S, ConstBatchRef<double>, Index n, std::span<double> tape, BatchRef<double> Y_bar,
                BatchRef<double> X_bar, BatchRef<double> S_bar, VectorRef<double>, Workspace<double>&) const {
    for (Index j = 0; j < Y_bar.cols(); ++j) X_bar(0, j) = Y_bar(1, j), X_bar(1, j) = -2 * Y_bar(0, j);
    S_bar(0, 0) += tape[0] + double(n) + S(0, 0);
  }
};

struct Derived : Network<Linear<double>> {
  using Network<Linear<double>>::Network;
};

template <class F, class L>
inline constexpr bool has_layer = std::same_as<detail::LayerOf<F>, L>;
static_assert(Layer<detail::LayerOf<Rotation>>);
static_assert(has_layer<Network<Linear<double>>, Linear<double>>);
static_assert(has_layer<Derived, detail::FieldWithoutParameters<Derived>>);
static_assert(has_layer<Rotation, detail::FieldWithoutParameters<Rotation>>);

}  // namespace

TEST_CASE("A field without parameters is a layer that hands everything on", "[nn]") {
  const auto layer = detail::layer_of("Sum", Rotation{});
  CHECK((layer.in_rows() == 2 && layer.out_rows() == 2 && layer.side_rows() == 3 && layer.widest() == 7));
  CHECK(layer.parameter_count() == 0);
  CHECK(layer.tape_size(4, 1) == 41);
  Rng rng(1);
  Vector<double> theta(0);
  layer.initialize(theta, rng);
  CHECK(rng.next() == 0);

  const Batch<double> S{{0.5}, {0}, {0}}, X{{1, 2}, {3, 4}}, Y_bar{{5, 6}, {7, 8}};
  Batch<double> Y(2, 2), scratch = Y_bar, X_bar(2, 2), S_bar = Batch<double>::Zero(3, 1);
  std::vector<double> tape(20);
  Workspace<double> workspace;
  layer.linearize(theta, S, X, 2, Y, tape, workspace);
  CHECK(Y == Batch<double>{{-6, -8}, {1, 2}});
  layer.pullback(theta, S, X, 2, tape, scratch, X_bar, S_bar, theta, workspace);
  CHECK(X_bar == Batch<double>{{7, 8}, {-10, -12}});
  CHECK(S_bar(0) == 5);
}

TEST_CASE("A field of the program's own with parameters has no layer, and is refused", "[nn][errors]") {
  CHECK_THROWS_WITH(detail::layer_of("Sum", Rotation{Vector<double>::Ones(4)}),
                    "Sum: number of parameters of a field of the program's own is 4, expected 0: write one with "
                    "parameters as a layer (nn/layer.hpp), and give a Network of it");
}

TEST_CASE("Parameters are joined in order", "[nn]") {
  const Vector<double> a{{1, 2}}, none(0), b{{3}};
  CHECK(detail::joined_parameters<double>({&a, &none, &b}) == Vector<double>{{1, 2, 3}});
}

}  // namespace pathline
