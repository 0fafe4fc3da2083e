#include <pathline/gradient/dynamics.hpp>

#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/step_cost.hpp>

#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using G = GradientProblem::G;
struct NoPullback {
  using Scalar = double;
  [[nodiscard]] Index rows() const { return 1; }
};
static_assert(Dynamics<G> && Dynamics<detail::AnyDynamics>);
static_assert(!Dynamics<NoPullback>);
static_assert(GradientMethod<Backpropagation<>> && GradientMethod<Adjoint>);
static_assert(!GradientMethod<Dopri5> && !GradientMethod<int>);

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
