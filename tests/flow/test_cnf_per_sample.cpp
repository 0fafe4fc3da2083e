// Flows whose samples have steps of their own: PerSample.
#include <pathline/flow/cnf.hpp>

#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/flow/regularizer/acceleration_and_jerk.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/per_sample/sample_backpropagation.hpp>
#include <pathline/gradient/per_sample/sample_dynamics.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/batch/per_sample.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <numeric>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index n = 10;
using FieldType = Mlp<double, Tanh>;

static_assert(pathline::detail::DynamicsBySample<FieldDynamics<FieldType>>);
static_assert(pathline::detail::DynamicsBySample<AugmentedDynamics<FieldByTangents<FieldType>, KineticEnergy>>);
static_assert(!pathline::detail::DynamicsBySample<pathline::detail::AnyDynamics>);

/// Of two rows of data and one of context, with weights so large that samples want different steps.
FieldType steep_field() {
  Rng rng(4);
  FieldType field(2, {7, 7}, rng, 2);
  field.parameters() *= 5;
  return field;
}

/// With context below; the further out, the more steps.
Batch<double> data(Index count = n) {
  Batch<double> X(3, count);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  X.topRows(2) *= 1.5;
  return X;
}
std::vector<Index> row_ids(Index first, Index count) {
  std::vector<Index> ids(std::size_t(count), 0);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

template <class Control>
auto flow(const Control& control, Index width = 0, int threads = 1) {
  return Cnf(steep_field(), Dopri5{}, control, Hutchinson<Rademacher>{}, KineticEnergy{0.1},
             DirectionalDerivative{0.05}, ChunkWidth{width}, Threads{threads});
}
constexpr PiController loose{.rtol = 1e-4, .atol = 1e-4}, tight{.rtol = 1e-9, .atol = 1e-9};
using Each = decltype(flow(PerSample(loose)));

template <class Flow>
TrainingLoss<double> train(const Flow& flow) {
  typename Flow::Memory memory;
  auto result = flow.make_training_loss();
  flow.value_and_gradient(data(), row_ids(0, n), Draw{1, 1}, memory, result);
  return result;
}

/// The final states (z, log-determinant, costs) and the cotangents of context by a loss that does not know how many
/// samples there are, but for the costs.
struct Ends {
  Batch<double> states, context_bar;
};
Ends ends(const Each& flow, const Batch<double>& X, Index first) {
  Each::Memory memory;
  auto result = flow.make_training_loss();
  Ends at;
  const double cost_of_one = double(X.cols());  // a cost's cotangent is a share of the batch
  const auto keep = [&](const Batch<double>& Y, BatchMap<double>& Y_bar, const auto& /*log_det*/) {
    at.states = Y;
    Y_bar.array() = Y.array().cos();
    Y_bar.bottomRows(2).array() = -Y_bar.bottomRows(2).array() / cost_of_one;
    return Y.array().sin().sum();
  };
  flow.value_and_gradient(X, row_ids(first, X.cols()), Draw{1, 1}, keep, memory, result);
  at.context_bar = result.context_gradient;
  return at;
}

}  // namespace

TEST_CASE("Cnf with PerSample: the gradient agrees with differences, and with steps that samples share",
          "[flow][per-sample][many-draws]") {
  const Each each = flow(PerSample(tight, 1));
  const auto got = train(each), expected = train(flow(tight, n));
  CHECK(got.loss == Approx(expected.loss).epsilon(1e-8));
  CHECK(got.costs[1] == Approx(expected.costs[1]).epsilon(1e-8));
  CHECK(max_difference(got.gradient, expected.gradient) < 1e-7);
  CHECK(max_difference(got.context_gradient, expected.context_gradient) < 1e-7);
  CHECK(got.forward.accepted > 3 * expected.forward.accepted);  // those of all samples
  Batch<double> directions(got.gradient.size(), 2);
  fill<Gaussian>(Draw{8, 2}, 0, directions);
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& along) {
        Each moved = each;
        moved.parameters() = Vector<double>(each.parameters() + directions * along);
        return train(moved).loss;
      },
      Vector<double>::Zero(2), 1e-4);
  // Steps move with θ, by the tolerance, 1e-9 / 1e-4 of a difference; its truncation is of the same order.
  CHECK(max_difference(Vector<double>(directions.transpose() * got.gradient), differences) < 1e-5);
}

