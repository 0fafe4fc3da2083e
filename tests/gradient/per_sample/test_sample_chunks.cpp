#include <pathline/gradient/per_sample/sample_chunks.hpp>

#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/try_solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/replay.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using States = std::vector<Batch<double>>;
using Samples = std::vector<SolveStatus>;
using NetworkField = Mlp<double, Tanh>;
constexpr Index d = 2, n = 6;
const PiController control{.rtol = 1e-4, .atol = 1e-4};
const std::vector<double> times{0, 0, 0.07, 0.3, 0.3, 0.31, 0.9, 1};

/// f(t, c, z), whose samples need 7 to 11 steps.
NetworkField network() {
  Rng rng(5);
  NetworkField field(d, {5}, rng, 2);
  field.parameters() *= 8;
  return field;
}
Batch<double> starts(Index count = n) {
  return Batch<double>::NullaryExpr(d, count, [](Index i, Index j) { return std::sin(double(3 * i + 5 * j + j * j)); });
}
Batch<double> contexts(Index count = n) {
  return Batch<double>::NullaryExpr(1, count, [](Index, Index j) { return 0.3 * double(j % 6); });
}

/// Σ_k (k + 1) Σ sin(y_k) over the samples that arrived.
struct Loss {
  double operator()(const States& states, States& bars, const Samples& samples) const {
    double sum = 0;
    for (std::size_t k = 0; k < states.size(); ++k)
      for (Index j = 0; j < states[k].cols(); ++j) {
        if (!samples[std::size_t(j)].ok()) {
          bars[k].col(j).setConstant(std::numeric_limits<double>::quiet_NaN());  // must not be read
          continue;
        }
        sum += double(k + 1) * states[k].col(j).array().sin().sum();
        bars[k].col(j) += double(k + 1) * states[k].col(j).array().cos().matrix();
      }
    return sum;
  }
  /// For batches with one step for all.
  double operator()(const States& states, States& bars) const {
    return (*this)(states, bars, Samples(std::size_t(states[0].cols())));
  }
};

bool arrived(const Samples& samples) {
  return std::all_of(samples.begin(), samples.end(), [](const SolveStatus& sample) { return sample.ok(); });
}

/// The loss of the steps that each sample has taken, with other numbers.
template <class Method, class Memory>
double replayed_loss(const Memory& memory, const NetworkField& field, const Batch<double>& y0,
                     const Batch<double>& context) {
  double sum = 0;
  Index id = 0;
  for (const auto& chunk : memory.chunks) {
    const auto& record = chunk.solve.record();
    for (Index j = 0; j < record.samples(); ++j, ++id) {
      std::vector<typename std::remove_cvref_t<decltype(record)>::Step> steps;
      for (Index number = record.last(j); number >= 0; number = record.step(number).before)
        steps.insert(steps.begin(), record.step(number));
      const typename SideInputs<double>::Context of_sample(context.data() + id, 1, 1, Eigen::OuterStride<>(1));
      const FieldDynamics<NetworkField> dynamics(field, 1, SideInputs<double>(of_sample));
      const States states = replay<Method>(dynamics, y0.col(id), steps);
      std::size_t k = 0;
      for (const auto& output : record.outputs(j))
        sum += double(++k) * states[std::size_t(output.after)].array().sin().sum();
    }
  }
  return sum;
}

}  // namespace

