#include <pathline/gradient/backpropagation.hpp>

#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/step_regularizers.hpp>

#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

template <class Method>
auto control_for() {
  if constexpr (EmbeddedMethod<Method>)
    return PiController{.rtol = 1e-4, .atol = 1e-4};  // loose, so that the steps' own error is in the numbers
  else
    return FixedSteps(3);
}

/// Σ h² ‖e‖² with e the embedded error estimate: a cost that reads every stage, the last one included.
struct SquaredError {
  template <Real Scalar>
  Scalar evaluate(const AcceptedStep<Scalar>& step) const {
    return Scalar(step.h * step.h) * error(step).squaredNorm();
  }
  template <Real Scalar>
  void pullback(const AcceptedStep<Scalar>& step, std::span<BatchMap<Scalar>> stages_bar) const {
    const Batch<Scalar> e = error(step);
    for (std::size_t i = 0; i < stages_bar.size(); ++i)
      stages_bar[i] += Scalar(2 * step.h * step.h * (tableau.b[i] - tableau.b_embedded[i])) * e;
  }

 private:
  static constexpr auto tableau = BogackiShampine::tableau;
  template <Real Scalar>
  static Batch<Scalar> error(const AcceptedStep<Scalar>& step) {
    Batch<Scalar> e = Batch<Scalar>::Zero(step.stages[0].rows(), step.stages[0].cols());
    for (std::size_t i = 0; i < step.stages.size(); ++i)
      e += Scalar(tableau.b[i] - tableau.b_embedded[i]) * step.stages[i];
    return e;
  }
};
static_assert(StepCost<SquaredError, double> && StepCost<NoStepCost, float> && !StepCost<int, double>);

/// z' = f(t, z), and the quadrature of ½ ‖f‖² with its count of evaluations and pullbacks.
struct WithWork {
  using Scalar = double;
  GradientProblem::G field;
  mutable Index evaluations = 0, pullbacks = 0;

  [[nodiscard]] Index rows() const { return field.rows() + 1; }
  [[nodiscard]] Index columns() const { return field.columns(); }
  [[nodiscard]] Index path_rows() const { return field.rows(); }
  [[nodiscard]] Index error_rows() const { return rows(); }
  [[nodiscard]] Index parameter_count() const { return field.parameter_count(); }
  [[nodiscard]] Index tape_size() const { return Slices<double>::size(path_rows() * columns()) + field.tape_size(); }
  void evaluate(double t, ConstBatchRef<double> y, BatchRef<double> dy, std::span<double> tape,
                Workspace<double>& workspace) const {
    ++evaluations;
    Slices<double> slices(tape);
    BatchMap<double> F = slices.batch(path_rows(), columns());
    field.evaluate(t, y.topRows(path_rows()), F, slices.scalars(field.tape_size()), workspace);
    dy.topRows(path_rows()) = F;
    dy.bottomRows(1) = 0.5 * F.colwise().squaredNorm();
  }
  void pullback(double t, std::span<double> tape, ConstBatchRef<double> dy_bar, BatchRef<double> path_bar,
                VectorRef<double> theta_bar, double& t_bar, Workspace<double>& workspace) const {
    ++pullbacks;
    Slices<double> slices(tape);
    const BatchMap<double> F = slices.batch(path_rows(), columns());
    const Batch<double> F_bar = dy_bar.topRows(path_rows()) + F * dy_bar.row(path_rows()).asDiagonal();
    field.pullback(t, slices.scalars(field.tape_size()), F_bar, path_bar, theta_bar, t_bar, workspace);
  }
};
struct WithWorkAndPath : WithWork {
  [[nodiscard]] GradientProblem::G path_dynamics() const { return field; }
};
static_assert(!HasPathDynamics<WithWork> && HasPathDynamics<WithWorkAndPath>);

}  // namespace

// The solution does not depend on the last stage of Fehlberg and the sixth of Verner65: their cotangents are zero.
TEMPLATE_TEST_CASE(
    "Backpropagation agrees with central differences of the replayed steps, for each kind of explicit method",
    "[gradient][backpropagation]", Euler, Midpoint, Rk4, BogackiShampine, Dopri5, Tsit5, Fehlberg, Verner65, Dop853) {
  const GradientProblem problem;
  Backpropagation<>::Memory<GradientProblem::G, TestType> memory;
  const auto result = problem.run(Backpropagation<>{}, TestType{}, control_for<TestType>(), memory);
  const auto& recording = memory.recording;

  CHECK(problem.replayed_loss<TestType>(recording, problem.field.parameters(), problem.y0) ==
        Approx(result.loss).epsilon(1e-13));
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) { return problem.replayed_loss<TestType>(recording, theta, problem.y0); },
      problem.field.parameters());
  const Vector<double> y0_bar = central_differences(
      [&](const Vector<double>& y) {
        return problem.replayed_loss<TestType>(recording, problem.field.parameters(),
                                               Eigen::Map<const Batch<double>>(y.data(), 2, 3));
      },
      problem.y0.reshaped());
  // Rounding of differences: ε · loss (about 10) / h = 2e-9, against gradients of order 10.
  CHECK(max_difference(result.theta_bar, theta_bar) < 1e-8);
  CHECK(max_difference(result.y0_bar.reshaped(), y0_bar) < 1e-8);
}

