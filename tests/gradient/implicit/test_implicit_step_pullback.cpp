#include <pathline/gradient/implicit_step_pullback.hpp>

#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/implicit/diagonally_implicit_pullback.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/implicit/fully_implicit_pullback.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/step_regularizers.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

/// A field with its kinetic energy in a quadrature row, q' = ‖f‖²/2, and no Jacobian of its own.
struct WithEnergy {
  using Scalar = double;
  const GradientProblem::G& field;

  [[nodiscard]] Index rows() const { return field.rows() + 1; }
  [[nodiscard]] Index columns() const { return field.columns(); }
  [[nodiscard]] Index path_rows() const { return field.rows(); }
  [[nodiscard]] Index error_rows() const { return field.rows(); }
  [[nodiscard]] Index parameter_count() const { return field.parameter_count(); }
  [[nodiscard]] Index tape_size() const { return field.tape_size() + Slices<double>::size(field.rows() * columns()); }
  void evaluate(double t, ConstBatchRef<double> y, BatchRef<double> dy, std::span<double> tape,
                Workspace<double>& workspace) const {
    Slices<double> slices(tape);
    const View<double> F = slices.batch(field.rows(), columns());
    const Batch<double> z = y.topRows(field.rows());
    field.evaluate(t, z, F, slices.scalars(field.tape_size()), workspace);
    dy.topRows(field.rows()) = F.map();
    dy.bottomRows(1) = 0.5 * F.map().colwise().squaredNorm();
  }
  void pullback(double t, std::span<double> tape, ConstBatchRef<double> dy_bar, BatchRef<double> path_bar,
                VectorRef<double> theta_bar, double& t_bar, Workspace<double>& workspace) const {
    Slices<double> slices(tape);
    const View<double> F = slices.batch(field.rows(), columns());
    const Batch<double> F_bar = dy_bar.topRows(field.rows()) + F.map() * dy_bar.bottomRows(1).row(0).asDiagonal();
    field.pullback(t, slices.scalars(field.tape_size()), F_bar, path_bar, theta_bar, t_bar, workspace);
  }
};
static_assert(Dynamics<WithEnergy>);

/// Σ_j sin(z_j) and the weighted energies at the end.
struct EnergyLoss {
  static double value(const Batch<double>& y) {
    return y.topRows(2).array().sin().sum() + (y.row(2).array() * Row<double>{{1, 2, 3}}.array()).sum();
  }
  static Batch<double> cotangent(const Batch<double>& y) {
    Batch<double> bar(3, 3);
    bar.topRows(2) = y.topRows(2).array().cos();
    bar.row(2) = Row<double>{{1, 2, 3}};
    return bar;
  }
};

/// z' = -rate (z - cos(p t)) : stiff, with the slow solution near cos(p t).
struct FastToCosine {
  template <Real S>
  struct Dynamics {
    using Scalar = S;
    S rate, p;
    [[nodiscard]] Index rows() const { return 1; }
    [[nodiscard]] Index columns() const { return 1; }
    [[nodiscard]] Index path_rows() const { return 1; }
    [[nodiscard]] Index error_rows() const { return 1; }
    [[nodiscard]] Index parameter_count() const { return 1; }
    [[nodiscard]] Index tape_size() const { return 0; }
    void evaluate(double t, ConstBatchRef<S> y, BatchRef<S> dy, std::span<S>, Workspace<S>&) const {
      dy(0, 0) = -rate * (y(0, 0) - std::cos(p * S(t)));
    }
    void pullback(double t, std::span<S>, ConstBatchRef<S> dy_bar, BatchRef<S> path_bar, VectorRef<S> theta_bar,
                  S& /*t_bar*/, Workspace<S>&) const {
      path_bar(0, 0) = -rate * dy_bar(0, 0);
      theta_bar(0) -= rate * S(t) * std::sin(p * S(t)) * dy_bar(0, 0);
    }
  };

