#include <pathline/gradient/per_sample/sample_sequences.hpp>

#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/train/fit_sequences.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using LinearField = Network<Linear<double>>;

/// z' = W z + b, damped rotation.
LinearField linear(double turn) {
  Vector<double> theta(6);
  theta << -0.3, turn, -turn, -0.3, 0, 0;
  return LinearField(Linear<double>(2, 2, 0), theta);
}
const PiController control{.rtol = 1e-5, .atol = 1e-5};

/// Circles that are damped: starts, times and numbers of observations of their own, some of them missing.
std::vector<Sequence<double>> spirals(int count) {
  std::vector<Sequence<double>> paths;
  for (int j = 0; j < count; ++j) {
    Sequence<double> path{.times = {0.2 * j}, .states = Batch<double>(2, 3 + j % 4)};
    const double phase = j, size = 0.5 + 0.1 * j;
    for (Index k = 0; k < path.states.cols(); ++k) {
      if (k > 0) path.times.push_back(path.times.back() + 0.1 + 0.07 * double((3 * j + 5 * k) % 7));
      const double t = path.times.back() - path.times.front(), decay = size * std::exp(-0.3 * t);
      path.states(0, k) = decay * std::cos(1.7 * t + phase);
      path.states(1, k) = decay * std::sin(1.7 * t + phase);
      if (k > 0 && (j + k) % 3 == 0) path.states(j % 2, k) = std::numeric_limits<double>::quiet_NaN();
    }
    if (j % 2 == 1) path.initial = path.states.col(0);
    paths.push_back(path);
  }
  return paths;
}

}  // namespace

TEST_CASE("NeuralOde with PerSample: sequences go through their own times, as if alone", "[gradient][per_sample]") {
  const auto paths = spirals(9);
  const Backpropagation<> gradient{.outputs = GENERATE(OutputTimes::step_to, OutputTimes::interpolate)};
  const NeuralOde ode(linear(1.2), PerSample(control), gradient, ChunkWidth{5});
  const NeuralOde single(linear(1.2), control, gradient, ChunkWidth{1});
  std::vector<Index> which(paths.size());
  std::iota(which.rbegin(), which.rend(), Index(0));
  const Vector<double> weights = Vector<double>::LinSpaced(9, 0.5, 2);
  decltype(ode)::Memory memory;
  decltype(single)::Memory other;
  ValueAndGradient<double> result, expected;
  ode.value_and_gradient(paths, which, weights, memory, result);
  single.value_and_gradient(paths, which, weights, other, expected);
  CHECK(result.forward.accepted == expected.forward.accepted);
  CHECK(result.value == Approx(expected.value).epsilon(1e-12));
  CHECK(max_difference(result.parameters, expected.parameters) < 1e-11);
  CHECK(max_difference(result.initial, expected.initial) < 1e-11);
  CHECK(result.backward_samples[8].t == paths[0].times[0]);
  const auto predicted = ode.predict(paths), others = single.predict(paths);
  for (std::size_t j = 0; j < paths.size(); ++j) CHECK(max_difference(predicted[j], others[j]) < 1e-12);
  const AllocationCounter counter;
  single.value_and_gradient(paths, which, weights, other, expected);
  const long of_checks = counter.count();  // the names of the sequences, for messages
  ode.value_and_gradient(paths, which, weights, memory, result);
  CHECK(counter.count() == 2 * of_checks);

  // One that fails is thrown, as nobody is told of it.
  auto one_too_large = paths;
  one_too_large[3].initial = Vector<double>::Constant(2, 1.7e308);
  try {
    ode.value_and_gradient(one_too_large, which, weights, memory, result);
    FAIL("solved");
  } catch (const SolveError& error) {
    CHECK(error.sample == 5);  // in the order of `which`
  }
  CHECK_THROWS_AS(ode.predict(one_too_large), SolveError);
}

TEST_CASE("NeuralOde with PerSample: sequences of another dimension use the memory of the first ones",
          "[gradient][per_sample]") {
  Rng rng(3);
  const NeuralOde plane(linear(1.2), PerSample(control)),
      space(LinearField(Linear<double>(3, 3, 0), rng), PerSample(control));
  const std::vector<Sequence<double>> six{{.times = {0, 0.1, 0.2, 0.3, 0.4, 0.5}, .states = Batch<double>::Ones(2, 6)}};
  std::vector<Sequence<double>> four{{.times = {0, 0.2, 0.3, 0.7}, .states = Batch<double>::Ones(3, 4)}};
  four[0].states.row(2) *= -2;
  const std::vector<Index> first{0};  // of twelve numbers each
  typename std::remove_cvref_t<decltype(space)>::Memory used, fresh;
  ValueAndGradient<double> result, expected;
  plane.value_and_gradient(six, first, Vector<double>(), used, result);
  space.value_and_gradient(four, first, Vector<double>(), used, result);
  space.value_and_gradient(four, first, Vector<double>(), fresh, expected);
  CHECK(result.parameters == expected.parameters);
  CHECK(result.initial == expected.initial);
}

TEST_CASE("NeuralOde with PerSample: a sequence without steps is evaluated at its own time alone",
          "[gradient][per_sample]") {
  // Where the first sequence ends, the field does not exist for the state of the second.
  const auto root = [](const auto& t, const auto& y, const auto& p, auto& dy) {
    using std::sqrt;
    dy[0] = p[0] * sqrt(y[0] - t);
  };
  const NeuralOde ode(differentiable(root, 1, Vector<double>{{0.3}}), PerSample(control),
                      Backpropagation<>{.outputs = OutputTimes::interpolate});
  const std::vector<Sequence<double>> paths{{.times = {0, 0.3, 1.4, 1.5}, .states = Batch<double>::Constant(1, 4, 10)},
                                            {.times = {0}, .states = Batch<double>::Constant(1, 1, 0.5)}};
  typename std::remove_cvref_t<decltype(ode)>::Memory memory;
  ValueAndGradient<double> both, one;
  ode.value_and_gradient(paths, std::vector<Index>{0, 1}, Vector<double>(), memory, both);
  ode.value_and_gradient(paths, std::vector<Index>{0}, Vector<double>(), memory, one);
  CHECK(one.parameters(0) != 0);
  CHECK(2 * both.parameters(0) == Approx(one.parameters(0)).epsilon(1e-12));
}

TEST_CASE("fit trains a NeuralOde with PerSample", "[train][per_sample]") {
  NeuralOde ode(linear(1.2), PerSample(control));
  Rng rng(5);
  const auto report = fit(ode, spirals(20), {.epochs = 40, .batch = 8}, rng, Adam{.learning_rate = 0.05});
  CHECK(ode.parameters()(1) == Approx(1.7).epsilon(1e-2));
  CHECK(report.warnings.empty());
}
