#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/chunks.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/base/student_t.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/regularizer/regularizer.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <limits>

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

static_assert(FlowPolicy<ExactTrace> && FlowPolicy<Dopri5> && FlowPolicy<FixedSteps> && FlowPolicy<Adjoint> &&
              FlowPolicy<StandardNormal> && FlowPolicy<Standardize<double>> && FlowPolicy<StandardizeContext> &&
              FlowPolicy<StudentT<double>> && FlowPolicy<KineticEnergy> && FlowPolicy<Threads> &&
              FlowPolicy<TimeSpan> && FlowPolicy<ChunkWidth>);
static_assert(!IsDataTransform<StandardizeContext>::value && !IsContextTransform<Standardize<double>>::value);
static_assert(!FlowPolicy<NoPullback> && !FlowPolicy<int>);
static_assert(!StepControl<Threads> && !StepControl<ChunkWidth> && !StepControl<TimeSpan>);
static_assert(std::same_as<detail::first_of<IsSolver, Dopri5, KineticEnergy, Tsit5>, Tsit5>);
static_assert(std::same_as<detail::first_of<IsSolver, Dopri5, KineticEnergy>, Dopri5>);
static_assert(std::same_as<detail::all_of<IsRegularizer, Tsit5, KineticEnergy, ExactTrace>, std::tuple<KineticEnergy>>);

}  // namespace

TEST_CASE("The default chunk follows from the network's widths and the batch alone", "[flow][settings]") {
  CHECK(ChunkWidth{.columns = 17}.of(1000, 64, 2, 4) == 17);
  const auto width = [](Index n, Index widest, Index k, std::size_t bytes = 4) {
    return ChunkWidth{}.of(n, widest, k, bytes);
  };
  // Large batches of ffjord_toy, of ffjord_wide, of a narrow network, of an exact trace in 64 dimensions.
  CHECK(width(24'000, 64, 2) == 24);
  CHECK(width(32'000, 64, 1) == 32);
  CHECK(width(32'000, 256, 1) == 64);
  CHECK(width(32'000, 512, 1) == 128);
  CHECK(width(32'000, 1024, 1) == 128);
  CHECK(width(64'000, 16, 0) == 128);
  CHECK(width(64'000, 32, 0, 8) == 64);
  CHECK(width(64'000, 64, 64) == 4);
  // An even number of chunks, of nearly that width; one where the batch is small.
  CHECK(width(100, 64, 2) == 25);
  CHECK(width(1000, 64, 1) == 32);
  CHECK(width(130, 1024, 0) == 65);
  CHECK(width(127, 1024, 0) == 127);
  CHECK(width(48, 64, 1) == 48);
  CHECK(width(49, 64, 1) == 25);
  CHECK(width(1, 64, 1) == 1);
  for (Index n = 1; n < 3000; ++n)
    for (const Index k : {0, 1, 2}) {
      const Index chunk = width(n, 64, k), count = chunk_count(n, chunk);
      REQUIRE((count == 1 || count % 2 == 0 || count > 16));
      REQUIRE(chunk <= 3 * ((64 + k) / (1 + k) + 3) / 2);
    }
}

TEST_CASE("Settings of a flow that mean nothing are refused", "[flow][settings][errors]") {
  Rng rng(1);
  const Mlp<double, Tanh> field(2, {4}, rng);
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(Cnf(field, TimeSpan{.data = 1, .base = 1}),
                    "TimeSpan is 1 to 1, expected two different finite times");
  CHECK_THROWS_AS(Cnf(field, TimeSpan{.data = 0, .base = infinity}), ArgumentError);
  CHECK_THROWS_WITH(Cnf(field, LikelihoodWeight{-1}),
                    "LikelihoodWeight: weight is -1, expected 0 or a positive number");
  CHECK_THROWS_AS(Cnf(field, LikelihoodWeight{infinity}), ArgumentError);
  CHECK_THROWS_AS(Cnf(field, KineticEnergy{infinity}), ArgumentError);
  CHECK_THROWS_WITH(Cnf(field, ChunkWidth{-3}), "ChunkWidth: columns is -3, expected 0 or a positive number");
  CHECK_THROWS_AS(NeuralOde(field, ChunkWidth{-3}), ArgumentError);
}
