// The stepper by hand: stages, the trial and its acceptance, and what "first same as last" saves.
#include <pathline/ode/explicit/explicit_stepper.hpp>

#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <array>
#include <limits>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

/// The step written with plain loops, from docs/maths.md, (2.2).
template <class Method>
struct TextbookStep {
  std::array<State, std::size_t(Method::tableau.stages)> K;
  State y_next, error;
  TextbookStep(const CoupledProblem& rhs, double t, double h, const State& y) {
    constexpr auto T = Method::tableau;
    y_next = y;
    error.setZero();
    for (int i = 0; i < T.stages; ++i) {
      State Y = y;
      for (int j = 0; j < i; ++j) Y += h * T.A(i, j) * K[std::size_t(j)];
      rhs(t + T.c[std::size_t(i)] * h, Y, K[std::size_t(i)]);
      y_next += h * T.b[std::size_t(i)] * K[std::size_t(i)];
      error += h * (T.b[std::size_t(i)] - T.b_embedded[std::size_t(i)]) * K[std::size_t(i)];
    }
  }
};

/// The midpoint rule with a second stage that nobody uses.
struct IdleStage {
  static constexpr ExplicitTableau<3> tableau{
      .a = {1. / 2, 1. / 2, 0}, .b = {0, 0, 1}, .c = {0, 1. / 2, 1. / 2}, .order = 2};
};

}  // namespace

// Sums in another order: a few ulps of numbers of size 1, hence 1e-14.
TEMPLATE_TEST_CASE("A step is the textbook's, forward and backward", "[ode][stepper]", Euler, Midpoint, Rk4,
                   BogackiShampine, Dopri5, Tsit5) {
  const double h = GENERATE(0.2, -0.2);
  const State y(1.5, 0.5);
  CoupledProblem rhs;
  const TextbookStep<TestType> expected(rhs, 0.7, h, y);
  Stepper<TestType, State> stepper;
  stepper.init(rhs, 0.7, y);
  stepper.step(rhs, 0.7, h);
  CHECK((stepper.y_next() - expected.y_next).norm() < 1e-14);
  CHECK(stepper.y() == y);
  for (int i = 0; i < stepper.stages; ++i) CHECK((stepper.stage(i) - expected.K[std::size_t(i)]).norm() < 1e-13);
  if constexpr (EmbeddedMethod<TestType>) {
    State e;
    stepper.write_error(e);
    CHECK((e - expected.error).norm() < 1e-15);
    CHECK(stepper.estimate_error(rhs, 1e-3, 1e-6) ==
          Approx(error_norm(expected.error, y, expected.y_next, 1e-3, 1e-6)).epsilon(1e-9));
    CHECK(stepper.error() == e);
  }
  CHECK(stepper.evaluations() == stepper.stages);
}

TEMPLATE_TEST_CASE("After an accepted step only methods with a carried stage start for free", "[ode][stepper]", Rk4,
                   Dopri5) {
  Counted<CoupledProblem> rhs;
  Stepper<TestType, State> stepper;
  stepper.init(rhs, 0, State(2, 1.5));
  stepper.step(rhs, 0, 0.1);
  const State y_next = stepper.y_next();
  const State last = stepper.stage(stepper.stages - 1);
  stepper.accept();
  CHECK(stepper.y() == y_next);
  CHECK(stepper.prepare(rhs, 0.1) == !stepper.fsal);
  if (stepper.fsal) CHECK(stepper.stage(0) == last);
  CHECK_FALSE(stepper.prepare(rhs, 0.1));
  State first;
  CoupledProblem{}(0.1, y_next, first);
  CHECK(stepper.stage(0) == first);
}

TEST_CASE("A refused trial leaves y and K_1 for the next one", "[ode][stepper]") {
  CoupledProblem rhs;
  Stepper<BogackiShampine, State> once, twice;
  once.init(rhs, 0, State(2, 1.5));
  twice.init(rhs, 0, State(2, 1.5));
  twice.step(rhs, 0, 10);
  twice.step(rhs, 0, 0.1);
  once.step(rhs, 0, 0.1);
  CHECK(twice.y_next() == once.y_next());
  CHECK(twice.evaluations() == once.evaluations() + 3);
}

TEST_CASE("Skipping the last stage changes nothing but the count", "[ode][stepper]") {
  CoupledProblem rhs;
  Stepper<Dopri5, State> whole, skipped;
  whole.init(rhs, 0, State(2, 1.5));
  skipped.init(rhs, 0, State(2, 1.5));
  whole.step(rhs, 0, 0.1);
  skipped.step(rhs, 0, 0.1, 0.1, LastStage::skip);
  CHECK(skipped.y_next() == whole.y_next());
  CHECK(whole.stages_evaluated() == 7);
  CHECK(skipped.stages_evaluated() == 6);
  skipped.accept();
  CHECK(skipped.prepare(rhs, 0.1));  // nothing stale is carried over
}

// t + h is 0.30000000000000004 here, one ulp after the end.
TEST_CASE("Stages at the end of a step see the end itself, not an ulp beyond", "[ode][stepper]") {
  Counted<CoupledProblem> rhs;
  Stepper<Dopri5, State> stepper;
  stepper.init(rhs, 0.1, State(2, 1.5));
  REQUIRE(0.1 + 0.2 > 0.3);
  stepper.step(rhs, 0.1, 0.2, 0.3);
  CHECK(*std::max_element(rhs.times.begin(), rhs.times.end()) == 0.3);
  CHECK(stepper.t_next() == 0.3);
}

