#include <pathline/gradient/dynamics.hpp>

#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/step_cost.hpp>

#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using G = GradientProblem::G;

// The dynamics that do nothing, and the same without one thing each: a deleted function hides the inherited one.
using Good = pathline::detail::AnyDynamics;
struct NoScalar : Good {
  using Scalar = int;
};
struct NoRows : Good {
  void rows() const = delete;
};
struct NoColumns : Good {
  void columns() const = delete;
};
struct NoPathRows : Good {
  void path_rows() const = delete;
};
struct NoErrorRows : Good {
  void error_rows() const = delete;
};
struct NoParameterCount : Good {
  void parameter_count() const = delete;
};
struct NoTapeSize : Good {
  void tape_size() const = delete;
};
struct NoEvaluate : Good {
  template <class... A>
  void evaluate(const A&...) const = delete;
};
struct EvaluateChangesDynamics : Good {
  template <class... A>
  void evaluate(A&&...) {}
};
struct NoPullback : Good {
  template <class... A>
  void pullback(const A&...) const = delete;
};
static_assert(Dynamics<G> && Dynamics<Good>);
static_assert(!Dynamics<NoScalar> && !Dynamics<NoRows> && !Dynamics<NoColumns> && !Dynamics<NoPathRows>);
static_assert(!Dynamics<NoErrorRows> && !Dynamics<NoParameterCount> && !Dynamics<NoTapeSize>);
static_assert(!Dynamics<NoEvaluate> && !Dynamics<EvaluateChangesDynamics> && !Dynamics<NoPullback>);

struct NoMemory : Backpropagation<> {
  template <class Dynamics, class Method>
  struct Memory {};
};
struct NoForward : Backpropagation<> {
  template <class... A>
  Statistics forward(A&&...) const = delete;
};
struct ForwardWithoutStatistics : Backpropagation<> {
  template <class... A>
  void forward(A&&...) const {}
};
struct NoBackward : Backpropagation<> {
  template <class... A>
  Statistics backward(A&&...) const = delete;
};
struct BackwardWithoutStatistics : Backpropagation<> {
  template <class... A>
  void backward(A&&...) const {}
};
static_assert(GradientMethod<Backpropagation<>> && GradientMethod<Adjoint>);
static_assert(!GradientMethod<Dopri5> && !GradientMethod<int>);
static_assert(!GradientMethod<NoMemory> && !GradientMethod<NoForward> && !GradientMethod<NoBackward>);
static_assert(!GradientMethod<ForwardWithoutStatistics> && !GradientMethod<BackwardWithoutStatistics>);

struct CostWithoutValue {
  template <class... A>
  void pullback(const A&...) const {}
};
struct CostWithoutPullback {
  template <class Scalar>
  [[nodiscard]] Scalar evaluate(const AcceptedStep<Scalar>& /*step*/) const {
    return 0;
  }
};
struct CostInWords : NoStepCost {
  template <class Scalar>
  [[nodiscard]] const char* evaluate(const AcceptedStep<Scalar>& /*step*/) const {
    return "much";
  }
};
static_assert(StepCost<NoStepCost, double> && StepCost<NoStepCost, float>);
static_assert(!StepCost<CostWithoutValue, double> && !StepCost<CostWithoutPullback, double>);
static_assert(!StepCost<CostInWords, double>);

}  // namespace

TEST_CASE("FieldDynamics: pullback agrees with central differences, time included", "[gradient][dynamics]") {
  const GradientProblem problem;
  const G dynamics(problem.field, 3);
  Workspace<double> workspace;
  Vector<double> tape(dynamics.tape_size());
  const std::span<double> slab(tape.data(), std::size_t(tape.size()));
  Batch<double> dy(2, 3), dy_bar(2, 3), y_bar(2, 3);
  fill<Gaussian>(Draw{5, 0}, 0, dy_bar);
  const double t = 0.4;
  dynamics.evaluate(t, problem.y0, dy, slab, workspace);
  Vector<double> theta_bar = Vector<double>::Zero(dynamics.parameter_count());
  double t_bar = 0;
  dynamics.pullback(t, slab, dy_bar, y_bar, theta_bar, t_bar, workspace);

  const auto product = [&](const Vector<double>& theta, const Batch<double>& y, double at) {
    GradientProblem::FieldType moved = problem.field;
    moved.parameters() = theta;
    Batch<double> result(2, 3);
    G(moved, 3).evaluate(at, y, result, slab, workspace);
    return result.cwiseProduct(dy_bar).sum();
  };
  const Vector<double>& theta0 = problem.field.parameters();
  CHECK(max_difference(theta_bar,
                       central_differences([&](const Vector<double>& theta) { return product(theta, problem.y0, t); },
                                           theta0)) < 1e-8);
  CHECK(max_difference(y_bar.reshaped(), central_differences(
                                             [&](const Vector<double>& y) {
                                               return product(theta0, Eigen::Map<const Batch<double>>(y.data(), 2, 3),
                                                              t);
                                             },
                                             problem.y0.reshaped())) < 1e-8);
  const Vector<double> time = central_differences(
      [&](const Vector<double>& at) { return product(theta0, problem.y0, at(0)); }, Vector<double>::Constant(1, t));
  CHECK(t_bar == Approx(time(0)).epsilon(1e-7));
}

TEST_CASE("FieldDynamics: a solve lends no tape to a field that can do without", "[gradient][dynamics]") {
  struct Derived : GradientProblem::FieldType {};  // its linearize might read the tape
  const GradientProblem problem;
  const G dynamics(problem.field, 3);
  const Derived derived{problem.field};
  CHECK(dynamics.evaluation_tape_size() == 0);
  CHECK(FieldDynamics<Derived>(derived, 3).evaluation_tape_size() == dynamics.tape_size());

  Workspace<double> workspace;
  Batch<double> dy(2, 3), with_tape(2, 3);
  SolverRightHandSide<G>{dynamics, workspace}(0.4, problem.y0, dy);
  Vector<double> tape(dynamics.tape_size());
  dynamics.evaluate(0.4, problem.y0, with_tape, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  CHECK(max_difference(dy.reshaped(), with_tape.reshaped()) < 1e-14);
}

TEST_CASE("A field's Jacobian serves implicit Euler as differences do", "[gradient][dynamics]") {
  const GradientProblem problem;
  const G dynamics(problem.field, 3);
  Workspace<double> workspace;
  const SolverRightHandSide<G> with_jacobian{dynamics, workspace};
  const auto without = [&](double t, const Batch<double>& y, Batch<double>& dy) { with_jacobian(t, y, dy); };
  static_assert(HasJacobian<const SolverRightHandSide<G>, Batch<double>>);
  const Batch<double> exact = solve(with_jacobian, problem.y0, 0, 1, ImplicitEuler{}, FixedSteps(20));
  const Batch<double> differences = solve(without, problem.y0, 0, 1, ImplicitEuler{}, FixedSteps(20));
  CHECK(max_difference(exact, differences) < 1e-8);  // both to Newton's tolerance
}
