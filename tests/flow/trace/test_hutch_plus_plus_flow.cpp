#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/trace/hutch_plus_plus.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index dim = 5, n = 4;
const std::vector<Index> samples{7, 1, 0, 4};

Mlp<double, Tanh> network() {
  Rng rng(9);
  return {dim, {6, 4}, rng};
}
Batch<double> data() {
  Batch<double> X(dim, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  return X;
}

/// Tangents and weights of another time, whatever the field is now.
struct GivenTangents {
  const Batch<double>& V;
  HutchPlusPlus weights;
  [[nodiscard]] Index tangents(Index d) const { return weights.tangents(d); }
  [[nodiscard]] double weight(Index d, Index j) const { return weights.weight(d, j); }
  void fill(const Draw&, std::span<const Index>, BatchMap<double> out, Workspace<double>&) const { out = V; }
};

template <class Trace>
auto flow_by(const Trace& trace, const Mlp<double, Tanh>& field, Index width = n) {
  return Cnf(field, trace, Rk4{}, FixedSteps(3), ChunkWidth{width}, KineticEnergy{.weight = 0.3});
}

}  // namespace

TEST_CASE("HutchPlusPlus: a flow's log-density is right in the mean over seeds", "[flow][trace][cnf][many-draws]") {
  // Fixed steps: the points, and so the noise's factors, do not depend on the estimate.
  const Cnf flow = flow_by(HutchPlusPlus{.directions = 1, .probes = 1}, network());
  const Batch<double> X = data();
  const Row<double> exact = flow.log_prob(X);
  constexpr Index seeds = 2000;
  Batch<double> estimates(n, seeds);
  for (Index seed = 0; seed < seeds; ++seed)
    estimates.col(seed) =
        flow.log_prob(X, HutchPlusPlus{.directions = 1, .probes = 1}, std::uint64_t(seed)).transpose();
  // 4.9 standard errors each: a false alarm has a chance of 1e-6.
  for (Index i = 0; i < n; ++i) {
    const double error = std::sqrt((estimates.row(i).array() - exact(i)).square().mean() / double(seeds));
    INFO(estimates.row(i).mean() << ", exact " << exact(i) << ", standard error " << error);
    CHECK(error > 1e-6);
    CHECK(std::abs(estimates.row(i).mean() - exact(i)) < 4.9 * error);
  }
}

TEST_CASE("HutchPlusPlus: a sample's directions are its own", "[flow][trace][cnf]") {
  const auto log_prob = [](Index width) {
    const HutchPlusPlus trace{.directions = 2, .probes = 1};
    return flow_by(trace, network(), width).log_prob(data(), trace, 3);
  };
  CHECK((log_prob(1) - log_prob(n)).cwiseAbs().maxCoeff() < 1e-13);
}

TEST_CASE("HutchPlusPlus: the gradient is that of the loss along the tangents of the solve's start",
          "[flow][trace][gradient]") {
  const HutchPlusPlus trace{.directions = 2, .probes = 2};
  const Draw draw{5, 9};
  const auto train = [&](const auto& field, const auto& estimator) {
    const Cnf flow = flow_by(estimator, field);
    typename decltype(flow)::Memory memory;
    TrainingLoss<double> result;
    flow.value_and_gradient(data(), samples, draw, memory, result);
    return result;
  };
  const auto field = network();
  Workspace<double> workspace;
  Batch<double> V(dim, trace.tangents(dim) * n);
  const SideInputs<double> time_only;
  trace.fill(draw, std::span<const Index>(samples),
             detail::FieldJacobianProduct<Mlp<double, Tanh>>(field, time_only, 0, data(), workspace),
             BatchMap<double>(V.data(), dim, V.cols()), workspace);
  const GivenTangents given{V, trace};

  const TrainingLoss<double> got = train(field, trace);
  CHECK(got.loss == Approx(train(field, given).loss).epsilon(1e-14));
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& theta) {
        auto moved = field;
        moved.parameters() = theta;
        return train(moved, given).loss;
      },
      field.parameters());
  CHECK(max_difference(got.gradient, differences) < 1e-7);
}
