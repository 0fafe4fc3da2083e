#include <pathline/nn/compose/sum.hpp>

#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/potential/potential.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>
#include <support/traced_laws.hpp>

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using Net = Mlp<double, Tanh>;
Rng start(5);
const Network known(Elementwise<double, Tanh>(2), start);  // without parameters
const Net with_context(2, {3}, start, 3), plain(2, {4}, start, 1);
const Sum inner{plain, Scaled{with_context, 0.5}};
const Sum nested{Scaled{known, -1}, Scaled{inner, -2}, plain};
template <class F>
constexpr bool is_field = Field<std::remove_const_t<F>>;
template <class F>
constexpr bool is_traced = TracedField<std::remove_const_t<F>>;
template <class F>
constexpr bool is_potential = PotentialField<std::remove_const_t<F>>;
static_assert(is_field<decltype(nested)> && !is_traced<decltype(nested)>);
static_assert(TaylorField<Sum<Net, Scaled<Net>>> && TaylorField<Scaled<Net>>);

const Network<Potential<double>> potential(Potential<double>(2, 4), start), other(Potential<double>(2, 3, 2), start);
const Network shallow(ShallowMlp<double, Tanh>(2, {3}), start);
const Sum potentials{potential, Scaled{other, 0.7}};
const Sum mixed{shallow, potential};
static_assert(is_potential<decltype(potentials)>);
static_assert(is_traced<decltype(mixed)> && !is_potential<decltype(mixed)>);  // one term is no gradient

template <class F>
Batch<double> value(const F& field, const Batch<double>& S, const Batch<double>& X, Index n) {
  Workspace<double> workspace;
  Batch<double> Y(X.rows(), X.cols());
  std::vector<double> tape(std::size_t(field.tape_size(n, X.cols() / n - 1)));
  field.linearize(S, X, n, Y, tape, workspace);
  return Y;
}

/// A field of the program's own, z' = -z without parameters, or with some that no layer reads.
struct Decay : Network<Elementwise<double, Identity>> {
  explicit Decay(Index parameters) : Network(Elementwise<double, Identity>(2), start), own(parameters) {}
  [[nodiscard]] const Vector<double>& parameters() const { return own; }
  [[nodiscard]] Vector<double>& parameters() { return own; }
  void linearize(ConstBatchRef<double> /*S*/, ConstBatchRef<double> X, Index /*n*/, BatchRef<double> Y,
                 std::span<double> /*tape*/, Workspace<double>& /*workspace*/) const {
    Y = -X;
  }
  Vector<double> own;
};

}  // namespace

TEST_CASE("Sum and Scaled keep the law of layers", "[nn][gradient]") {
  check_layer_laws(nested.layer());
  check_layer_laws(Scaled(plain, -0.3).layer());
  check_no_allocations(nested.layer());
}

TEST_CASE("Sum and Scaled keep the law of traced layers", "[nn][gradient]") {
  check_traced_laws(potentials.layer());
  check_traced_laws(mixed.layer());
  check_traced_laws(Scaled(shallow, -3).layer());
}

TEST_CASE("Sum: values and parameters are those of its terms", "[nn]") {
  const Batch<double> S = gaussian(1, 3, 4), X = gaussian(2, 2, 4 * 3);  // two tangents
  const Batch<double> expected =
      -value(known, S, X, 4) - 2 * (value(plain, S, X, 4) + 0.5 * value(with_context, S, X, 4)) + value(plain, S, X, 4);
  CHECK(max_difference(value(nested, S, X, 4), expected) < 1e-14);
  Vector<double> joined(2 * plain.parameters().size() + with_context.parameters().size());
  joined << plain.parameters(), with_context.parameters(), plain.parameters();
  CHECK(nested.parameters() == joined);
  CHECK(nested.side_rows() == 3);

  auto moved = nested;  // terms and copies keep no link
  moved.parameters().setZero();
  CHECK(max_difference(value(moved, S, X, 4), -value(known, S, X, 4)) < 1e-14);
  CHECK(nested.parameters() == joined);
  CHECK_THROWS_AS(moved.parameters() = plain.parameters(), ShapeError);
  CHECK(value(Sum{Decay(0), known}, S, X, 4) == Batch<double>(value(known, S, X, 4) - X));
}

TEST_CASE("Sum: in Taylor mode four times a field is the sum of it and its triple", "[nn][taylor][gradient]") {
  const Index n = 3, order = 2;
  const Batch<double> S = gaussian(1, 1, n * 3), X = gaussian(2, 2, n * 3);
  const auto run = [&](const auto& field) {
    Workspace<double> workspace;
    Batch<double> Y(2, X.cols()), Y_bar = gaussian(3, 2, X.cols()), X_bar(2, X.cols());
    Batch<double> S_bar = Batch<double>::Zero(1, X.cols());
    Vector<double> theta_bar = Vector<double>::Zero(field.parameters().size());
    std::vector<double> tape(std::size_t(field.taylor_tape_size(n, order)));
    field.taylor(S, X, n, Y, tape, workspace);
    field.taylor_pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
    return std::tuple(Y, X_bar, S_bar, theta_bar);
  };
  const auto [Y, X_bar, S_bar, theta_bar] = run(plain);
  const auto [Y4, X4, S4, theta4] = run(Sum{plain, Scaled{plain, 3}});
  CHECK(max_difference(Y4, 4 * Y) < 1e-13);
  CHECK(max_difference(X4, 4 * X_bar) < 1e-13);
  CHECK(max_difference(S4, 4 * S_bar) < 1e-13);
  CHECK(max_difference(theta4.head(theta_bar.size()), theta_bar) < 1e-13);
  CHECK(max_difference(theta4.tail(theta_bar.size()), 3 * theta_bar) < 1e-13);
}

TEST_CASE("Sum and Scaled refuse terms that do not fit", "[nn][errors]") {
  Rng rng(1);
  const Net three(3, {4}, rng);
  CHECK_THROWS_WITH((Sum{plain, three}), "Sum: term 2's input has 3 rows, expected 2");
  CHECK_THROWS_WITH((Scaled{plain, not_a_number}), "Scaled: weight is nan, expected a finite number");
  CHECK_THROWS_WITH((Scaled{Mlp<float, Tanh>(2, {4}, rng), 1e300}),
                    "Scaled: weight is 1e+300, expected a finite number");
  CHECK_THROWS_WITH((Sum{plain, Decay(3)}),
                    "Sum: number of parameters of a field of the program's own is 3, expected 0: write one with "
                    "parameters as a layer (nn/layer.hpp), and give a Network of it");
  Net lost = plain;
  const Net taken = std::move(lost);
  CHECK_THROWS_AS((Sum{taken, lost}), ShapeError);
}
