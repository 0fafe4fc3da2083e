#include <pathline/gradient/adjoint/adjoint_by.hpp>

#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/neural_ode.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>
#include <support/leaky_neurons.hpp>

#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(GradientMethod<AdjointBy<>> && GradientMethod<AdjointBy<Kvaerno5, PiController>>);
static_assert(GradientMethod<InterpolatedAdjoint<>> && GradientMethod<InterpolatedAdjoint<FixedSteps, Rk4>>);

GradientProblem::Result exact_gradient(const GradientProblem& problem) {
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  return problem.run(Backpropagation<>{}, Dopri5{}, PiController{.rtol = 1e-13, .atol = 1e-13}, memory);
}

template <class Gradient, class Method, class Control>
double error_of(const GradientProblem& problem, const Gradient& gradient, const Method& method,
                const Control& control) {
  static const GradientProblem::Result forward = exact_gradient({});
  static const GradientProblem::Result backward = [] {
    GradientProblem other;
    other.times = {1.0, 0.7, 0.7, 0.0};
    return exact_gradient(other);
  }();
  const GradientProblem::Result& exact = problem.times.back() == 1 ? forward : backward;
  typename Gradient::template Memory<GradientProblem::G, Method> memory;
  const auto result = problem.run(gradient, method, control, memory);
  return std::max(max_difference(result.theta_bar, exact.theta_bar), max_difference(result.y0_bar, exact.y0_bar));
}

/// Errors at two tolerances, with losses at several times, forward and backward in time. The error is that of the two
/// solves, a few tolerances by methods of order 5; the cubic between the steps of an implicit method has more.
template <class Gradient, class Method>
void check_convergence(const Gradient& gradient, const Method& method, double tolerances = 10) {
  GradientProblem problem;
  for (const bool back : {false, true}) {
    if (back) problem.times = {1.0, 0.7, 0.7, 0.0};
    for (const double tolerance : {1e-4, 1e-10}) {
      INFO("tolerance " << tolerance << ", backward in time: " << back);
      CHECK(error_of(problem, gradient, method, PiController{.rtol = tolerance, .atol = tolerance}) <
            tolerances * tolerance);
    }
  }
}

/// A field with its kinetic energy in a quadrature row, q' = ‖f‖²/2.
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

  /// Gradients by θ and by the start of Σ_j sin(z_j) + Σ_j j q_j at the end.
  template <class Gradient>
  [[nodiscard]] Vector<double> gradient(const Gradient& by, const GradientProblem& problem) const {
    typename Gradient::template Memory<WithEnergy, Dopri5> memory;
    const std::array<double, 2> times{0, 0.7};
    const PiController control{.rtol = 1e-10, .atol = 1e-10};
    Batch<double> y = Batch<double>::Zero(3, 3);
    y.topRows(2) = problem.y0;
    (void)by.forward(Dopri5{}, control, *this, y, times, {}, memory);
    Batch<double> y_bar = y.array().cos().matrix();
    y_bar.row(2) << 1, 2, 3;
    Vector<double> both = Vector<double>::Zero(parameter_count() + 6);
    (void)by.backward(Dopri5{}, control, *this, times, {}, y_bar, both.head(parameter_count()), memory);
    both.tail(6) = y_bar.topRows(2).reshaped();
    return both;
  }
};

}  // namespace

TEST_CASE("AdjointBy converges to backpropagation, whichever solver goes out or back", "[gradient][adjoint]") {
  check_convergence(AdjointBy{Kvaerno5{}}, Dopri5{});
  check_convergence(AdjointBy{Dopri5{}}, Kvaerno5{}, 50);
  check_convergence(AdjointBy{RadauIia5{}}, Dopri5{});
  check_convergence(AdjointBy{Dopri5{}}, Rodas4{}, 50);
}

TEST_CASE("Adjoint goes back by an implicit solver of the way out, and by a multistep one", "[gradient][adjoint]") {
  check_convergence(Adjoint{}, Kvaerno5{});
  const auto error = [](const auto& method, Index steps) { return error_of({}, Adjoint{}, method, FixedSteps(steps)); };
  CHECK(std::log2(error(ImplicitEuler{}, 8) / error(ImplicitEuler{}, 16)) == Approx(1).margin(0.1));
  CHECK(std::log2(error(AdamsBashforth<4>{}, 32) / error(AdamsBashforth<4>{}, 64)) == Approx(4).margin(0.6));
}

