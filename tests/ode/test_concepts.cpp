// Each concept of the room with a type that meets it and one for each requirement that does not.
#include <pathline/ode/concepts.hpp>

#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/not_a_state.hpp>

#include <support/catch.hpp>

#include <array>
#include <utility>
#include <vector>

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
  void time_derivative(double, const State&, State&) const;
};
struct MayNotSay {
  Index error_rows();  // not const
  void path_rows() const;
  void jacobian(double, const State&) const;
  State time_derivative(double, const State&) const;
};
static_assert(HasErrorRows<Says> && HasPathRows<Says> && HasJacobian<Says, State>);
struct HasNone : Says {
  static constexpr bool has_quadratures = false;
};
static_assert(may_have_quadratures<Says> && !may_have_quadratures<HasNone> && !may_have_quadratures<Writes>);
static_assert(!HasErrorRows<MayNotSay> && !HasPathRows<MayNotSay> && !HasJacobian<MayNotSay, State>);
static_assert(HasTimeDerivative<Says, State> && !HasTimeDerivative<MayNotSay, State>);

struct TwoParts {
  Writes explicit_part;
  Returns implicit_part;
};
struct NoImplicitPart {
  Writes explicit_part;
};
struct NoExplicitPart {
  Writes implicit_part;
};
struct BadImplicitPart : NoImplicitPart {
  NoTime implicit_part;
};
struct BadExplicitPart : NoExplicitPart {
  NoTime explicit_part;
};
static_assert(TwoPartRightHandSide<TwoParts, State> && TwoPartRightHandSide<const TwoParts, State>);
static_assert(!TwoPartRightHandSide<NoImplicitPart, State> && !TwoPartRightHandSide<NoExplicitPart, State>);
static_assert(!TwoPartRightHandSide<BadImplicitPart, State> && !TwoPartRightHandSide<BadExplicitPart, State>);

struct NoTableau {};
struct WrongTableau {
  static constexpr int tableau = 3;
};
static_assert(ExplicitMethod<Rk4> && ExplicitMethod<Dopri5> && !ExplicitMethod<ImplicitEuler>);
static_assert(!ExplicitMethod<NoTableau> && !ExplicitMethod<WrongTableau> && !ExplicitMethod<int>);
static_assert(EmbeddedMethod<Dopri5> && EmbeddedMethod<Tsit5> && EmbeddedMethod<BogackiShampine>);
static_assert(!EmbeddedMethod<Euler> && !EmbeddedMethod<Midpoint> && !EmbeddedMethod<Rk4>);
static_assert(!EmbeddedMethod<ImplicitEuler> && !EmbeddedMethod<NoTableau>);

// Each kind of tableau makes a method of its kind, and of no other.
template <class M>
constexpr int kinds = ExplicitMethod<M> + DiagonallyImplicitMethod<M> + FullyImplicitMethod<M> + RosenbrockMethod<M> +
                      AdditiveMethod<M> + MultistepMethod<M>;
static_assert(DiagonallyImplicitMethod<Sdirk2> && FullyImplicitMethod<GaussLegendre4> && RosenbrockMethod<Rodas4> &&
              AdditiveMethod<KennedyCarpenter3> && MultistepMethod<AdamsBashforth<2>>);
static_assert(kinds<Rk4> == 1 && kinds<Sdirk2> == 1 && kinds<GaussLegendre4> == 1 && kinds<Rodas4> == 1 &&
              kinds<KennedyCarpenter3> == 1 && kinds<AdamsBashforth<2>> == 1);
static_assert(kinds<NoTableau> == 0 && kinds<WrongTableau> == 0 && kinds<ImplicitEuler> == 0 && kinds<int> == 0);
static_assert(EmbeddedMethod<Kvaerno3> && EmbeddedMethod<RadauIia5> && EmbeddedMethod<Rodas4> &&
              EmbeddedMethod<KennedyCarpenter3> && !EmbeddedMethod<Sdirk2> && !EmbeddedMethod<GaussLegendre4>);
static_assert(ImplicitMethod<ImplicitEuler> && ImplicitMethod<Sdirk2> && ImplicitMethod<GaussLegendre4> &&
              ImplicitMethod<Rodas4> && ImplicitMethod<KennedyCarpenter3>);
static_assert(!ImplicitMethod<Rk4> && !ImplicitMethod<AdamsBashforth<2>> && !ImplicitMethod<NoTableau>);