  /// dz(1)/dp and dz(1)/dz(0) by so many steps, in this scalar.
  template <Real S, class Method>
  static std::pair<S, S> gradient(const Method& method, S rate) {
    const Dynamics<S> dynamics{rate, S(1.5)};
    typename Backpropagation<>::Memory<Dynamics<S>, Method> memory;
    const std::array<double, 2> times{0, 1};
    Batch<S> y = Batch<S>::Constant(1, 1, S(1)), y_bar = y;
    Vector<S> theta_bar = Vector<S>::Zero(1);
    const Backpropagation<> backpropagation;
    backpropagation.forward(method, FixedSteps(20), dynamics, y, times, {}, memory);
    backpropagation.backward(method, FixedSteps(20), dynamics, times, {}, y_bar, theta_bar, memory);
    return {theta_bar(0), y_bar(0, 0)};
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Backpropagation through implicit methods agrees with differences of the replayed steps",
                   "[gradient][backpropagation][many-draws]", ImplicitEuler, ImplicitMidpoint, CrankNicolson, TrBdf2,
                   Sdirk2, Sdirk3, Sdirk4, Kvaerno3, Kvaerno5, GaussLegendre4, RadauIia5) {
  const GradientProblem problem;
  Backpropagation<>::Memory<GradientProblem::G, TestType> memory;
  const auto result = problem.run(Backpropagation<>{}, TestType{}, FixedSteps(3), memory);
  const auto& recording = memory.recording;
  CHECK(recording.steps().size() == 6);
  CHECK(problem.replayed_loss<TestType>(recording, problem.field.parameters(), problem.y0) ==
        Approx(result.loss).epsilon(1e-12));
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) { return problem.replayed_loss<TestType>(recording, theta, problem.y0); },
      problem.field.parameters());
  const Vector<double> y0_bar = central_differences(
      [&](const Vector<double>& y) {
        return problem.replayed_loss<TestType>(recording, problem.field.parameters(),
                                               Eigen::Map<const Batch<double>>(y.data(), 2, 3));
      },
      problem.y0.reshaped());
  CHECK(max_difference(result.theta_bar, theta_bar) < 1e-8);
  CHECK(max_difference(result.y0_bar.reshaped(), y0_bar) < 1e-8);
}

TEMPLATE_TEST_CASE("Backpropagation through implicit methods under step control, to what Newton's method leaves",
                   "[gradient][backpropagation]", TrBdf2, Sdirk4, Kvaerno5, RadauIia5) {
  GradientProblem problem;
  problem.field.parameters() *= 5;  // steps are rejected
  Index rejected = 0;
  const auto distance = [&](double tolerance) {
    const PiController control{.rtol = tolerance, .atol = tolerance, .initial_step = 0.3};
    Backpropagation<>::Memory<GradientProblem::G, TestType> memory;
    const auto result = problem.run(Backpropagation<>{}, TestType{}, control, memory);
    rejected += result.forward.rejected;
    const auto& recording = memory.recording;
    // Along four directions: a solve in small steps takes long to replay.
    Batch<double> directions(problem.field.parameters().size(), 4);
    fill<Gaussian>(Draw{7, 1}, 0, directions);
    const Vector<double> expected = central_differences(
        [&](const Vector<double>& along) {
          const Vector<double> theta = problem.field.parameters() + directions * along;
          return problem.replayed_loss<TestType>(recording, theta, problem.y0);
        },
        Vector<double>::Zero(4));
    return (directions.transpose() * result.theta_bar - expected).cwiseAbs().maxCoeff() / result.theta_bar.norm();
  };
  const double loose = distance(1e-3), tight = distance(1e-6);
  INFO(loose << " " << tight);
  CHECK(rejected > 0);
  CHECK(loose < 2e-3);
  CHECK(tight < 2e-6);
}

