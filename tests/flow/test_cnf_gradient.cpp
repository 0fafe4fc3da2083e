#include <pathline/flow/cnf.hpp>

#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/adjoint.hpp>

#include <support/any_field.hpp>
#include <support/any_trace.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/replay.hpp>

#include <numbers>
#include <numeric>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index d = 3, n = 4;

Batch<double> data() {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  X.array() = 2 * X.array() + 1;
  return X;
}

/// Σ h ‖K_1‖², a cost of the steps.
struct FirstStage {
  template <Real Scalar>
  Scalar evaluate(const AcceptedStep<Scalar>& step) const {
    return Scalar(step.h) * step.stages[0].squaredNorm();
  }
  template <Real Scalar>
  void pullback(const AcceptedStep<Scalar>& step, std::span<BatchMap<Scalar>> stages_bar) const {
    stages_bar[0] += Scalar(2 * step.h) * step.stages[0];
  }
};

const std::vector<Index> samples{7, 1, 0, 4};  // row ids: noise follows them, not the place in the batch

/// The training loss of the recorded steps, without the flow: naive statements of everything but the dynamics.
template <class Steps, class... R>
double replayed_loss(const AnyField& field, const Vector<double>& theta, const AnyTrace& trace, const Draw& draw,
                     const Steps& steps, const R&... regularizer) {
  AnyField moved = field;
  moved.parameters() = theta;
  Workspace<double> workspace;
  const Index k = trace.tangents(d);
  Vector<double> tangents(d * k * n);
  const BatchMap<double> V(tangents.data(), d, k * n);
  trace.fill(draw, std::span<const Index>(samples), V, workspace);
  const std::tuple<R...> regularizers(regularizer...);
  const std::vector<double> weights(std::size_t(k), trace.weight(d, 0));
  const FieldByTangents<AnyField> on_path(moved, V, weights.data(), n);
  const AugmentedDynamics<FieldByTangents<AnyField>, R...> dynamics(on_path, regularizers);

  const Batch<double> X = data();
  const Vector<double> mean = X.rowwise().mean();
  const Vector<double> deviation = ((X.colwise() - mean).rowwise().squaredNorm() / double(n)).cwiseSqrt();
  Batch<double> y = Batch<double>::Zero(dynamics.rows(), n);
  y.topRows(d) = deviation.cwiseInverse().asDiagonal() * (X.colwise() - mean);
  y = replay<Dopri5>(dynamics, y, steps).back();
  double loss = 0.5 * d * std::log(2 * std::numbers::pi) + deviation.array().log().sum();
  loss += (0.5 * y.topRows(d).colwise().squaredNorm() - y.row(d)).mean();
  Index row = d + 1;
  ((loss += regularizer.weight * y.row(row++).mean()), ...);
  return loss;
}

template <class... R>
void check_gradient(const R&... regularizer) {
  const auto fields = fields_of<Tanh, Softplus, Sigmoid, Swish, Sine, LogTwoCosh>(d, {5, 4}, 17);
  const std::size_t which = GENERATE(range(std::size_t(0), std::size_t(6)));
  const AnyTrace trace = GENERATE(AnyTrace{ExactTrace{}}, AnyTrace{Hutchinson<Rademacher>{}},
                                  AnyTrace{Hutchinson<Rademacher>{.probes = 2}}, AnyTrace{Hutchinson<Gaussian>{}});
  INFO("field " << which << ", trace " << trace.estimator.index());
  const Draw draw{5, 9};
  const Cnf flow(fields[which], trace, Dopri5{}, PiController{.rtol = 1e-4, .atol = 1e-4}, Standardize(data()),
                 ChunkWidth{n}, regularizer...);
  typename decltype(flow)::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(data(), samples, draw, memory, result);
  const auto& steps = memory.threads[0].blocks[0].recording.steps();
  const auto loss = [&](const Vector<double>& theta) {
    return replayed_loss(fields[which], theta, trace, draw, steps, regularizer...);
  };
  CHECK(result.loss == Approx(loss(fields[which].parameters())).epsilon(1e-12));
  // Rounding of the differences: ε · loss / h = 1e-9 beside gradients of order 0.1.
  CHECK(max_difference(result.gradient, central_differences(loss, fields[which].parameters())) < 1e-7);
}

}  // namespace

