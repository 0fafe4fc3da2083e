#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/hamilton_jacobi_bellman.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn/mlp.hpp>

#include <benchmarks/workloads.hpp>
#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <numeric>

using namespace pathline;

namespace {

template <Real Scalar>
class FfjordToy {
 public:
  FfjordToy(Index n, double tolerance)
      : flow_(workloads::ffjord_field<Scalar>(), ExactTrace{}, Dopri5{},
              IController{.rtol = tolerance, .atol = tolerance}, Backpropagation<>{}, Threads{1}),
        X_(workloads::inputs<Scalar>(2, n)),
        samples_(static_cast<std::size_t>(n)) {
    std::iota(samples_.begin(), samples_.end(), Index(0));
  }

  const TrainingLoss<Scalar>& run() {
    flow_.value_and_gradient(X_, samples_, Draw{}, memory_, loss_);
    return loss_;
  }

 private:
  using Flow = Cnf<Mlp<Scalar, Tanh>, ExactTrace, Dopri5, IController, Backpropagation<>, Threads>;
  Flow flow_;
  Batch<Scalar> X_;
  std::vector<Index> samples_;
  typename Flow::Memory memory_;
  TrainingLoss<Scalar> loss_;
};

/// E + 30 NLL + R by eight steps of RK4.
template <Real Scalar>
TrainingLoss<Scalar> otflow_toy() {
  const Index n = 4096;
  const Cnf flow(workloads::otflow_field<Scalar>(2, 32), Rk4{}, FixedSteps(8), TransportCost{.weight = 1},
                 LikelihoodWeight{30}, HamiltonJacobiBellman{.weight = 1}, Threads{1});
  std::vector<Index> samples(static_cast<std::size_t>(n));
  std::iota(samples.begin(), samples.end(), Index(0));
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<Scalar> result;
  flow.value_and_gradient(workloads::inputs<Scalar>(2, n), samples, Draw{}, memory, result);
  return result;
}

}  // namespace

// Reference figures: PyTorch and JAX statements of the same workload, benchmarks/peers/README.md.
TEST_CASE("ffjord_toy agrees with PyTorch and JAX, in double to all digits given", "[flow][peers]") {
  const auto [n, loss, norm] =
      GENERATE(table<Index, double, double>({{100, 2.95911651, 0.5573934}, {1024, 2.95059755, 0.6075155}}));
  FfjordToy<double> toy(n, 1e-10);
  const auto& result = toy.run();
  CHECK(result.loss == Approx(loss).epsilon(2e-9));
  CHECK(result.gradient.norm() == Approx(norm).epsilon(1e-7));
}

TEST_CASE("ffjord_toy agrees with PyTorch and JAX in float", "[flow][peers]") {
  FfjordToy<float> toy(100, 1e-5);
  const auto& result = toy.run();
  CHECK(result.loss == Approx(2.95911651).epsilon(1e-4));
  CHECK(result.gradient.norm() == Approx(0.5573934).epsilon(3e-4));
}

TEST_CASE("A training iteration allocates nothing once its memory is there", "[flow][allocations]") {
  FfjordToy<float> toy(100, 1e-5);  // four chunks of 25 columns
  toy.run();
  const AllocationCounter counter;
  toy.run();
  CHECK(counter.count() == 0);
}

TEST_CASE("So does one with every policy on, and with wide layers", "[flow][allocations]") {
  const Index width = GENERATE(64, 256, 512), n = width == 512 ? 10 : 100;
  Rng rng(1);
  const Batch<float> X = workloads::inputs<float>(2, n);
  Cnf flow(Mlp<float, Tanh>(2, {width, width, width}, rng), Hutchinson<>{.probes = 2},
           PiController{.rtol = 1e-4, .atol = 1e-4}, Adjoint{}, Standardize(X), KineticEnergy{.weight = 0.1},
           Threads{1});
  std::vector<Index> samples(std::size_t(n), 0);
  std::iota(samples.begin(), samples.end(), Index(0));
  typename decltype(flow)::Memory memory, fresh;
  TrainingLoss<float> loss, other;
  flow.value_and_gradient(X, samples, Draw{}, memory, loss);
  const AllocationCounter counter;
  flow.value_and_gradient(X, samples, Draw{}, memory, loss);
  CHECK(counter.count() == 0);
  // Nor does memory keep anything of parameters that have changed since.
  flow.parameters() *= 1.01F;
  flow.value_and_gradient(X, samples, Draw{}, memory, loss);
  flow.value_and_gradient(X, samples, Draw{}, fresh, other);
  CHECK(loss.gradient == other.gradient);
}

TEST_CASE("otflow_toy agrees with PyTorch and JAX, in double to all digits given", "[flow][peers]") {
  const auto result = otflow_toy<double>();
  CHECK(result.costs[0] == Approx(4.17199115).epsilon(2e-9));
  CHECK(result.negative_log_likelihood == Approx(16.9194568).epsilon(5e-9));
  CHECK(result.costs[1] == Approx(7.62238678).epsilon(2e-9));
  CHECK(result.loss == Approx(519.378083).epsilon(2e-9));
  CHECK(result.gradient.norm() == Approx(367.0313).epsilon(2e-7));
}

TEST_CASE("otflow_toy agrees with PyTorch and JAX in float", "[flow][peers]") {
  const auto result = otflow_toy<float>();
  CHECK(result.costs[0] == Approx(4.17199115).epsilon(1e-5));
  CHECK(result.negative_log_likelihood == Approx(16.9194568).epsilon(1e-5));
  CHECK(result.costs[1] == Approx(7.62238678).epsilon(1e-5));
  CHECK(result.gradient.norm() == Approx(367.0313).epsilon(1e-5));
}
