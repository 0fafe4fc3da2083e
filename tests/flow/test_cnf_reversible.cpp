#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/reversible/reversible_heun_pullback.hpp>
#include <pathline/gradient/reversible/reversible_pullback.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <ratio>
#include <vector>

using namespace pathline;
using namespace pathline::test;

TEMPLATE_TEST_CASE("Cnf trains through a reversible method, log-determinant and costs included, and evaluates by it",
                   "[flow][cnf][gradient][reversible]", (Reversible<Rk4, std::ratio<9, 10>>), ReversibleHeun) {
  Rng rng(5);
  Mlp<double, Tanh> field(2, {6}, rng);
  field.parameters() *= 2;
  Batch<double> X(2, 4);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  const std::vector<Index> samples{7, 1, 0, 4};
  const TimeSpan span = GENERATE(TimeSpan{.data = 0, .base = 1}, TimeSpan{.data = 1, .base = 0});
  const auto flow_of = [&](const Vector<double>& theta) {
    Mlp<double, Tanh> moved = field;
    moved.parameters() = theta;
    return Cnf(moved, TestType{}, FixedSteps(6), KineticEnergy{.weight = 0.1}, span);
  };
  const auto train = [&](const Vector<double>& theta) {
    const auto flow = flow_of(theta);
    typename decltype(flow_of(theta))::Memory memory;
    TrainingLoss<double> loss;
    flow.value_and_gradient(X, samples, Draw{11, 2}, memory, loss);
    return loss;
  };
  const Vector<double> expected =
      central_differences([&](const Vector<double>& theta) { return train(theta).loss; }, field.parameters());
  const TrainingLoss<double> loss = train(field.parameters());
  CHECK(max_difference(loss.gradient, expected) < 1e-8);
  CHECK(loss.negative_log_likelihood == Approx(-flow_of(field.parameters()).log_prob(X).mean()).epsilon(1e-14));
}