TEMPLATE_TEST_CASE("NeuralOde with PerSample: gradients agree with central differences of each sample's own steps",
                   "[gradient][per_sample]", Dopri5, CashKarp) {
  const NetworkField field = network();
  const Batch<double> y0 = starts(), context = contexts();
  std::vector<double> at = times;
  const bool backward = GENERATE(false, true);
  if (backward)
    for (double& t : at) t = 1 - t;
  const NeuralOde ode(field, TestType{}, PerSample(control), ChunkWidth{backward ? 4 : 6});
  typename decltype(ode)::Memory memory;
  ValueAndGradient<double> result;
  ode.value_and_gradient(y0, at, Loss{}, memory, result, context);
  REQUIRE(arrived(result.backward_samples));
  const auto [least, most] =
      std::minmax_element(result.forward_samples.begin(), result.forward_samples.end(),
                          [](const auto& a, const auto& b) { return a.statistics.accepted < b.statistics.accepted; });
  CHECK(most->statistics.accepted > least->statistics.accepted + 2);
  CHECK(result.forward.rejected > 0);
  CHECK(result.backward.accepted == result.forward.accepted);
  CHECK(replayed_loss<TestType>(memory, field, y0, context) == Approx(result.value).epsilon(1e-12));
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) {
        NetworkField moved = field;
        moved.parameters() = theta;
        return replayed_loss<TestType>(memory, moved, y0, context);
      },
      field.parameters());
  const auto of_batch = [&](const Vector<double>& x, Index rows) { return Batch<double>(x.reshaped(rows, n)); };
  const Vector<double> y0_bar = central_differences(
      [&](const Vector<double>& y) { return replayed_loss<TestType>(memory, field, of_batch(y, d), context); },
      y0.reshaped());
  const Vector<double> context_bar = central_differences(
      [&](const Vector<double>& c) { return replayed_loss<TestType>(memory, field, y0, of_batch(c, 1)); },
      context.reshaped());
  // Rounding of differences: ε · loss (about 50) / h = 1e-8, against gradients of order 10 and more.
  CHECK(max_difference(result.parameters, theta_bar) < 1e-7);
  CHECK(max_difference(result.initial.reshaped(), y0_bar) < 1e-7);
  CHECK(max_difference(result.context.reshaped(), context_bar) < 1e-7);
}

TEST_CASE("NeuralOde with PerSample agrees with solves of one sample each", "[gradient][per_sample]") {
  const NetworkField field = network();
  const Batch<double> y0 = starts(), context = contexts();
  std::vector<double> at = times;
  if (GENERATE(false, true))
    for (double& t : at) t = 1 - t;
  const Backpropagation<> gradient{.outputs = GENERATE(OutputTimes::step_to, OutputTimes::interpolate)};
  const NeuralOde ode(field, PerSample(control), gradient);
  const NeuralOde single(field, control, gradient, ChunkWidth{1});
  const auto result = ode.value_and_gradient_with_times(y0, at, Loss{}, context),
             expected = single.value_and_gradient_with_times(y0, at, Loss{}, context);
  CHECK(result.forward.accepted == expected.forward.accepted);
  CHECK(result.forward.rejected == expected.forward.rejected);
  // Products of other sizes round otherwise; tens of steps carry that on.
  CHECK(result.value == Approx(expected.value).epsilon(1e-11));
  CHECK(max_difference(result.initial, expected.initial) < 1e-10);
  CHECK(max_difference(result.parameters, expected.parameters) < 1e-10);
  CHECK(max_difference(result.context, expected.context) < 1e-10);
  CHECK(max_difference(result.times, expected.times) < 1e-10);
  const States states = ode.solve(y0, at, context), others = single.solve(y0, at, context);
  for (std::size_t k = 0; k < at.size(); ++k) CHECK(max_difference(states[k], others[k]) < 1e-11);
}

TEST_CASE(
    "NeuralOde with PerSample: the bits of a sample are the same in any batch, all bits for any number of threads",
    "[gradient][per_sample][chunks]") {
  const NetworkField field = network();
  constexpr Index many = 29;
  const Batch<double> y0 = starts(many), context = contexts(many);
  const auto by = [&](int threads, Index width) {
    return NeuralOde(field, PerSample(control), Threads{threads}, ChunkWidth{width})
        .value_and_gradient(y0, times, Loss{}, context);
  };
  const auto together = by(1, 20), threads = by(3, 20), whole = by(1, many);
  CHECK(together.value == threads.value);
  CHECK(together.parameters == threads.parameters);
  CHECK(together.initial == threads.initial);
  CHECK(together.forward == threads.forward);
  CHECK(together.initial == whole.initial);
  CHECK(together.context == whole.context);
  const NeuralOde ode(field, PerSample(control));
  const States all = ode.solve(y0, times, context);
  for (const Index j : {0, 5, 28}) {
    const auto alone = ode.value_and_gradient(y0.col(j), times, Loss{}, context.col(j));
    CHECK(alone.initial == together.initial.col(j));
    CHECK(alone.context == together.context.col(j));
    CHECK(alone.forward_samples[0].statistics == together.forward_samples[std::size_t(j)].statistics);
    CHECK(ode.solve(y0.col(j), times, context.col(j)).back() == all.back().col(j));
  }
}