TEMPLATE_TEST_CASE("Backpropagation through implicit methods: quadrature rows, and no Jacobian of the dynamics",
                   "[gradient][backpropagation]", ImplicitEuler, TrBdf2, Sdirk2, RadauIia5) {
  const GradientProblem problem;
  const GradientProblem::G inner(problem.field, 3);
  const WithEnergy dynamics{inner};
  Backpropagation<>::Memory<WithEnergy, TestType> memory;
  const Backpropagation<> gradient;
  const std::vector<double> times{0, 0.7};
  Batch<double> y0 = Batch<double>::Zero(3, 3);
  y0.topRows(2) = problem.y0;
  Batch<double> y = y0;
  gradient.forward(TestType{}, FixedSteps(3), dynamics, y, times, {}, memory);
  Batch<double> y_bar = EnergyLoss::cotangent(y);
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  gradient.backward(TestType{}, FixedSteps(3), dynamics, times, {}, y_bar, theta_bar, memory);
  const auto replayed = [&](const Vector<double>& theta, const Batch<double>& start) {
    GradientProblem::FieldType moved = problem.field;
    moved.parameters() = theta;
    const GradientProblem::G other(moved, 3);
    return EnergyLoss::value(replay_implicit<TestType>(WithEnergy{other}, start, memory.recording.steps()).back());
  };
  CHECK(replayed(problem.field.parameters(), y0) == Approx(EnergyLoss::value(y)).epsilon(1e-12));
  const Vector<double> by_theta =
      central_differences([&](const Vector<double>& theta) { return replayed(theta, y0); }, problem.field.parameters());
  const Vector<double> by_start = central_differences(
      [&](const Vector<double>& start) {
        return replayed(problem.field.parameters(), Eigen::Map<const Batch<double>>(start.data(), 3, 3));
      },
      y0.reshaped());
  CHECK(max_difference(theta_bar, by_theta) < 1e-8);
  CHECK(max_difference(y_bar.reshaped(), by_start) < 1e-8);

  // From kept starts: Jacobians are of the path rows alone.
  Backpropagation<Checkpoints>::Memory<WithEnergy, TestType> checkpoints;
  const Backpropagation<Checkpoints> bounded{.storage = {.count = 2}};
  Batch<double> again = y0;
  bounded.forward(TestType{}, FixedSteps(3), dynamics, again, times, {}, checkpoints);
  CHECK(again == y);
  again = EnergyLoss::cotangent(again);
  Vector<double> theta_again = Vector<double>::Zero(theta_bar.size());
  bounded.backward(TestType{}, FixedSteps(3), dynamics, times, {}, again, theta_again, checkpoints);
  CHECK(again == y_bar);
  CHECK(theta_again == theta_bar);
}

TEMPLATE_TEST_CASE("Backpropagation through implicit methods keeps its digits where the problem is stiff",
                   "[gradient][backpropagation]", ImplicitEuler, TrBdf2, Sdirk4, Kvaerno5, RadauIia5) {
  // dz(1)/dp is -t sin(p t) of the slow solution, to 1 / rate; the start is forgotten.
  const auto [by_p, by_start] = FastToCosine::gradient<double>(TestType{}, 1e6);
  CHECK(by_p == Approx(-std::sin(1.5)).margin(1e-4));
  CHECK(std::abs(by_start) < 1e-5);
  const auto single = FastToCosine::gradient<float>(TestType{}, 1e6F);
  CHECK(double(single.first) == Approx(by_p).epsilon(1e-5));
  CHECK(std::abs(single.second) < 1e-5F);
}

TEST_CASE("Backpropagation through implicit Euler is the closed form for a linear field",
          "[gradient][backpropagation]") {
  // z' = -k (z - cos 0), from z = 1 + u: u_N = u_0 / (1 + h k)^N.
  const FastToCosine::Dynamics<double> dynamics{4, 0};
  Backpropagation<>::Memory<FastToCosine::Dynamics<double>, ImplicitEuler> memory;
  const std::array<double, 2> times{0, 1};
  Batch<double> y = Batch<double>::Constant(1, 1, 3), y_bar = Batch<double>::Ones(1, 1);
  Vector<double> theta_bar = Vector<double>::Zero(1);
  const Backpropagation<> backpropagation;
  backpropagation.forward(ImplicitEuler{}, FixedSteps(5), dynamics, y, times, {}, memory);
  const auto counts =
      backpropagation.backward(ImplicitEuler{}, FixedSteps(5), dynamics, times, {}, y_bar, theta_bar, memory);
  CHECK(y(0, 0) == Approx(1 + 2 / std::pow(1.8, 5)).epsilon(1e-14));
  CHECK(y_bar(0, 0) == Approx(1 / std::pow(1.8, 5)).epsilon(1e-14));
  CHECK(theta_bar(0) == 0);
  CHECK(counts.evaluations == 5);
}

