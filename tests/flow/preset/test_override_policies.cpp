#include <pathline/flow/preset/override_policies.hpp>

#include <pathline/flow/preset/presets.hpp>
#include <pathline/flow/regularizer/jacobian_norm.hpp>
#include <pathline/gradient/adjoint.hpp>

#include <support/any_trace.hpp>
#include <support/catch.hpp>

using namespace pathline;
using pathline::detail::exclude_each_other;
using pathline::detail::override_policies;

namespace {

// One of each kind beside another of that kind.
static_assert(exclude_each_other<ExactTrace, ClosedFormTrace>);
static_assert(exclude_each_other<ExactTrace, test::AnyTrace>);
static_assert(exclude_each_other<Rk4, Dopri5>);
static_assert(exclude_each_other<FixedSteps, PiController>);
static_assert(exclude_each_other<Adjoint, Backpropagation<>>);
static_assert(exclude_each_other<StandardNormal, StandardNormal>);
static_assert(exclude_each_other<NoTransform, Standardize<float>>);
static_assert(exclude_each_other<NoContextTransform, StandardizeContext>);
static_assert(exclude_each_other<Steer, FixedEndTime>);
static_assert(exclude_each_other<LikelihoodWeight, LikelihoodWeight>);
static_assert(exclude_each_other<EvaluationTrace<ExactTrace>, EvaluationTrace<Hutchinson<>>>);
static_assert(exclude_each_other<EvaluationSolver<Dopri5, PiController>, EvaluationSolver<Rk4, FixedSteps>>);
static_assert(exclude_each_other<TimeSpan, TimeSpan>);
static_assert(exclude_each_other<Threads, Threads>);
static_assert(exclude_each_other<ChunkWidth, ChunkWidth>);
static_assert(exclude_each_other<KineticEnergy, KineticEnergy>);

// Costs of several types stand beside one another, and kinds do not meddle with one another.
static_assert(!exclude_each_other<KineticEnergy, JacobianNorm>);
static_assert(!exclude_each_other<Rk4, FixedSteps>);
static_assert(!exclude_each_other<ExactTrace, EvaluationTrace<ExactTrace>>);
static_assert(!exclude_each_other<Standardize<double>, StandardizeContext>);
static_assert(!exclude_each_other<Threads, ChunkWidth>);
static_assert(!exclude_each_other<int, int>);

}  // namespace

TEST_CASE("override_policies keeps what is not replaced, values included", "[flow][presets]") {
  const std::tuple presets(Threads{3}, KineticEnergy{.weight = 2}, Rk4{}, JacobianNorm{.weight = 5});
  const auto result = override_policies(presets, std::tuple(KineticEnergy{.weight = 9}, ChunkWidth{4}));
  static_assert(
      std::same_as<decltype(result), const std::tuple<Threads, Rk4, JacobianNorm, KineticEnergy, ChunkWidth>>);
  CHECK(std::get<Threads>(result).number == 3);
  CHECK(std::get<JacobianNorm>(result).weight == 5);
  CHECK(std::get<KineticEnergy>(result).weight == 9);
  CHECK(std::get<ChunkWidth>(result).columns == 4);
  CHECK(std::get<Threads>(override_policies(presets, std::tuple<>())).number == 3);
}

TEST_CASE("A preset is judged by its EvaluationSolver unless it trains by an adaptive control", "[flow][presets]") {
  using Judge = EvaluationSolver<Dopri5, PiController>;
  const std::tuple presets(Rk4{}, FixedSteps(4), Judge{});
  static_assert(std::same_as<decltype(override_policies(presets, std::tuple(FixedSteps(8)))),
                             std::tuple<Rk4, Judge, FixedSteps>>);
  static_assert(std::same_as<decltype(override_policies(presets, std::tuple(Tsit5{}, PiController{}))),
                             std::tuple<Tsit5, PiController>>);
  const auto named =
      override_policies(presets, std::tuple(Tsit5{}, IController{}, EvaluationSolver{Rk4{}, FixedSteps(9)}));
  CHECK(std::get<EvaluationSolver<Rk4, FixedSteps>>(named).control.steps_per_interval == 9);
}

TEST_CASE("A preset's network reads the rows of context that a StandardizeContext has", "[flow][presets][context]") {
  Batch<double> C(2, 3);
  C << 2001, 2002, 2004, 1, 0, 0;
  const StandardizeContext scaling(C);
  CHECK(detail::context_rows(0, Dopri5{}, scaling) == 2);
  CHECK(detail::context_rows(0, Dopri5{}, NoContextTransform{}) == 0);
  CHECK(detail::context_rows(3, NoContextTransform{}) == 3);
  CHECK_THROWS_AS(detail::context_rows(3, Threads{}), ArgumentError);
  const auto flow = steer<double>({.hidden = {4}}, scaling);
  CHECK(flow.context_rows() == 2);
  CHECK(flow.context_transform().mean()(1) == 0);
  CHECK(rnode<double>({.context = 1, .hidden = {4}}, NoContextTransform{}).context_rows() == 1);
  CHECK_THROWS_AS(steer<double>({.context = 1, .hidden = {4}}, scaling), ShapeError);
}