// z' = p z² from y blows up at 1 / (p y).
TEST_CASE("NeuralOde with PerSample: a sample that fails has gradient 0 and its status, the others theirs",
          "[gradient][per_sample][errors]") {
  const auto square = [](const auto& /*t*/, const auto& y, const auto& p, auto& dy) { dy[0] = p[0] * y[0] * y[0]; };
  const auto field = differentiable(square, 1, Vector<double>{{1}});
  const auto inside = [](const auto& y) { return y(0) < 1e250; };
  const PerSample steps(WithDomain(PiController{.rtol = 1e-8, .atol = 1e-8}, inside));
  const NeuralOde ode(field, steps, ChunkWidth{6});
  const std::vector<double> at{0, 0.25, 1};
  const Batch<double> y0{{0.5, 2, -1, 1e200, 0.75, 1e260}}, good{{0.5, -1, 0.75}};
  decltype(ode)::Memory memory;
  ValueAndGradient<double> result;
  ode.value_and_gradient(y0, at, Loss{}, memory, result);
  const auto expected = ode.value_and_gradient(good, at, Loss{});
  CHECK(result.value == expected.value);
  CHECK(result.parameters == expected.parameters);
  for (Index j = 0; j < 3; ++j) CHECK(result.initial(0, 2 * j) == expected.initial(0, j));
  for (const std::size_t j : {1U, 3U, 5U}) {
    CHECK(result.initial(0, Index(j)) == 0);
    CHECK(result.backward_samples[j].outcome == result.forward_samples[j].outcome);
    CHECK((j == 5 || memory.outputs[0](0, Index(j)) == y0(0, Index(j))));
    CHECK(std::isnan(memory.outputs[2](0, Index(j))));
  }
  CHECK(result.forward_samples[1].outcome == SolveOutcome::step_underflow);
  CHECK(result.forward_samples[1].t == Approx(0.5).epsilon(1e-6));
  CHECK(memory.outputs[1](0, 1) == Approx(4).epsilon(1e-6));  // as far as it came
  CHECK(result.forward_samples[3].outcome == SolveOutcome::not_finite);
  CHECK(result.forward_samples[5].outcome == SolveOutcome::bad_input);
  CHECK(result.backward_samples[4].ok());
  CHECK(result.backward_samples[4].sample == 4);

  // The same without a gradient; whoever is not told is thrown at.
  CHECK_NOTHROW(ode.try_solve(y0, at, memory));
  CHECK(memory.samples[1].outcome == SolveOutcome::step_underflow);
  CHECK(memory.samples[2].ok());
  CHECK(std::isnan(memory.outputs[2](0, 1)));
  try {
    (void)ode.solve(y0, at);
    FAIL("solved");
  } catch (const StepSizeError& error) {
    CHECK(error.sample == 1);
  }
  const auto not_told = [](const States&, States&) -> double { throw Error("was called"); };
  CHECK_THROWS_AS(ode.value_and_gradient(y0, at, not_told), StepSizeError);

  const auto none = ode.value_and_gradient(Batch<double>{{2, 3}}, at, Loss{});
  CHECK(none.value == 0);
  CHECK(none.initial == Batch<double>::Zero(1, 2));
  CHECK(none.parameters == Vector<double>::Zero(1));
  CHECK_FALSE(none.backward_samples[0].ok());

  const NeuralOde in_chunks(field, steps, ChunkWidth{2});
  const auto statuses = in_chunks.value_and_gradient(y0, at, Loss{}).backward_samples;
  for (Index j = 0; j < 6; ++j) CHECK((statuses[std::size_t(j)].ok() || statuses[std::size_t(j)].sample == j));
  CHECK(statuses[5].message() == "NeuralOde: y0 of sample 5 is outside of the domain of the step control");
}