TEST_CASE("Cnf: the loss's gradient agrees with central differences of the replayed solve", "[flow][gradient]") {
  check_gradient();
}

TEST_CASE("Cnf: so does the gradient with kinetic energy", "[flow][gradient]") {
  check_gradient(KineticEnergy{.weight = 0.3});
}

TEST_CASE("Cnf: a loss of one's own gets its gradient", "[flow][gradient]") {
  // Mean over samples of Σ z⁴ + ℓ², a loss that no built-in term makes.
  const auto fields = fields_of<Tanh>(d, {5}, 3);
  const auto loss = [](ConstBatchRef<double> Y, BatchRef<double> Y_bar, ConstRowRef<double> /*log_det*/) {
    Y_bar.topRows(d) = (4.0 / n) * Y.topRows(d).array().cube();
    Y_bar.row(d) = (2.0 / n) * Y.row(d);
    return (Y.topRows(d).array().pow(4).sum() + Y.row(d).squaredNorm()) / n;
  };
  const Cnf flow(fields[0], Rk4{}, FixedSteps(4), ChunkWidth{2});
  typename decltype(flow)::Memory memory;
  TrainingLoss<double> result, moved_result;
  flow.value_and_gradient(data(), samples, Draw{}, loss, memory, result);
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& theta) {
        auto moved = flow;
        moved.parameters() = theta;
        moved.value_and_gradient(data(), samples, Draw{}, loss, memory, moved_result);
        return moved_result.loss;
      },
      fields[0].parameters());
  CHECK(max_difference(result.gradient, differences) < 1e-7);
}

TEST_CASE("Cnf: a cost of the steps enters loss and gradient, each sample with its chunk's share", "[flow][gradient]") {
  const auto fields = fields_of<Tanh>(d, {5}, 3);
  const Cnf flow(fields[0], Dopri5{}, FixedSteps(2), ChunkWidth{3}, Backpropagation<KeepTapes, FirstStage>{});
  typename decltype(flow)::Memory memory;
  TrainingLoss<double> result, moved_result;
  flow.value_and_gradient(data(), samples, Draw{}, memory, result);
  CHECK(result.step_cost > 0);
  CHECK(result.loss == Approx(result.negative_log_likelihood + result.step_cost).epsilon(1e-14));
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& theta) {
        auto moved = flow;
        moved.parameters() = theta;
        moved.value_and_gradient(data(), samples, Draw{}, memory, moved_result);
        return moved_result.loss;
      },
      fields[0].parameters());
  CHECK(max_difference(result.gradient, differences) < 1e-7);
}

TEST_CASE("Cnf: recomputed tapes give the same bits", "[flow][gradient]") {
  const auto fields = fields_of<Swish>(d, {5}, 3);
  const auto gradient = [&](const auto& method) {
    const Cnf flow(fields[0], Hutchinson<>{}, method, KineticEnergy{});
    typename decltype(flow)::Memory memory;
    TrainingLoss<double> result;
    flow.value_and_gradient(data(), samples, Draw{}, memory, result);
    return result.gradient;
  };
  CHECK(gradient(Backpropagation<KeepTapes>{}) == gradient(Backpropagation<RecomputeStages>{}));
}

TEST_CASE("Cnf: the adjoint's gradient converges to backpropagation's", "[flow][gradient]") {
  const auto fields = fields_of<Softplus>(d, {5, 4}, 8);
  const auto distance = [&](double tolerance) {
    const PiController control{.rtol = tolerance, .atol = tolerance};
    const Cnf exact(fields[0], Hutchinson<Rademacher>{}, control, Backpropagation<>{}, KineticEnergy{.weight = 0.3});
    const Cnf adjoint(fields[0], Hutchinson<Rademacher>{}, control, Adjoint{}, KineticEnergy{.weight = 0.3});
    typename decltype(exact)::Memory memory;
    typename decltype(adjoint)::Memory adjoint_memory;
    TrainingLoss<double> a, b;
    exact.value_and_gradient(data(), samples, Draw{}, memory, a);
    adjoint.value_and_gradient(data(), samples, Draw{}, adjoint_memory, b);
    return max_difference(b.gradient, a.gradient);
  };
  const double loose = distance(1e-3), tight = distance(1e-10);
  INFO(loose << " " << tight);
  CHECK(loose > 100 * tight);  // else the comparison would say nothing
  CHECK(tight < 1e-10);
}
