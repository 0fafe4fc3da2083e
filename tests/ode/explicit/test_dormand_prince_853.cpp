// The method of order 8 and its two partners: orders, the combined estimate, and what a step costs.
#include <pathline/ode/explicit/dormand_prince_853.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(row_sum_defect(Dop853::tableau) < detail::tableau_tolerance && DoublyEmbeddedMethod<Dop853>);
static_assert(DenselyStagedMethod<Dop853>);

namespace {

using State = Eigen::Vector2d;

static_assert(tableau_defect(Dop853::tableau) == TableauDefect::none);
static_assert(order_reached(Dop853::tableau, Dop853::b_coarse) == Dop853::coarse_order);
static_assert(!first_same_as_last(Dop853::tableau));
static_assert(Stepper<Dop853, State>::error_order == 8, "2 (5 + 1) - (3 + 1)");

struct SinglePartner {
  static constexpr auto tableau = Dop853::tableau;
};
struct ForeignWeights : SinglePartner {
  static constexpr std::array<double, 3> b_coarse{};
  static constexpr int coarse_order = 3;
};
struct NoCoarseOrder : SinglePartner {
  [[maybe_unused]] static constexpr auto b_coarse = Dop853::b_coarse;
};
static_assert(!DoublyEmbeddedMethod<SinglePartner> && !DoublyEmbeddedMethod<ForeignWeights>);
static_assert(!DoublyEmbeddedMethod<NoCoarseOrder> && EmbeddedMethod<SinglePartner>);

/// E of one step of length h from the exact solution at t = 0.3.
double estimate(double h, double rtol, double atol) {
  CoupledProblem rhs;
  Stepper<Dop853, State> stepper;
  stepper.init(rhs, 0.3, CoupledProblem::exact(0.3));
  stepper.step(rhs, 0.3, h);
  return stepper.estimate_error(rhs, rtol, atol);
}

}  // namespace

// 80 and 160 steps over [0, 3] are wrong by 2e-11 and 8e-14; with more rounding rules (1e-14).
TEST_CASE("Dop853 converges with order 8, forward and backward", "[ode][order]") {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 3.0}, std::pair{3.0, 0.0});
  CHECK(std::log2(global_error<Dop853>(4, t0, t1) / global_error<Dop853>(8, t0, t1)) == Approx(8).margin(0.2));
}

TEST_CASE("One step of Dop853 and of its partners is wrong by orders 9, 6 and 4", "[ode][order]") {
  CHECK(local_order<Dop853>(0.08, Dop853::tableau.b) == Approx(9).margin(0.4));
  CHECK(local_order<Dop853>(0.02, Dop853::tableau.b_embedded) == Approx(6).margin(0.1));
  CHECK(local_order<Dop853>(0.02, Dop853::b_coarse) == Approx(4).margin(0.1));
}

// dop853.f: err = |h| S_5 / sqrt((S_5 + 0.01 S_3) N), with S the sums of the squares of Σ (b - b̂) K / sc.
TEST_CASE("The error estimate of Dop853 is Hairer's", "[ode][stepper]") {
  const double h = GENERATE(0.2, -0.2);
  CoupledProblem rhs;
  Stepper<Dop853, State> stepper;
  stepper.init(rhs, 0.7, State(1.5, 0.5));
  stepper.step(rhs, 0.7, h);
  double S5 = 0, S3 = 0;
  for (Index i = 0; i < 2; ++i) {
    double e5 = 0, e3 = 0;
    for (std::size_t j = 0; j < 12; ++j) {
      e5 += (Dop853::tableau.b[j] - Dop853::tableau.b_embedded[j]) * stepper.stage(int(j))(i);
      e3 += (Dop853::tableau.b[j] - Dop853::b_coarse[j]) * stepper.stage(int(j))(i);
    }
    const double scale = 1e-6 + 1e-3 * std::max(std::abs(stepper.y()(i)), std::abs(stepper.y_next()(i)));
    S5 += std::pow(e5 / scale, 2);
    S3 += std::pow(e3 / scale, 2);
  }
  const double expected = std::abs(h) * S5 / std::sqrt((S5 + 0.01 * S3) * 2);
  CHECK(stepper.estimate_error(rhs, 1e-3, 1e-6) == Approx(expected).epsilon(1e-9));
  State e;
  stepper.write_error(e);
  CHECK(stepper.error() == e);  // of the finer partner
}