struct OwnTableau {
  static constexpr auto tableau = Rodas4::tableau;
};
struct NoEndSlope : OwnTableau {
  static constexpr auto start_slope = Rodas4::start_slope;
};
struct NoStartSlope : OwnTableau {
  static constexpr auto end_slope = Rodas4::end_slope;
};
struct ShortEndSlope : NoEndSlope {
  static constexpr std::array<double, 5> end_slope{};
};
struct ShortStartSlope : NoStartSlope {
  static constexpr std::array<double, 5> start_slope{};
};
struct SlopesOfAnother : Rk4 {
  [[maybe_unused]] static constexpr std::array<double, 4> start_slope{}, end_slope{};
};
static_assert(SlopedRosenbrockMethod<Rodas4> && SlopedRosenbrockMethod<Rosenbrock23>);
static_assert(!SlopedRosenbrockMethod<OwnTableau> && !SlopedRosenbrockMethod<NoEndSlope> &&
              !SlopedRosenbrockMethod<NoStartSlope> && !SlopedRosenbrockMethod<ShortEndSlope> &&
              !SlopedRosenbrockMethod<ShortStartSlope> && !SlopedRosenbrockMethod<SlopesOfAnother>);

struct NoOrder {
  [[maybe_unused]] static constexpr auto predictor = AdamsBashforth<2>::predictor;
  using Start = Rk4;
};
struct NothingToWeigh {
  static constexpr int order = 1;
  static constexpr std::array<double, 0> predictor{};
  using Start = Rk4;
};
struct NothingCorrected : AdamsBashforth<2> {
  static constexpr std::array<double, 0> corrector{};
};
struct WordCorrected : AdamsBashforth<2> {
  static constexpr std::array<const char*, 1> corrector{};
};
struct CorrectsNothing {
  [[maybe_unused]] static constexpr auto corrector = AdamsBashforthMoulton<2>::corrector;
};
static_assert(!MultistepMethod<NoOrder> && !MultistepMethod<NothingToWeigh>);  // more: test_adams_methods.cpp
static_assert(CorrectedMethod<AdamsBashforthMoulton<2>> && !CorrectedMethod<AdamsBashforth<2>>);
static_assert(!CorrectedMethod<NothingCorrected> && !CorrectedMethod<WordCorrected> &&
              !CorrectedMethod<CorrectsNothing>);

struct NoExtraStages : Rk4 {
  static constexpr int dense_order = 7;
  static constexpr auto dense = Dop853::dense;
};
struct NoDenseRows : Rk4 {
  static constexpr int dense_order = 7;
  [[maybe_unused]] static constexpr auto dense_tableau = Dop853::dense_tableau;
};
struct NoDenseOrder : Rk4 {
  [[maybe_unused]] static constexpr auto dense = Dop853::dense;
  [[maybe_unused]] static constexpr auto dense_tableau = Dop853::dense_tableau;
};
struct ImplicitExtraStages : NoExtraStages {
  static constexpr auto dense_tableau = Sdirk2::tableau;
};
struct ImplicitDense : Sdirk2 {
  [[maybe_unused]] static constexpr int dense_order = 7;
  [[maybe_unused]] static constexpr auto dense = Dop853::dense;
  [[maybe_unused]] static constexpr auto dense_tableau = Dop853::dense_tableau;
};
static_assert(DenselyStagedMethod<Dop853>);  // more: test_dense_weights.cpp
static_assert(!DenselyStagedMethod<NoExtraStages> && !DenselyStagedMethod<NoDenseRows> &&
              !DenselyStagedMethod<NoDenseOrder> && !DenselyStagedMethod<ImplicitExtraStages> &&
              !DenselyStagedMethod<ImplicitDense>);
static_assert(SteppingMethod<Sdirk2> && SteppingMethod<GaussLegendre4> && SteppingMethod<Rodas4> &&
              SteppingMethod<KennedyCarpenter3> && SteppingMethod<AdamsBashforth<2>>);
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
struct OtherSlope {
  void end_slope(const Writes&);
};
static_assert(DenseObserver<Reads, Writes, Steps> && SolveObserver<Reads, Steps, State>);
static_assert(!DenseObserver<NoObserver, Writes, Steps>);
static_assert(DenseStepper<Steps, Writes> && DenseStepper<Stepper<ImplicitEuler, State>, Writes> &&
              !DenseStepper<OneSlope, Writes> && !DenseStepper<OtherSlope, Writes>);
static_assert(!StoppingObserver<NoObserver, Writes, Steps> && !StoppingObserver<StopsVoid, Writes, Steps>);

// What solve() and its kin take for a state; tests/compile_fail has what they say of the rest.
struct MyVector : Eigen::VectorXd {};
using Expression = decltype(std::declval<Eigen::VectorXd>() + std::declval<Eigen::VectorXd>());
static_assert(detail::StateExpression<Eigen::Vector2d> && detail::StateExpression<MyVector> &&
              detail::StateExpression<Expression> && detail::StateExpression<Eigen::Map<const Eigen::MatrixXf>>);
static_assert(detail::NotAState<std::vector<double>> && detail::NotAState<double> && detail::NotAState<double[2]> &&
              detail::NotAState<Eigen::ArrayXd> && detail::NotAState<Eigen::VectorXi> &&
              detail::NotAState<Eigen::VectorXcd>);

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
