#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <pathline/train/adam.hpp>

#include <cmath>
#include <numeric>
#include <vector>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("Cnf trains through an implicit method, log-determinant and costs included", "[flow][cnf][gradient]") {
  Rng rng(5);
  Mlp<double, Tanh> field(2, {6}, rng);
  field.parameters() *= 2;
  Batch<double> X(2, 4);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  const std::vector<Index> samples{7, 1, 0, 4};
  const Draw draw{11, 2};
  // Fixed steps are solved to rounding, and are the same for every θ.
  const auto train = [&](const Vector<double>& theta) {
    Mlp<double, Tanh> moved = field;
    moved.parameters() = theta;
    const Cnf flow(moved, Sdirk3{}, FixedSteps(3), KineticEnergy{.weight = 0.1});
    typename decltype(flow)::Memory memory;
    TrainingLoss<double> loss;
    flow.value_and_gradient(X, samples, draw, memory, loss);
    return loss;
  };
  const Vector<double> expected =
      central_differences([&](const Vector<double>& theta) { return train(theta).loss; }, field.parameters());
  CHECK(max_difference(train(field.parameters()).gradient, expected) < 1e-8);
}

TEST_CASE("A stiff flow trains through an implicit method, where an explicit one takes many times the steps",
          "[flow][cnf][gradient]") {
  // z_2 is drawn to a slow curve at the rate of 1000, and a network moves both.
  Rng rng(6);
  Network pull(Linear<double>(2, 2, 0), rng);
  pull.parameters().setZero();
  pull.parameters()(3) = -1000;  // W(1, 1)
  const Sum field{pull, Mlp<double, Tanh>(2, {8}, rng)};
  Batch<double> X(2, 32);
  fill<Gaussian>(Draw{3, 2}, 0, X);
  X.row(0) *= 3;
  std::vector<Index> samples(32);
  std::iota(samples.begin(), samples.end(), Index(0));
  constexpr PiController control{.rtol = 1e-5, .atol = 1e-7};
  Cnf flow(field, Kvaerno5{}, control);
  decltype(flow)::Memory memory;
  TrainingLoss<double> loss;
  OptimizerState<double> adam;
  flow.value_and_gradient(X, samples, Draw{}, memory, loss);
  const double before = loss.loss;
  for (int i = 0; i < 30; ++i) {
    adam.step(Adam{.learning_rate = 0.01}, loss.gradient, flow.parameters());
    flow.value_and_gradient(X, samples, Draw{}, memory, loss);
  }
  // Without the network z_1 has a standard deviation of 3, which costs 4.5 nats; 1 would cost log 3 + 0.5.
  CHECK(loss.loss < before - 2);

  // The same loss and gradient by an explicit method, whose steps are stable below 3 / 1000 alone.
  const auto at_the_same_weights = [&](auto method, const PiController& by) {
    const Cnf other(flow.field(), method, by);
    typename decltype(other)::Memory other_memory;
    TrainingLoss<double> result;
    other.value_and_gradient(X, samples, Draw{}, other_memory, result);
    return result;
  };
  const TrainingLoss<double> explicit_steps = at_the_same_weights(Dopri5{}, control),
                             expected = at_the_same_weights(Dopri5{}, {.rtol = 1e-8, .atol = 1e-10});
  const double scale = expected.gradient.cwiseAbs().maxCoeff();
  CHECK(8 * loss.forward.accepted < explicit_steps.forward.accepted);
  // Tolerances of the steps are 1e-5 and 1e-8.
  CHECK(std::abs(loss.loss - expected.loss) < 1e-3);
  CHECK(max_difference(loss.gradient, expected.gradient) < 1e-4 * scale);
}