TEST_CASE("Backpropagation gives the same bits from kept tapes and from recomputed stages",
          "[gradient][backpropagation]") {
  const GradientProblem problem;
  const auto control = control_for<Dopri5>();
  Backpropagation<KeepTapes>::Memory<GradientProblem::G, Dopri5> keep;
  Backpropagation<RecomputeStages>::Memory<GradientProblem::G, Dopri5> recompute;
  const auto kept = problem.run(Backpropagation<KeepTapes>{}, Dopri5{}, control, keep);
  const auto again = problem.run(Backpropagation<RecomputeStages>{}, Dopri5{}, control, recompute);
  CHECK(kept.theta_bar == again.theta_bar);
  CHECK(kept.y0_bar == again.y0_bar);
}

TEST_CASE("Backpropagation: rejected steps leave no trace in the gradient", "[gradient][backpropagation]") {
  GradientProblem problem;
  problem.field.parameters() *= 6;  // stiff enough for a first step of 0.5 to fail
  PiController control{.rtol = 1e-4, .atol = 1e-4, .initial_step = 0.5};
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  const auto result = problem.run(Backpropagation<>{}, Dopri5{}, control, memory);
  REQUIRE(result.forward.rejected > 0);
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) { return problem.replayed_loss<Dopri5>(memory.recording, theta, problem.y0); },
      problem.field.parameters());
  CHECK(max_difference(result.theta_bar, theta_bar) < 1e-7);  // h² f''' grows with the weights
}

TEST_CASE("Backpropagation pulls back once per stage that counts", "[gradient][backpropagation]") {
  const GradientProblem problem;
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  const auto result = problem.run(Backpropagation<>{}, Dopri5{}, control_for<Dopri5>(), memory);
  // Six of Dormand–Prince's seven stages: the last one is the next step's first.
  CHECK(result.backward.evaluations == 6 * result.forward.accepted);
}

TEST_CASE("Backpropagation carries a cost of the steps", "[gradient][backpropagation]") {
  const GradientProblem problem;
  Backpropagation<KeepTapes, SquaredError>::Memory<GradientProblem::G, BogackiShampine> memory;
  const Backpropagation<KeepTapes, SquaredError> gradient;
  const auto result = problem.run(gradient, BogackiShampine{}, control_for<BogackiShampine>(), memory);
  const auto with_cost = [&](const Vector<double>& theta) {
    GradientProblem::FieldType moved = problem.field;
    moved.parameters() = theta;
    const GradientProblem::G dynamics(moved, problem.y0.cols());
    const auto states = replay<BogackiShampine>(dynamics, problem.y0, memory.recording.steps());
    // The embedded error of each step, by a naive statement of its own.
    double cost = 0;
    Workspace<double> workspace;
    Vector<double> tape(dynamics.tape_size());
    for (std::size_t index = 0; index < memory.recording.steps().size(); ++index) {
      const auto& step = memory.recording.steps()[index];
      constexpr auto tableau = BogackiShampine::tableau;
      std::vector<Batch<double>> K;
      Batch<double> error = Batch<double>::Zero(2, 3);
      for (int i = 0; i < 4; ++i) {
        Batch<double> y = states[index];
        for (int j = 0; j < i; ++j) y += step.h * tableau.A(i, j) * K[std::size_t(j)];
        K.emplace_back(2, 3);
        dynamics.evaluate(step.time(tableau.c[std::size_t(i)]), y, K.back(),
                          std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
        error += (tableau.b[std::size_t(i)] - tableau.b_embedded[std::size_t(i)]) * K.back();
      }
      cost += step.h * step.h * error.squaredNorm();
    }
    return cost + problem.replayed_loss<BogackiShampine>(memory.recording, theta, problem.y0);
  };
  CHECK(memory.step_cost > 0);
  CHECK(with_cost(problem.field.parameters()) == Approx(result.loss + memory.step_cost).epsilon(1e-13));
  // The cost is small beside the loss: without its cotangents the gradients would still agree to 1e-4.
  const Vector<double> theta_bar = central_differences(with_cost, problem.field.parameters());
  CHECK(max_difference(result.theta_bar, theta_bar) < 1e-8);
}

TEST_CASE("Backpropagation of fixed steps by a method that is first same as last", "[gradient][backpropagation]") {
  // The last stage of the last step is not evaluated: nothing reads it.
  const GradientProblem problem;
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  const auto result = problem.run(Backpropagation<>{}, Dopri5{}, FixedSteps(2), memory);
  CHECK(result.forward.evaluations == 1 + 6 * 4 - 1);
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) { return problem.replayed_loss<Dopri5>(memory.recording, theta, problem.y0); },
      problem.field.parameters());
  CHECK(max_difference(result.theta_bar, theta_bar) < 1e-8);
}

