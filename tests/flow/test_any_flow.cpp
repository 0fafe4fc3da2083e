#include <pathline/flow/any_flow.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

using namespace pathline;

namespace {

/// x = 2 z of a base density that is 1 everywhere: what a user's own flow needs, and no more.
template <Real S, Real D>
struct Twice {
  using Scalar = S;
  using DataScalar = D;
  Index rows = 2, context = 0;
  [[nodiscard]] Index dim() const { return rows; }
  [[nodiscard]] Index context_rows() const { return context; }
  [[nodiscard]] Row<S> log_prob(ConstDataRef<D> X) const { return X.row(0).template cast<S>(); }
  [[nodiscard]] Batch<S> transform(ConstDataRef<D> X) const { return X.template cast<S>() / S(2); }
  [[nodiscard]] Batch<D> inverse(ConstDataRef<S> Z) const { return 2 * Z.template cast<D>(); }
  [[nodiscard]] Batch<D> sample(Index count, Rng& /*rng*/) const { return Batch<D>::Constant(rows, count, 3); }
  [[nodiscard]] Batch<D> sample(ConstDataRef<D> C, Rng& /*rng*/) const { return C; }
  [[nodiscard]] SamplesWithLogProb<S, D> sample_with_log_prob(Index count, Rng& rng) const {
    return {sample(count, rng), Row<S>::Constant(count, 5)};
  }
  [[nodiscard]] SamplesWithLogProb<S, D> sample_with_log_prob(ConstDataRef<D> C, Rng& rng) const {
    return {sample(C, rng), Row<S>::Constant(C.cols(), 7)};
  }
};
struct NoInverse : Twice<double, double> {
  void inverse(ConstDataRef<double> Z) const = delete;
};

static_assert(EvaluatedFlow<Twice<float, double>> && !EvaluatedFlow<NoInverse> && !EvaluatedFlow<int>);
static_assert(EvaluatedFlow<Cnf<Mlp<float, Tanh>>>);
static_assert(std::same_as<decltype(AnyFlow(Twice<float, double>())), AnyFlow<double>>);
static_assert(!std::convertible_to<int, AnyFlow<double>> && !std::convertible_to<AnyFlow<float>, AnyFlow<double>>);
static_assert(std::is_nothrow_move_constructible_v<AnyFlow<float>> &&
              std::is_nothrow_move_assignable_v<AnyFlow<float>>);

/// A float flow of double data with a row of context.
auto conditional_flow() {
  Rng rng(3);
  return Cnf(Mlp<float, Tanh>(2, {5}, rng, 2), PiController{.rtol = 1e-4, .atol = 1e-4},
             Standardize<double>(Vector<double>{{1, 2}}, Vector<double>{{3, 4}}), NoContextTransform{});
}

}  // namespace

TEST_CASE("AnyFlow gives the bits of a float flow of double data", "[flow][any-flow]") {
  const auto flow = conditional_flow();
  const AnyFlow<double> any = flow;
  REQUIRE(any);
  CHECK(any.dim() == 2);
  CHECK(any.context_rows() == 1);
  CHECK(any.data_rows() == 3);

  Batch<double> X(3, 4);
  X << 1, 2, 3, 4, -5, 6, 7, 8, .1, .2, .3, .4;
  CHECK(any.log_prob(X) == flow.log_prob(X).cast<double>());
  CHECK(any.log_prob(X.leftCols(2)) == flow.log_prob(X.leftCols(2)).cast<double>());
  const Batch<float> Z = flow.transform(X);
  CHECK(any.transform(X) == Z.cast<double>());
  Batch<float> points(3, 4);
  points << Z, X.bottomRows(1).cast<float>();
  CHECK(any.inverse(points.cast<double>()) == flow.inverse(points));

  const Batch<double> C = X.bottomRows(1);
  Rng one(9), other(9);
  CHECK(any.sample(C, one) == flow.sample(C, other));
  const auto [samples, log_prob] = any.sample_with_log_prob(C, one);  // the generators have moved on by one draw each
  const auto expected = flow.sample_with_log_prob(C, other);
  CHECK(samples == expected.samples);
  CHECK(log_prob == expected.log_prob.cast<double>());

  // What the flow refuses is refused.
  CHECK_THROWS_AS(any.log_prob(X.topRows(2)), ShapeError);
  CHECK_THROWS_AS(any.sample(4, one), ArgumentError);
  X(0, 0) = NAN;
  CHECK_THROWS_AS(any.transform(X), DataError);
  points(0, 0) = 1;
  Batch<double> beyond_float = points.cast<double>();
  beyond_float(0, 0) = 1e300;
  CHECK_THROWS_AS(any.inverse(beyond_float), DataError);
}

TEST_CASE("AnyFlow is made from a user's own flow", "[flow][any-flow]") {
  const AnyFlow any = Twice<float, float>{.rows = 2, .context = 1};
  Rng rng(1);
  const Batch<float> X{{1, 2, 3}, {4, 5, 6}};
  CHECK(any.dim() == 2);
  CHECK(any.data_rows() == 3);
  CHECK(any.log_prob(X) == X.row(0));
  CHECK(any.transform(X) == X / 2);
  CHECK(any.inverse(X) == 2 * X);
  CHECK(any.sample(4, rng) == Batch<float>::Constant(2, 4, 3));
  CHECK(any.sample(X, rng) == X);
  CHECK(any.sample_with_log_prob(4, rng).log_prob == Row<float>::Constant(4, 5));
  CHECK(any.sample_with_log_prob(X, rng).samples == X);
}

TEST_CASE("AnyFlow without a flow says so", "[flow][any-flow][errors]") {
  AnyFlow<double> any, other = Twice<double, double>{};
  const Batch<double> X{{1}, {2}};
  Rng rng(1);
  CHECK_FALSE(any);
  CHECK_THROWS_AS(any.dim(), EmptyFlowError);
  CHECK_THROWS_AS(any.context_rows(), EmptyFlowError);
  CHECK_THROWS_AS(any.data_rows(), EmptyFlowError);
  CHECK_THROWS_WITH(any.log_prob(X),
                    "AnyFlow::log_prob: there is no flow, neither given nor loaded, or it was moved "
                    "away; assign a Cnf or io::load_any(path)");
  CHECK_THROWS_AS(any.transform(X), EmptyFlowError);
  CHECK_THROWS_AS(any.inverse(X), EmptyFlowError);
  CHECK_THROWS_AS(any.sample(1, rng), EmptyFlowError);
  CHECK_THROWS_AS(any.sample(X, rng), EmptyFlowError);
  CHECK_THROWS_AS(any.sample_with_log_prob(1, rng), EmptyFlowError);
  CHECK_THROWS_AS(any.sample_with_log_prob(X, rng), EmptyFlowError);

  any = std::move(other);
  CHECK(any.log_prob(X)(0) == 1);
  CHECK_FALSE(other);  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK_THROWS_AS(other.log_prob(X), EmptyFlowError);
  other = any;  // and is of use again
  CHECK(other.log_prob(X)(0) == 1);
}

TEST_CASE("AnyFlow is a copy, which later changes of the flow do not reach", "[flow][any-flow]") {
  Twice<double, double> flow{.rows = 2};
  const AnyFlow<double> any = flow, copy = any;
  flow.rows = 9;
  CHECK(any.dim() == 2);
  CHECK(copy.dim() == 2);
}
