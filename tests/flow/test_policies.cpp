#include <pathline/flow/base.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/flow/regularizers.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/transform.hpp>

#include <support/catch.hpp>

using namespace pathline;

namespace {

struct NoPullback {
  double weight = 1;
  template <class... A>
  void evaluate(const A&...) const {}
};
struct NoEvaluate {
  double weight = 1;
  template <class... A>
  void pullback(const A&...) const {}
};
struct NoWeight {
  template <class... A>
  void evaluate(const A&...) const {}
  template <class... A>
  void pullback(const A&...) const {}
};
static_assert(Regularizer<KineticEnergy> && Regularizer<KineticEnergy, float>);
static_assert(!Regularizer<NoPullback> && !Regularizer<NoEvaluate> && !Regularizer<NoWeight>);

struct NoInvert {
  void check(Index) const {}
  template <class... A>
  void apply(const A&...) const {}
};
static_assert(DataTransform<NoTransform> && DataTransform<Standardize<float>, float> && !DataTransform<NoInvert>);

static_assert(FlowPolicy<ExactTrace> && FlowPolicy<Dopri5> && FlowPolicy<FixedSteps> && FlowPolicy<Adjoint> &&
              FlowPolicy<StandardNormal> && FlowPolicy<Standardize<double>> && FlowPolicy<KineticEnergy> &&
              FlowPolicy<Threads> && FlowPolicy<TimeSpan> && FlowPolicy<ChunkWidth>);
static_assert(!FlowPolicy<NoPullback> && !FlowPolicy<int>);
static_assert(!StepControl<Threads> && !StepControl<ChunkWidth> && !StepControl<TimeSpan>);
static_assert(std::same_as<detail::first_of<IsSolver, Dopri5, KineticEnergy, Tsit5>, Tsit5>);
static_assert(std::same_as<detail::first_of<IsSolver, Dopri5, KineticEnergy>, Dopri5>);
static_assert(std::same_as<detail::all_of<IsRegularizer, Tsit5, KineticEnergy, ExactTrace>, std::tuple<KineticEnergy>>);

}  // namespace

TEST_CASE("Standardize: mean 0, deviation 1, inverse and log-determinant", "[flow][transform]") {
  Batch<double> X(2, 5), Z(2, 5), back(2, 5);
  X << 1, 2, 3, 4, 7, 100, 300, 200, 500, 400;
  const Standardize transform(X);
  Row<double> log_det(5);
  transform.apply(X, Z, log_det);
  CHECK(Z.rowwise().mean().cwiseAbs().maxCoeff() < 1e-15);
  CHECK((Z.cwiseAbs2().rowwise().mean().array() - 1).abs().maxCoeff() < 1e-14);
  transform.invert(Z, back);
  CHECK(back.isApprox(X, 1e-15));
  // log |det dZ/dX| of a diagonal map, by its differences.
  const double slopes = (Z(0, 1) - Z(0, 0)) / (X(0, 1) - X(0, 0)) * (Z(1, 1) - Z(1, 0)) / (X(1, 1) - X(1, 0));
  CHECK(log_det(3) == Approx(std::log(slopes)).epsilon(1e-13));
}

TEST_CASE("Standardize refuses data without spread and says which", "[flow][transform][errors]") {
  CHECK_THROWS_WITH(Standardize(Batch<float>(2, 0)),
                    "Standardize: data is empty, expected at least one sample and one component");
  CHECK_THROWS_WITH(Standardize(Batch<float>::Ones(2, 1)),
                    "Standardize: data has 1 sample, expected at least 2 to tell its spread");
  Batch<float> X = Batch<float>::Random(2, 7);
  X.row(1).setConstant(0.1F);
  CHECK_THROWS_WITH(Standardize(X), ContainsSubstring("component 1 of the data is constant"));
  X(0, 3) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(Standardize(X), ContainsSubstring("inf at component 0 of sample 3"));
  CHECK_THROWS_WITH(Standardize(Batch<double>::Random(3, 9)).check(2), "Standardize: field has 2 rows, expected 3");
}

TEST_CASE("The default chunk follows from the network's widths alone", "[flow][settings]") {
  CHECK(ChunkWidth{.columns = 17}.of(64, 2, 4) == 17);
  CHECK(ChunkWidth{}.of(64, 2, 4) == 40);
  CHECK(ChunkWidth{}.of(1024, 2, 8) == 8);
  CHECK(ChunkWidth{}.of(2, 0, 4) == 256);
}