TEST_CASE("NeuralOde with PerSample: a cotangent that is not finite is the end of its own sample alone",
          "[gradient][per_sample][errors]") {
  const NetworkField field = network();
  const Batch<double> y0 = starts(), context = contexts();
  const NeuralOde ode(field, PerSample(control));
  double poison = 0;
  const auto loss = [&](const States& states, States& bars, const Samples& samples) {
    const double value = Loss{}(states, bars, samples);
    for (States::value_type& bar : bars) bar.col(2) *= poison;
    return value;
  };
  const auto expected = ode.value_and_gradient(y0, times, loss, context);
  poison = std::numeric_limits<double>::infinity();
  const auto result = ode.value_and_gradient(y0, times, loss, context);
  CHECK(arrived(result.forward_samples));
  CHECK(result.backward_samples[2].outcome == SolveOutcome::not_finite);
  CHECK_THAT(result.backward_samples[2].message(),
             ContainsSubstring("the way back: the cotangent is not finite at t = 1"));
  CHECK_THAT(result.backward_samples[2].message(), ContainsSubstring("component 0 of sample 2"));
  CHECK(result.initial == expected.initial);  // 0 for sample 2
  CHECK(result.context == expected.context);
  CHECK(max_difference(result.parameters, expected.parameters) < 1e-13);
  CHECK(result.backward_samples[1].statistics == expected.backward_samples[1].statistics);
  const auto not_told = [&](const States& states, States& bars) { return loss(states, bars, Samples(std::size_t(n))); };
  CHECK_THROWS_AS(ode.value_and_gradient(y0, times, not_told, context), NonFiniteError);
}

TEST_CASE("NeuralOde with PerSample allocates nothing in the second call of a shape",
          "[gradient][per_sample][allocations]") {
  const NetworkField field = network();
  const Batch<double> y0 = starts(30), context = contexts(30);
  // One thread: of several, one may meet its first chunk, or a wider one, in the second call only.
  const NeuralOde ode(field, PerSample(control), ChunkWidth{20}, Threads{1},
                      Backpropagation<>{.outputs = GENERATE(OutputTimes::step_to, OutputTimes::interpolate)});
  decltype(ode)::Memory memory, other;
  ValueAndGradient<double> result;
  for (const bool counted : {false, true}) {
    const AllocationCounter counter;
    ode.value_and_gradient(y0, times, Loss{}, memory, result, context);
    (void)ode.try_solve(y0, times, other, context);
    CHECK((!counted || counter.count() == 0));
  }
}

TEST_CASE("NeuralOde with PerSample refuses what no sample can follow", "[gradient][per_sample][errors]") {
  const NetworkField field = network();
  const auto with = [&](const PiController& asked, const std::vector<double>& at, const auto& method,
                        OutputTimes outputs) {
    (void)NeuralOde(field, method, PerSample(asked), Backpropagation<>{.outputs = outputs})
        .value_and_gradient(starts(), at, Loss{}, contexts());
  };
  CHECK_NOTHROW(with(control, times, CashKarp{}, OutputTimes::step_to));
  CHECK_THROWS_AS(with({.rtol = -1}, times, CashKarp{}, OutputTimes::step_to), ArgumentError);
  CHECK_THROWS_AS(with(control, {0, 1, 0.5}, CashKarp{}, OutputTimes::step_to), ArgumentError);
  CHECK_THROWS_WITH(with(control, times, CashKarp{}, OutputTimes::interpolate),
                    ContainsSubstring("step_to, or an explicit method that is first same as last"));
}
