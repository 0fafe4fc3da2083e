#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <numeric>

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
