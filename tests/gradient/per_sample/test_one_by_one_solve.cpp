#include <pathline/gradient/per_sample/one_by_one_solve.hpp>

#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace pathline;

// z' = p (z² - t) from y: with p = 1, those that start above 0.73 or so blow up.
TEST_CASE("NeuralOde with PerSample and an implicit method: each sample as if alone, whatever becomes of others",
          "[gradient][per_sample][implicit]") {
  const auto riccati = [](const auto& t, const auto& y, const auto& p, auto& dy) { dy[0] = p[0] * (y[0] * y[0] - t); };
  const auto field = differentiable(riccati, 1, Vector<double>{{1}});
  const PiController control{.rtol = 1e-4, .atol = 1e-6};
  const std::vector<double> times{0, 0.2, 3};
  using States = std::vector<Batch<double>>;
  double poison = 0;
  const auto loss = [&](const States& y, States& bars, const std::vector<SolveStatus>& samples) {
    double sum = 0;
    for (Index j = 0; j < y[0].cols(); ++j)
      for (std::size_t k = 0; k < y.size(); ++k) {
        bars[k](0, j) = samples[std::size_t(j)].ok() ? 1 + 2 * y[k](0, j) : std::numeric_limits<double>::quiet_NaN();
        if (samples[std::size_t(j)].ok()) sum += y[k](0, j) + y[k](0, j) * y[k](0, j);
      }
    if (poison != 0) bars[1](0, 0) = poison;
    return sum;
  };
  const auto of_batch = [&](const States& y, States& bars) {
    return loss(y, bars, std::vector<SolveStatus>(std::size_t(y[0].cols())));
  };
  const NeuralOde ode(field, TrBdf2{}, PerSample(control));
  const NeuralOde single(field, TrBdf2{}, control, ChunkWidth{1});
  const Batch<double> y0{{0.1, 2, -20, 0.5}}, good{{0.1, -20, 0.5}};
  decltype(ode)::Memory memory;
  ValueAndGradient<double> result;
  ode.value_and_gradient(y0, times, loss, memory, result);
  const auto expected = single.value_and_gradient(good, times, of_batch);
  CHECK(result.value == expected.value);
  CHECK(result.parameters == expected.parameters);
  CHECK(result.initial == Batch<double>{{expected.initial(0), 0, expected.initial(1), expected.initial(2)}});
  CHECK(result.backward.accepted == expected.backward.accepted);
  CHECK(result.forward_samples[1].outcome != SolveOutcome::success);
  CHECK(result.forward_samples[1].t == Approx(0.5).epsilon(0.1));
  CHECK(result.forward_samples[1].sample == 1);
  CHECK(memory.outputs[1](0, 1) == Approx(3.3).epsilon(0.1));
  CHECK(std::isnan(memory.outputs[2](0, 1)));
  CHECK(result.forward_samples[2].statistics.accepted != result.forward_samples[0].statistics.accepted);
  CHECK(result.backward_samples[2].ok());

  CHECK_NOTHROW(ode.try_solve(y0, times, memory));
  CHECK(memory.outputs[2](0, 3) == single.solve(good, times)[2](0, 2));
  CHECK(memory.samples[1].outcome == result.forward_samples[1].outcome);
  CHECK_THROWS_AS(ode.solve(y0, times), SolveError);

  decltype(ode)::Memory other;
  ode.value_and_gradient(good, times, loss, other, result);
  const AllocationCounter counter;
  ode.value_and_gradient(good, times, loss, other, result);
  CHECK(counter.count() == 0);

  poison = std::numeric_limits<double>::infinity();
  ode.value_and_gradient(good, times, loss, other, result);
  CHECK(result.backward_samples[0].outcome == SolveOutcome::not_finite);
  CHECK(result.initial == Batch<double>{{0, expected.initial(1), expected.initial(2)}});
  CHECK(result.parameters.allFinite());
}