TEST_CASE("InterpolatedAdjoint converges to backpropagation, whichever solver goes out or back",
          "[gradient][adjoint]") {
  check_convergence(InterpolatedAdjoint{}, Dopri5{});
  check_convergence(InterpolatedAdjoint{Kvaerno5{}}, Dopri5{});
  check_convergence(InterpolatedAdjoint{}, Kvaerno5{}, 100);
  check_convergence(InterpolatedAdjoint{Dopri5{}}, Dop853{}, 30);
}

TEST_CASE("AdjointBy: tolerances of the way back change the way back alone", "[gradient][adjoint]") {
  const GradientProblem problem;
  const PiController loose{.rtol = 1e-4, .atol = 1e-4};
  Adjoint::Memory<GradientProblem::G, Dopri5> plain;
  AdjointBy<PiController>::Memory<GradientProblem::G, Dopri5> own;
  const auto by_flows = problem.run(Adjoint{}, Dopri5{}, loose, plain);
  const auto by_own = problem.run(AdjointBy{PiController{.rtol = 1e-11, .atol = 1e-11}}, Dopri5{}, loose, own);
  CHECK(by_own.forward == by_flows.forward);
  CHECK(by_own.loss == by_flows.loss);
  CHECK(by_own.backward.accepted > 3 * by_flows.backward.accepted);
  CHECK(by_own.theta_bar != by_flows.theta_bar);
  const auto by_same = problem.run(AdjointBy{loose}, Dopri5{}, loose, own);  // one memory serves solve after solve
  CHECK(by_same.theta_bar == by_flows.theta_bar);
  CHECK(by_same.y0_bar == by_flows.y0_bar);
  CHECK(by_same.backward == by_flows.backward);
}

TEST_CASE("Adjoint refuses a path that it lost on the way back, which the interpolated ones keep",
          "[gradient][adjoint]") {
  const double tolerance = 1e-6;
  const LeakyNeurons neurons{100};
  const Eigen::Vector4d exact = neurons.gradient(Backpropagation<>{}, Dopri5{}, 1e-11).value;
  const auto error = [&](const auto& gradient) { return max_difference(gradient.value, exact); };
  CHECK(exact.cwiseAbs().minCoeff() > 0.03);  // so that an error of 1e-5 leaves four digits
  CHECK_THROWS_AS(neurons.gradient(Adjoint{}, Dopri5{}, tolerance), PathDriftError);
  CHECK_THROWS_AS(neurons.gradient(AdjointBy{PiController{.rtol = 1e-9, .atol = 1e-9}}, Dopri5{}, tolerance),
                  PathDriftError);
  CHECK(error(neurons.gradient(InterpolatedAdjoint{}, Dopri5{}, tolerance)) < 1e-5);
  CHECK(error(neurons.gradient(InterpolatedAdjoint{Kvaerno5{}}, Dopri5{}, tolerance)) < 1e-5);
  CHECK(error(neurons.gradient(InterpolatedAdjoint{}, Kvaerno5{}, tolerance)) < 1e-5);
  // The same field where it is not stiff: all agree.
  const LeakyNeurons slow{1};
  CHECK(max_difference(slow.gradient(Adjoint{}, Dopri5{}, 1e-9).value,
                       slow.gradient(Backpropagation<>{}, Dopri5{}, 1e-9).value) < 1e-8);
}