TEMPLATE_TEST_CASE(
    "Backpropagation through implicit methods: the same bits from kept tapes and recomputed stages, and "
    "no allocation",
    "[gradient][backpropagation]", Kvaerno3, RadauIia5) {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  Backpropagation<KeepTapes>::Memory<GradientProblem::G, TestType> keep;
  Backpropagation<RecomputeStages>::Memory<GradientProblem::G, TestType> recompute;
  const PiController control{.rtol = 1e-4, .atol = 1e-4};
  const auto kept = problem.run(Backpropagation<KeepTapes>{}, TestType{}, control, keep);
  const auto again = problem.run(Backpropagation<RecomputeStages>{}, TestType{}, control, recompute);
  CHECK(kept.theta_bar == again.theta_bar);
  CHECK(kept.y0_bar == again.y0_bar);

  const Backpropagation<> gradient;
  Batch<double> y = problem.y0, y_bar = problem.y0;
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  const std::array<double, 2> times{0, 1};
  const auto iteration = [&] {
    y = problem.y0;
    gradient.forward(TestType{}, control, dynamics, y, times, {}, keep);
    gradient.backward(TestType{}, control, dynamics, times, {}, y_bar, theta_bar, keep);
  };
  iteration();
  const AllocationCounter counter;
  iteration();
  CHECK(counter.count() == 0);
}

TEST_CASE("NeuralOde trains by an implicit method", "[gradient][neural-ode]") {
  const GradientProblem problem;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    bars.back() += states.back();
    return 0.5 * states.back().squaredNorm();
  };
  const std::vector<double> times{0, 1};
  const NeuralOde stiff(problem.field, Kvaerno5{}, PiController{.rtol = 1e-9, .atol = 1e-11});
  const NeuralOde plain(problem.field, Dopri5{}, PiController{.rtol = 1e-9, .atol = 1e-11});
  const auto by_implicit = stiff.value_and_gradient(problem.y0, times, loss);
  const auto by_explicit = plain.value_and_gradient(problem.y0, times, loss);
  CHECK(by_implicit.value == Approx(by_explicit.value).epsilon(1e-8));
  CHECK(max_difference(by_implicit.parameters, by_explicit.parameters) < 1e-7);
  CHECK(max_difference(by_implicit.initial, by_explicit.initial) < 1e-7);
}

TEST_CASE("Backpropagation through implicit methods after a sliver of a step", "[gradient][backpropagation]") {
  // The step after it is so long that its first stage is evaluated and not taken over.
  const GradientProblem problem;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    bars.back() += states.back();
    return 0.5 * states.back().squaredNorm();
  };
  const NeuralOde ode(problem.field, Kvaerno5{}, FixedSteps(4));
  const auto whole = ode.value_and_gradient(problem.y0, std::vector<double>{0, 1}, loss);
  const auto sliver = ode.value_and_gradient(problem.y0, std::vector<double>{0, 1e-10, 1}, loss);
  CHECK(max_difference(sliver.parameters, whole.parameters) < 1e-8);
  CHECK(max_difference(sliver.initial, whole.initial) < 1e-8);
}