TEST_CASE("A coefficient of zero never meets its stage: 0 · NaN does not arise", "[ode][stepper]") {
  int call = 0;
  auto rhs = [&](double, const State& y, State& dy) {
    dy = ++call == 2 ? State::Constant(std::numeric_limits<double>::quiet_NaN()) : State(-y);
  };
  Stepper<IdleStage, State> stepper;
  stepper.init(rhs, 0, State(2, 1.5));
  stepper.step(rhs, 0, 0.1);
  CHECK(stepper.stage(1).hasNaN());
  CHECK(stepper.y_next().allFinite());
}

TEST_CASE("Only error_rows enter the estimate", "[ode][stepper]") {
  struct TopRow {
    [[nodiscard]] Index error_rows() const { return 1; }
    void operator()(double t, const Batch<double>& y, Batch<double>& dy) const {
      dy.row(0) = -y.row(0) * t;
      dy.row(1).setConstant(1e9 * std::sin(1e3 * t));
    }
  } rhs;
  Stepper<Dopri5, Batch<double>> stepper;
  stepper.init(rhs, 0, Batch<double>::Ones(2, 3));
  stepper.step(rhs, 0, 0.1);
  const double E = stepper.estimate_error(rhs, 1e-6, 1e-6);
  Batch<double> e;
  stepper.write_error(e);
  CHECK(E == Approx(error_norm(e.topRows(1), stepper.y().topRows(1), stepper.y_next().topRows(1), 1e-6, 1e-6)));
  CHECK(e.row(1).norm() > 1);
}

TEST_CASE("A result of the wrong shape is named", "[ode][stepper][errors]") {
  const auto rhs = [](double, const Batch<double>& y) { return Batch<double>(y.topRows(1)); };
  Stepper<Euler, Batch<double>> stepper;
  CHECK_THROWS_WITH(stepper.init(rhs, 0, Batch<double>::Ones(2, 3)),
                    "solve: the right-hand side's result has 1 rows, expected 2");
}

TEST_CASE("A result that loses its shape within a step is named", "[ode][stepper][errors]") {
  const auto rhs = [](double t, const Batch<double>& y) { return Batch<double>(y.leftCols(t > 0 ? 2 : 3)); };
  Stepper<Midpoint, Batch<double>> stepper;
  stepper.init(rhs, 0, Batch<double>::Ones(2, 3));
  CHECK_THROWS_WITH(stepper.step(rhs, 0, 0.1), "solve: the right-hand side's result has 2 columns, expected 3");
}

TEMPLATE_TEST_CASE("A slope is written entry by entry or as a whole", "[ode][stepper]", Eigen::Vector3d,
                   (Eigen::Matrix<float, 2, 3>), Eigen::MatrixXd) {
  const TestType y = TestType::Random(TestType::RowsAtCompileTime == Eigen::Dynamic ? 4 : TestType::RowsAtCompileTime,
                                      TestType::ColsAtCompileTime == Eigen::Dynamic ? 5 : TestType::ColsAtCompileTime);
  TestType dy = 0 * y;
  const auto rhs = [](double t, const TestType& at, TestType& slope) {
    slope = typename TestType::Scalar(t) * at + at.cwiseProduct(at);
  };
  detail::evaluate_entries(rhs, 0.5, y, dy);
  CHECK(dy.isApprox(0.5 * y + y.cwiseProduct(y)));
}

// g++ -O3 warned that the loop might leave entries unset.
TEST_CASE("A loop of run-time length may write the slope", "[ode][stepper]") {
  const auto evaluated = [](Index length) {
    const auto rhs = [length](double, const Eigen::Vector3d& y, Eigen::Vector3d& dy) {
      for (Index i = 0; i < length; ++i) dy(i) = -y(i);
    };
    const Eigen::Vector3d y(1, 2, 3);
    Eigen::Vector3d dy(7, 7, 7);
    detail::evaluate_entries(rhs, 0, y, dy);
    return dy;
  };
  CHECK(evaluated(3) == Eigen::Vector3d(-1, -2, -3));
  CHECK(evaluated(2) == Eigen::Vector3d(-1, -2, 0));
}

namespace {

/// z' = (-z_2, z_1), and quadratures of z_1.
struct Rotation {
  static constexpr Index quadratures = 37;
  void operator()(double /*t*/, const Vector<double>& y, Vector<double>& dy) const {
    dy(0) = -y(1);
    dy(1) = y(0);
    for (Index i = 0; i < quadratures; ++i) dy(2 + i) = double(i) * y(0);
  }
};
struct RotationWithPathRows : Rotation {
  [[nodiscard]] static Index path_rows() { return 2; }
  [[nodiscard]] static Index error_rows() { return 2; }
};

template <class Method, class Rhs, class Control>
Vector<double> turned(const Control& control) {
  Vector<double> y = Vector<double>::LinSpaced(2 + Rotation::quadratures, 1, 2);
  const Rhs rhs;
  const std::array<double, 2> times{0, 3};
  Stepper<Method, Vector<double>> stepper;
  integrate(Method{}, control, rhs, y, times, stepper);
  return y;
}

struct RotationWithErrorRows : Rotation {
  [[nodiscard]] static Index error_rows() { return 2; }
};

}  // namespace

TEMPLATE_TEST_CASE("Quadratures of a column are summed once a step, with the same bits", "[ode]", Dopri5, CashKarp,
                   Dop853) {
  const PiController control{.rtol = 1e-5, .atol = 1e-5};
  CHECK(turned<TestType, RotationWithPathRows>(control) == turned<TestType, RotationWithErrorRows>(control));
  CHECK(turned<TestType, RotationWithPathRows>(FixedSteps(7)) ==
        turned<TestType, RotationWithErrorRows>(FixedSteps(7)));
}

}  // namespace pathline