TEST_CASE("PathDriftError says where the path was lost, by how much, and what to do", "[gradient][adjoint][errors]") {
  const LeakyNeurons neurons{30};
  try {
    (void)neurons.gradient(Adjoint{}, Dopri5{}, 1e-6);
    FAIL("expected a PathDriftError");
  } catch (const PathDriftError& error) {
    CHECK(error.drift > 0.25 * error.largest);
    CHECK(error.t == 0);
    CHECK(error.component == 0);
    CHECK(error.sample == 0);
    CHECK(error.statistics.accepted > 0);
    const std::string text = error.what();
    CHECK(text.find("solve on the adjoint's way back: z at t = 0 is off by ") == 0);
    CHECK(text.find("component 0 of sample 0") != std::string::npos);
    CHECK(text.find("take InterpolatedAdjoint or Backpropagation") != std::string::npos);
  }
  // A chunk of a batch names its columns anew.
  static SolveFailure of_chunk;
  of_chunk.sample = 1;
  try {
    detail::relabel_failures([] { throw PathDriftError(2, 1, of_chunk); }, [](SolveFailure& at) { at.sample += 10; });
  } catch (const PathDriftError& error) {
    CHECK(error.sample == 11);
    CHECK(error.drift == 2);
  }
}

TEST_CASE("Adjoints by an implicit solver of the way back: quadrature rows", "[gradient][adjoint]") {
  const GradientProblem problem;
  const GradientProblem::G inner(problem.field, 3);
  const WithEnergy dynamics{inner};
  const Vector<double> exact = dynamics.gradient(Backpropagation<>{}, problem);
  CHECK(max_difference(dynamics.gradient(AdjointBy{Kvaerno5{}}, problem), exact) < 5e-9);
  CHECK(max_difference(dynamics.gradient(InterpolatedAdjoint{Kvaerno5{}}, problem), exact) < 5e-9);
  CHECK(max_difference(dynamics.gradient(InterpolatedAdjoint{}, problem), exact) < 5e-9);
}

TEST_CASE("Adjoints by an implicit solver of the way back take the seminorm alone", "[gradient][adjoint][errors]") {
  const GradientProblem problem;
  const PiController control;
  AdjointBy<Kvaerno5>::Memory<GradientProblem::G, Dopri5> memory;
  AdjointBy adjoint{Kvaerno5{}};
  adjoint.norm = AdjointNorm::full;
  CHECK_THROWS_AS(problem.run(adjoint, Dopri5{}, control, memory), ArgumentError);
  InterpolatedAdjoint<> interpolated;
  InterpolatedAdjoint<>::Memory<GradientProblem::G, Dopri5> of_explicit;
  const auto semi = problem.run(interpolated, Dopri5{}, control, of_explicit);
  interpolated.norm = AdjointNorm::full;
  const auto full = problem.run(interpolated, Dopri5{}, control, of_explicit);
  CHECK(semi.backward != full.backward);  // the option has an effect
  CHECK(max_difference(semi.theta_bar, full.theta_bar) < 1e-5);
}

TEST_CASE("NeuralOde: adjoints of its own in float, in chunks, without allocations", "[gradient][adjoint]") {
  GradientProblem problem;
  const std::array<double, 3> times{0, 0.4, 1};
  const auto loss = [](const auto& states, auto& bars) {
    for (std::size_t i = 1; i < states.size(); ++i) bars[i] += states[i];
    return (states[1].squaredNorm() + states[2].squaredNorm()) / 2;
  };
  const PiController control{.rtol = 1e-9, .atol = 1e-9};
  const auto exact = NeuralOde(problem.field, Dopri5{}, control).value_and_gradient(problem.y0, times, loss);
  const NeuralOde ode(problem.field, InterpolatedAdjoint{control, Kvaerno5{}}, control, Dop853{}, ChunkWidth{2});
  decltype(ode)::Memory memory;
  ValueAndGradient<double> result;
  ode.value_and_gradient(problem.y0, times, loss, memory, result);  // chunks of two columns and of one
  CHECK(max_difference(result.parameters, exact.parameters) < 1e-7);
  CHECK(max_difference(result.initial, exact.initial) < 1e-7);
  const AllocationCounter counter;
  ode.value_and_gradient(problem.y0, times, loss, memory, result);
  CHECK(counter.count() == 0);

  Mlp<float, Tanh> single(2, {5, 4}, problem.rng);
  single.parameters() = problem.field.parameters().cast<float>();
  const Batch<float> y0 = problem.y0.cast<float>();
  const NeuralOde floats(single, Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}, InterpolatedAdjoint{Kvaerno5{}});
  const auto in_float = floats.value_and_gradient(y0, times, loss);
  CHECK(max_difference(in_float.parameters.cast<double>().eval(), exact.parameters) < 1e-4);
}