TEST_CASE("Only error_rows enter either estimate of Dop853", "[ode][stepper]") {
  struct TopRow {
    [[nodiscard]] Index error_rows() const { return 1; }
    void operator()(double t, const Batch<double>& y, Batch<double>& dy) const {
      dy.row(0) = -y.row(0) * t;
      if (y.rows() > 1) dy.row(1).setConstant(1e9 * std::sin(1e3 * t));
    }
  } rhs;
  const auto estimate_with = [&](Index rows) {
    Stepper<Dop853, Batch<double>> stepper;
    stepper.init(rhs, 0, Batch<double>::Ones(rows, 3));
    stepper.step(rhs, 0, 0.1);
    return stepper.estimate_error(rhs, 1e-6, 1e-6);
  };
  CHECK(estimate_with(2) == Approx(estimate_with(1)).epsilon(1e-13));  // sums in another order
}

TEST_CASE("The error estimate of Dop853 falls with the eighth power of the step", "[ode][order]") {
  // 0.01 E_3² rules where h is small; between h = 0.05 and 0.025 the slope is 8.24 still.
  CHECK(std::log2(estimate(0.05, 0, 1) / estimate(0.025, 0, 1)) == Approx(8).margin(0.3));
}

TEST_CASE("The error estimate of Dop853 is zero at rest and never small when a stage is NaN", "[ode][stepper]") {
  const double value = GENERATE(0., std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  const auto rhs = [value](double t, const State&, State& dy) { dy.setConstant(t > 0 ? value : 0); };
  Stepper<Dop853, State> stepper;
  stepper.init(rhs, 0, State(1, 1));
  stepper.step(rhs, 0, 0.1);
  const double error = stepper.estimate_error(rhs, 1e-6, 1e-6);
  if (value == 0)
    CHECK(error == 0);
  else
    CHECK(!(error <= 1));
}

TEST_CASE("Two estimates whose squares overflow together are no small error", "[ode][stepper]") {
  constexpr double infinity = std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::max();
  CHECK(detail::error_of_two(most, most).norm == infinity);
  CHECK(detail::error_of_two(infinity, 1).norm == infinity);
  CHECK(detail::error_of_two(1, infinity).norm == infinity);
  CHECK(detail::error_of_two(0, 1).norm == 0);
  CHECK(detail::error_of_two(0, 0).log2_norm < -500);
}

TEST_CASE("The logarithm of two estimates together is that of their norm", "[ode][stepper]") {
  for (const double fine : {1e-30, 3e-7, 0.4, 1., 9e9})
    for (const double coarse : {0., 1e-9, 2., 7e20}) {
      const detail::TrialError error = detail::error_of_two(fine, coarse);
      CHECK(error.norm == Approx(std::sqrt(fine * fine / (fine + 0.01 * coarse))).epsilon(1e-14));
      CHECK(std::abs(error.log2_norm - std::log2(error.norm)) < 6e-7);  // three logarithms, each within 2e-7
    }
}

TEST_CASE("Dop853 costs 12 evaluations per accepted step, 11 per rejected one", "[ode][integrate]") {
  Counted<Decay> rhs{.rhs = {-50}};
  State y(1, 2);
  const double times[] = {0, 2};
  Stepper<Dop853, State> stepper;
  const auto [accepted, rejected, evaluations, newton] = integrate(Dop853{}, IController{}, rhs, y, times, stepper);
  CHECK(rejected > 0);
  CHECK(evaluations == 1 + 12 * accepted + 11 * rejected);
}

// Measured: 7e-14 with 564 evaluations, where Dopri5 makes 1940.
TEST_CASE("Dop853 meets a tolerance of 1e-12", "[ode][integrate]") {
  CoupledProblem rhs;
  State y = CoupledProblem::exact(0);
  const double there[] = {0, 2}, back[] = {2, 0};
  Stepper<Dop853, State> stepper;
  const PiController control{.rtol = 1e-12, .atol = 1e-12};
  const Statistics statistics = integrate(Dop853{}, control, rhs, y, there, stepper);
  CHECK((y - CoupledProblem::exact(2)).norm() < 1e-11);
  CHECK(statistics.evaluations < 800);
  integrate(Dop853{}, control, rhs, y, back, stepper);
  CHECK((y - CoupledProblem::exact(0)).norm() < 1e-11);
}

}  // namespace pathline