TEST_CASE("Cnf with PerSample: a sample's bits do not depend on its companions, chunks or threads",
          "[flow][per-sample]") {
  const Batch<double> X = data();
  const Each whole = flow(PerSample(loose)), cut = flow(PerSample(loose), 4, 3), one_thread = flow(PerSample(loose), 4);
  const Row<double> log_p = whole.log_prob(X);
  const Ends all = ends(whole, X, 0);
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 1}, {4, 3}}) {
    const Batch<double> some = X.middleCols(first, count);
    CHECK(whole.log_prob(some) == log_p.middleCols(first, count));
    CHECK(whole.score(some) == whole.score(X).middleCols(first, count));
    CHECK(ends(whole, some, first).states == all.states.middleCols(first, count));
  }
  // Calls have 24 columns at least, and all of so few samples: more than fill one tile of products.
  const Batch<double> many = data(60);
  REQUIRE(many.leftCols(n) == X);
  CHECK(flow(PerSample(loose), 64).log_prob(many).leftCols(n) == log_p);
  CHECK(cut.log_prob(X) == log_p);
  const auto by_three = train(cut), by_one = train(one_thread), by_whole = train(whole);
  CHECK(by_three.gradient == by_one.gradient);
  CHECK(by_three.context_gradient == by_whole.context_gradient);
  CHECK(max_difference(by_three.gradient, by_whole.gradient) < 1e-13);
}

TEST_CASE("Cnf with PerSample answers as one whose samples share their steps", "[flow][per-sample]") {
  const Batch<double> X = data();
  const Each each = flow(PerSample(tight, 1));
  const auto shared = flow(tight);
  CHECK(max_difference(each.log_prob(X), shared.log_prob(X)) < 1e-8);
  CHECK(max_difference(each.refined_log_prob(X), shared.log_prob(X)) < 1e-8);
  CHECK(max_difference(each.log_prob(X, Hutchinson<Rademacher>{}, 5), shared.log_prob(X, Hutchinson<Rademacher>{}, 5)) <
        1e-8);
  CHECK(max_difference(each.score(X), shared.score(X)) < 1e-6);
  CHECK(max_difference(each.transform(X), shared.transform(X)) < 1e-8);
  CHECK(max_difference(each.trajectory(X, {0, 0.5})[1], shared.trajectory(X, {0, 0.5})[1]) < 1e-8);
  Rng rng(3), again(3);
  const auto got = each.sample_with_log_prob(X.bottomRows(1), rng),
             expected = shared.sample_with_log_prob(X.bottomRows(1), again);
  CHECK(max_difference(got.samples, expected.samples) < 1e-8);
  CHECK(max_difference(got.log_prob, expected.log_prob) < 1e-8);
  CHECK(flow(PerSample(loose)).refinement().change == flow(loose).refinement().change);
}

TEST_CASE("Cnf with PerSample: a sample that fails is named, in answers and in training", "[flow][per-sample]") {
  const Batch<double> X = data();
  PiController few = loose;
  few.max_steps = 8;
  const Each each = flow(PerSample(few), 8);
  const auto failed = [](const auto& call) -> Index {
    try {
      call();
    } catch (const StepLimitError& error) {
      return error.sample;
    }
    return -1;
  };
  // The first of those that fail alone; some do not.
  const auto named = [&](const auto& call) {
    Index first = -1, failures = 0;
    for (Index j = n; j-- > 0;)
      if (failed([&] { call(Batch<double>(X.col(j)), j); }) == 0) first = j, ++failures;
    CHECK(failures > 0);
    CHECK(failures < n);
    CHECK(failed([&] { call(X, 0); }) == first);
  };
  named([&](const Batch<double>& some, Index /*first*/) { (void)each.log_prob(some); });
  named([&](const Batch<double>& some, Index first) { (void)ends(each, some, first); });
}

TEST_CASE("Cnf with PerSample allocates nothing in the second iteration", "[flow][per-sample]") {
  const Batch<double> X = data();
  const Each each = flow(PerSample(loose), 8);
  const std::vector<Index> ids = row_ids(0, n);
  Each::Memory memory;
  auto result = each.make_training_loss();
  each.value_and_gradient(X, ids, Draw{1, 1}, memory, result);
  const AllocationCounter counter;
  each.value_and_gradient(X, ids, Draw{1, 1}, memory, result);
  CHECK(counter.count() == 0);
}