TEMPLATE_TEST_CASE("Backpropagation through implicit methods: stages taken together, as one after the other",
                   "[gradient][backpropagation]", Kvaerno3, RadauIia5) {
  // Stages are solved to rounding, so that a sample's gradient does not depend on its chunk. One of 48 columns takes
  // its stages one after the other.
  const GradientProblem problem;
  Batch<double> y0(2, 48);
  for (Index j = 0; j < 16; ++j) y0.middleCols(3 * j, 3) = problem.y0 * (1 - 0.05 * double(j));
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    for (std::size_t i = 0; i < states.size(); ++i) bars[i] += states[i];
    return 0.5 * (states[1].squaredNorm() + states[2].squaredNorm());
  };
  const std::vector<double> times{0, 0.3, 1};
  const auto ode = [&](Index width) { return NeuralOde(problem.field, TestType{}, FixedSteps(2), ChunkWidth{width}); };
  const auto wide = ode(48).value_and_gradient(y0, times, loss);
  const auto narrow = ode(3).value_and_gradient(y0, times, loss);
  CHECK(max_difference(wide.parameters, narrow.parameters) < 1e-12 * wide.parameters.norm());
  CHECK(max_difference(wide.initial, narrow.initial) < 1e-13);

  // Sequences in one chunk that start at different times, and each in a chunk of its own.
  std::vector<Sequence<double>> sequences;
  for (const double start : {0.0, 0.4, 2.0})
    sequences.push_back({.times = {start, start + 0.3, start + 1}, .states = y0.middleCols(4, 3)});
  const std::vector<Index> all{0, 1, 2};
  const auto gradient = [&](Index width) {
    typename decltype(ode(1))::Memory memory;
    ValueAndGradient<double> result;
    ode(width).value_and_gradient(sequences, all, Vector<double>(), memory, result);
    return result;
  };
  const auto beside = gradient(3), alone = gradient(1);
  CHECK(max_difference(beside.parameters, alone.parameters) < 1e-12 * alone.parameters.norm());
  CHECK(max_difference(beside.initial, alone.initial) < 1e-13);
}

TEST_CASE("Backpropagation through implicit methods: jumps and forced steps", "[gradient][backpropagation]") {
  const GradientProblem problem;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    for (std::size_t i = 0; i < states.size(); ++i) bars[i] += states[i];
    double sum = 0;
    for (const Batch<double>& state : states) sum += 0.5 * state.squaredNorm();
    return sum;
  };
  const std::vector<double> times{0, 0.4, 1};
  const PiController tight{.rtol = 1e-9, .atol = 1e-9};
  const WithForcedPoints forced(tight, {.step_at = {0.2}, .jump_at = {0.55}});
  const auto plain = NeuralOde(problem.field, Dopri5{}, tight).value_and_gradient(problem.y0, times, loss);
  const auto with = NeuralOde(problem.field, Kvaerno5{}, forced).value_and_gradient(problem.y0, times, loss);
  CHECK(max_difference(with.parameters, plain.parameters) < 1e-6);
  const Backpropagation<Checkpoints> from_two{.storage = {.count = 2}};
  const auto again = NeuralOde(problem.field, Dopri5{}, forced, from_two).value_and_gradient(problem.y0, times, loss);
  const auto kept = NeuralOde(problem.field, Dopri5{}, forced).value_and_gradient(problem.y0, times, loss);
  CHECK(again.parameters == kept.parameters);
  const auto solved =
      NeuralOde(problem.field, Kvaerno5{}, forced, from_two).value_and_gradient(problem.y0, times, loss);
  CHECK(solved.parameters == with.parameters);
  CHECK(solved.initial == with.initial);
}

TEST_CASE("Backpropagation through implicit methods: a cost of the steps of several chunks",
          "[gradient][backpropagation]") {
  const GradientProblem problem;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    bars.back() += states.back();
    return 0.5 * states.back().squaredNorm();
  };
  const std::vector<double> times{0, 1};
  const auto train = [&](const Vector<double>& theta) {
    GradientProblem::FieldType moved = problem.field;
    moved.parameters() = theta;
    const NeuralOde ode(moved, Kvaerno3{}, FixedSteps(3), ChunkWidth{1},
                        Backpropagation<KeepTapes, ErrorEstimateCost<Kvaerno3>>{.step_cost = {.weight = 1e4}});
    return ode.value_and_gradient(problem.y0, times, loss);
  };
  const Vector<double> expected =
      central_differences([&](const Vector<double>& theta) { return train(theta).value; }, problem.field.parameters());
  CHECK(max_difference(train(problem.field.parameters()).parameters, expected) < 1e-6);
}
