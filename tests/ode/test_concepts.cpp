// Each concept of the room with a type that meets it and one for each requirement that does not.
#include <pathline/ode/concepts.hpp>

#include <pathline/ode/adams_methods.hpp>
#include <pathline/ode/explicit_stepper.hpp>
#include <pathline/ode/implicit_euler.hpp>
#include <pathline/ode/step_control.hpp>
#include <pathline/ode/tableaux.hpp>

#include <support/catch.hpp>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

static_assert(OdeState<State> && OdeState<Batch<float>> && OdeState<Batch<double, 2>> && OdeState<Vector<double>>);
static_assert(!OdeState<Eigen::Matrix2i>, "integers");
static_assert(!OdeState<Eigen::Block<Batch<double>>>, "not plain");
static_assert(!OdeState<Eigen::Array2d>, "an array");
static_assert(!OdeState<double>);

struct Writes {
  void operator()(double, const State& y, State& dy) const { dy = y; }
};
struct Returns {
  State operator()(double, const State& y) const { return 2 * y; }
};
struct NoTime {
  void operator()(const State& y, State& dy) const;
};
struct ReturnsNothing {
  void operator()(double, const State& y) const;
};
static_assert(RightHandSide<Writes, State> && WritingRightHandSide<Writes, State>);
static_assert(RightHandSide<Returns, State> && !WritingRightHandSide<Returns, State>);
static_assert(!RightHandSide<NoTime, State> && !RightHandSide<ReturnsNothing, State>);
static_assert(!RightHandSide<int, State>);
static_assert(!HasErrorRows<Writes> && !HasPathRows<Writes>);

struct Says {
  Index error_rows() const;
  Index path_rows() const;
  void jacobian(double, const State&, Jacobians<double>&) const;
};
struct MayNotSay {
  Index error_rows();  // not const
  void path_rows() const;
  void jacobian(double, const State&) const;
};
static_assert(HasErrorRows<Says> && HasPathRows<Says> && HasJacobian<Says, State>);
static_assert(!HasErrorRows<MayNotSay> && !HasPathRows<MayNotSay> && !HasJacobian<MayNotSay, State>);

struct NoTableau {};
struct WrongTableau {
  static constexpr int tableau = 3;
};
static_assert(ExplicitMethod<Rk4> && ExplicitMethod<Dopri5> && !ExplicitMethod<ImplicitEuler>);
static_assert(!ExplicitMethod<NoTableau> && !ExplicitMethod<WrongTableau> && !ExplicitMethod<int>);
static_assert(EmbeddedMethod<Dopri5> && EmbeddedMethod<Tsit5> && EmbeddedMethod<BogackiShampine>);
static_assert(!EmbeddedMethod<Euler> && !EmbeddedMethod<Midpoint> && !EmbeddedMethod<Rk4>);
static_assert(!EmbeddedMethod<ImplicitEuler> && !EmbeddedMethod<NoTableau>);
static_assert(ImplicitMethod<ImplicitEuler> && !ImplicitMethod<Rk4>);
static_assert(MultistepMethod<AdamsBashforth<2>> && SteppingMethod<AdamsBashforth<2>> && !MultistepMethod<Rk4>);
static_assert(SteppingMethod<ImplicitEuler> && SteppingMethod<Rk4> && !SteppingMethod<NoTableau>);

struct NoFactor {
  double rtol, atol, min_factor, initial_step;
  Index max_steps;
};
struct NoLimit {
  double rtol, atol, min_factor, initial_step;
  double factor(double, double, int) const;
};
static_assert(FixedControl<FixedSteps> && !AdaptiveControl<FixedSteps> && StepControl<FixedSteps>);
static_assert(AdaptiveControl<IController> && AdaptiveControl<PiController> && AdaptiveControl<PidController> &&
              !FixedControl<PiController>);
static_assert(!StepControl<NoFactor> && !StepControl<NoLimit> && !StepControl<double>);

struct Partial {
  void discard();
};
struct Derived : NoObserver {
  void output(Index, const State&) {}
};
using Steps = Stepper<Rk4, State>;
static_assert(SolveObserver<NoObserver, Steps, State> && SolveObserver<const NoObserver, Steps, State>);
static_assert(SolveObserver<Derived, Steps, State>);
static_assert(!SolveObserver<Partial, Steps, State>);

struct Stops : NoObserver {
  bool stop(const Writes&, double, Steps&) { return true; }
};
struct StopsVoid : NoObserver {
  void stop(const Writes&, double, Steps&) {}
};
static_assert(StoppingObserver<Stops, Writes, Steps> && SolveObserver<Stops, Steps, State>);
struct Reads : NoObserver {
  void read_step(const Writes&, double, Steps&) {}
};
struct OneSlope {
  void start_slope(const Writes&, double);
};
static_assert(DenseObserver<Reads, Writes, Steps> && SolveObserver<Reads, Steps, State>);
static_assert(!DenseObserver<NoObserver, Writes, Steps>);
static_assert(DenseStepper<Steps, Writes> && DenseStepper<Stepper<ImplicitEuler, State>, Writes> &&
              !DenseStepper<OneSlope, Writes>);
static_assert(!StoppingObserver<NoObserver, Writes, Steps> && !StoppingObserver<StopsVoid, Writes, Steps>);

}  // namespace

TEST_CASE("evaluate writes, returns and multiplies alike", "[ode][concepts]") {
  const Eigen::Matrix2d M{{1, 2}, {3, 4}};
  const State y(5, 6);
  State dy;
  const Returns returns;
  const Writes writes;
  const auto product = [&](double, const State& at) { return M * at; };
  detail::evaluate(product, 0, y, dy);
  CHECK(dy == State(17, 39));
  detail::evaluate(returns, 0, y, dy);
  CHECK(dy == State(10, 12));
  detail::evaluate(writes, 0, y, dy);
  CHECK(dy == y);
}

}  // namespace pathline