TEST_CASE("Backpropagation of a solve over no time hands the cotangents through", "[gradient][backpropagation]") {
  GradientProblem problem;
  problem.times = {0.5, 0.5};
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  const auto result = problem.run(Backpropagation<>{}, Dopri5{}, control_for<Dopri5>(), memory);
  CHECK(result.forward.evaluations == 0);
  CHECK(result.theta_bar.isZero(0));
  CHECK(max_difference(result.y0_bar, (3 * problem.y0.array().cos()).matrix()) < 1e-15);
}

TEMPLATE_TEST_CASE("Backpropagation leaves out quadratures where nobody reads them, and the gradient is the same",
                   "[gradient][backpropagation]", KeepTapes, RecomputeStages, Checkpoints) {
  const GradientProblem problem;
  const PiController control{.rtol = 1e-5, .atol = 1e-5, .initial_step = 0.5};
  const auto run = [&](const auto& dynamics, const auto& gradient) {
    typename std::remove_cvref_t<decltype(gradient)>::template Memory<WithWork, Dopri5> memory;
    GradientProblem::Result result;
    Batch<double> y = Batch<double>::Zero(3, 3);
    y.topRows(2) = 3 * problem.y0;
    result.forward = gradient.forward(Dopri5{}, control, dynamics, y, problem.times, {}, memory);
    result.loss = y.sum();
    result.y0_bar.setOnes(3, 3);
    result.theta_bar.setZero(dynamics.parameter_count());
    result.backward =
        gradient.backward(Dopri5{}, control, dynamics, problem.times, {}, result.y0_bar, result.theta_bar, memory);
    return result;
  };
  const WithWork all{{problem.field, 3}};
  const WithWorkAndPath some{{{problem.field, 3}}};
  const auto complete = run(all, Backpropagation<>{}), result = run(some, Backpropagation<TestType>{});
  CHECK(result.loss == complete.loss);
  CHECK(max_difference(result.theta_bar, complete.theta_bar) < 1e-14);
  CHECK(max_difference(result.y0_bar, complete.y0_bar) < 1e-14);
  CHECK(result.forward.evaluations == complete.forward.evaluations);
  CHECK(some.pullbacks == 5 * result.forward.accepted);  // of six
  CHECK(all.pullbacks == 6 * complete.forward.accepted);
  const Index steps = complete.forward.accepted + complete.forward.rejected;
  if constexpr (std::same_as<TestType, KeepTapes>) CHECK(some.evaluations == all.evaluations - steps);

  // A cost of the steps reads all rows of all stages.
  const WithWork same{{problem.field, 3}};
  const WithWorkAndPath other{{{problem.field, 3}}};
  const Backpropagation<KeepTapes, ErrorEstimateCost<Dopri5>> with_cost;
  CHECK(run(same, with_cost).theta_bar == run(other, with_cost).theta_bar);
  CHECK(same.evaluations == other.evaluations);
}

TEST_CASE("Backpropagation leaves quadratures out by Dop853 and between interpolated outputs, with the same gradient",
          "[gradient][backpropagation]") {
  const GradientProblem problem;
  const std::array<double, 4> times{0, 0.2, 0.5, 1};
  const auto compare = [&](const auto& method, const Backpropagation<>& gradient, Index left_out) {
    const auto run = [&](const auto& dynamics) {
      typename Backpropagation<>::template Memory<WithWork, std::remove_cvref_t<decltype(method)>> memory;
      GradientProblem::Result result;
      Batch<double> y = Batch<double>::Zero(3, 3);
      y.topRows(2) = 3 * problem.y0;
      std::vector<Batch<double>> states(times.size(), y), states_bar = states;
      const PiController control{.rtol = 1e-4, .atol = 1e-4};
      result.forward = gradient.forward(method, control, dynamics, y, times, states, memory);
      for (std::size_t i = 0; i < states.size(); ++i) {
        result.loss += double(i + 1) * states[i].sum();
        states_bar[i].setConstant(double(i + 1));
      }
      result.y0_bar.setZero(3, 3);
      result.theta_bar.setZero(dynamics.parameter_count());
      gradient.backward(method, control, dynamics, times, states_bar, result.y0_bar, result.theta_bar, memory);
      return result;
    };
    const WithWork all{{problem.field, 3}};
    const WithWorkAndPath some{{{problem.field, 3}}};
    const auto complete = run(all), result = run(some);
    CHECK(result.loss == complete.loss);
    CHECK(max_difference(result.theta_bar, complete.theta_bar) < 1e-13);
    CHECK(max_difference(result.y0_bar, complete.y0_bar) < 1e-13);
    CHECK(all.pullbacks - some.pullbacks == left_out * complete.forward.accepted);
  };
  compare(Dop853{}, Backpropagation<>{}, 4);
  compare(Dopri5{}, Backpropagation<>{.outputs = OutputTimes::interpolate}, 1);
}
