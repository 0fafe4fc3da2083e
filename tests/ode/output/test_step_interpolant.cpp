// Between the ends of one step: order, ends, derivative, float, and the heap.
#include <pathline/ode/output/step_interpolant.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace pathline {
namespace {

/// A step of the coupled problem from its exact solution at t, as the file comment of the header says.
template <class Method>
StepInterpolant<Eigen::Vector2d> exact_step_taken(double t, double h) {
  CoupledProblem rhs;
  Stepper<Method, Eigen::Vector2d> stepper;
  StepInterpolant<Eigen::Vector2d> interpolant;
  stepper.init(rhs, t, CoupledProblem::exact(t));
  static_cast<void>(stepper.step(rhs, t, h));  // an implicit method says whether Newton's converged
  interpolant.take(rhs, stepper, t);
  return interpolant;
}

/// The same by stages alone, of an explicit method.
template <class Method>
StepInterpolant<Eigen::Vector2d> exact_step(double t, double h) {
  CoupledProblem rhs;
  Stepper<Method, Eigen::Vector2d> stepper;
  StepInterpolant<Eigen::Vector2d> interpolant;
  stepper.init(rhs, t, CoupledProblem::exact(t));
  stepper.step(rhs, t, h);
  interpolant.begin(stepper, t);
  stepper.accept();
  stepper.prepare(rhs, t + h);
  interpolant.end(stepper.stage(0));
  return interpolant;
}

/// Largest error within steps of length h from 20 places.
template <class Step>
double largest_error_within(double h, const Step& exact) {
  double worst = 0;
  Eigen::Vector2d y;
  for (int i = 0; i < 20; ++i) {
    const double t = 0.1 * i;
    const auto step = exact(t, h);
    for (int k = 0; k <= 16; ++k) {
      const double at = k == 16 ? step.t1() : t + h * k / 16;
      step.interpolate(at, y);
      worst = std::max(worst, (y - CoupledProblem::exact(at)).norm());
    }
  }
  return worst;
}

}  // namespace

// O(h^(q+1)), q the order of the extension. Errors of the fourth order's are 1e-9 here, far above rounding; a wrong d
// or f_1 is off by one power or more.
TEMPLATE_TEST_CASE("Within a step the error falls with the order of the extension", "[ode][dense][order]", Euler,
                   SspRk3, Rk4, Dop853, Dopri5, Tsit5) {
  int order = dense_order_reached(TestType::tableau);
  if constexpr (DenselyExtendedMethod<TestType>) order = TestType::dense_order;
  for (const double sign : {1., -1.}) {
    const double h = sign * 0.02;
    CHECK(std::log2(largest_error_within(2 * h, exact_step<TestType>) /
                    largest_error_within(h, exact_step<TestType>)) == Approx(order + 1).margin(0.3));
  }
}

// The same of a step that is taken whole: the cubic by implicit and multistep methods.
TEMPLATE_TEST_CASE("Within a step that is taken the error falls with the order of the extension",
                   "[ode][dense][order][implicit]", Dopri5, Sdirk4, ImplicitMidpoint, GaussLegendre4,
                   AdamsBashforth<4>) {
  int order = 3;
  if constexpr (DiagonallyImplicitMethod<TestType>) order = std::min(3, TestType::tableau.order);
  if constexpr (DenselyExtendedMethod<TestType>) order = TestType::dense_order;
  const double h = GENERATE(0.02, -0.02);
  CHECK(std::log2(largest_error_within(2 * h, exact_step_taken<TestType>) /
                  largest_error_within(h, exact_step_taken<TestType>)) == Approx(order + 1).margin(0.3));
}

// Errors of 1e-7 and 4e-10.
TEST_CASE("Within a step of Dop853 the error is O(h⁸)", "[ode][dense][order]") {
  const double h = GENERATE(0.08, -0.08);
  CHECK(std::log2(largest_error_within(2 * h, exact_step_taken<Dop853>) /
                  largest_error_within(h, exact_step_taken<Dop853>)) == Approx(8).margin(0.4));
}

// scipy.integrate.DOP853 1.17.1, one step from 0.25 to 0.75; the errors are 1e-7 to 5e-6 here.
TEST_CASE("Within a step Dop853 has the values of SciPy's", "[ode][dense]") {
  CoupledProblem rhs;
  Stepper<Dop853, Eigen::Vector2d> stepper;
  StepInterpolant<Eigen::Vector2d> step;
  stepper.init(rhs, 0.25, CoupledProblem::exact(0.25));
  stepper.step(rhs, 0.25, 0.5);
  step.take(rhs, stepper, 0.25);
  CHECK(stepper.evaluations() == 12 + 1 + 3);
  Eigen::Vector2d y;
  step.interpolate(0.3125, y);
  CHECK((y - Eigen::Vector2d(1.10241252998275, 2.70536185530749)).norm() < 1e-13);
  step.interpolate(0.5, y);
  CHECK((y - Eigen::Vector2d(1.2806963394718567, 2.6350820193789635)).norm() < 1e-13);
  step.interpolate(0.6875, y);
  CHECK((y - Eigen::Vector2d(1.5765750806478636, 2.43600787172074)).norm() < 1e-13);
}

TEMPLATE_TEST_CASE("The ends of a step are met exactly, and its slopes there", "[ode][dense]", Rk4, Dopri5, Tsit5) {
  CoupledProblem rhs;
  Stepper<TestType, Eigen::Vector2d> stepper;
  StepInterpolant<Eigen::Vector2d> step;
  const double t = 0.3, h = 0.1;
  stepper.init(rhs, t, CoupledProblem::exact(t));
  stepper.step(rhs, t, h);
  step.begin(stepper, t);
  const Eigen::Vector2d start = stepper.y(), end = stepper.y_next(), f0 = stepper.stage(0);
  stepper.accept();
  stepper.prepare(rhs, t + h);
  step.end(stepper.stage(0));
  const Eigen::Vector2d f1 = stepper.stage(0);

  Eigen::Vector2d y, slope;
  step.interpolate(t, y);
  CHECK(y == start);
  step.interpolate(step.t1(), y);
  CHECK(y == end);
  step.differentiate(t, slope);
  CHECK(slope == f0);
  // (t1 - t0) / h is 1 to rounding only.
  step.differentiate(step.t1(), slope);
  CHECK((slope - f1).norm() < 1e-14 * f1.norm());
  // Just before the end the polynomial is there as well: continuity is more than the special case of t1.
  step.interpolate(std::nextafter(step.t1(), t), y);
  CHECK((y - end).norm() < 4 * std::numeric_limits<double>::epsilon() * end.norm());
}

TEMPLATE_TEST_CASE("The derivative within a step agrees with central differences", "[ode][dense]", BogackiShampine,
                   Tsit5, Dop853) {
  const auto step = exact_step_taken<TestType>(0.5, 0.2);
  Eigen::Vector2d slope, above, below;
  // δ = 1e-5: truncation δ² y''' / 6 ≈ 1e-9, rounding ε / δ ≈ 1e-11.
  for (const double t : {0.52, 0.6, 0.69}) {
    step.differentiate(t, slope);
    step.interpolate(t + 1e-5, above);
    step.interpolate(t - 1e-5, below);
    CHECK((slope - (above - below) / 2e-5).norm() < 2e-8);
  }
}

TEST_CASE("A method that is first same as last needs no end", "[ode][dense]") {
  Decay rhs;
  Stepper<Dopri5, Eigen::Vector2d> stepper;
  StepInterpolant<Eigen::Vector2d> step;
  stepper.init(rhs, 0, Eigen::Vector2d(1, 2));
  stepper.step(rhs, 0, 0.1);
  step.begin(stepper, 0);
  Eigen::Vector2d y;
  step.interpolate(0.05, y);
  CHECK((y - std::exp(-0.05) * Eigen::Vector2d(1, 2)).norm() < 1e-8);  // h⁵ / 120 = 8e-8, and a small constant
}

TEST_CASE("A time outside of the step is refused, forward and backward", "[ode][dense][errors]") {
  Eigen::Vector2d y(7, 8);
  const auto forward = exact_step<Rk4>(0.5, 0.25), backward = exact_step<Rk4>(0.5, -0.25);
  CHECK_THROWS_WITH(forward.interpolate(0.8, y), "StepInterpolant: t is 0.8, expected from 0.5 to 0.75");
  CHECK_THROWS_WITH(backward.differentiate(0.6, y), "StepInterpolant: t is 0.6, expected from 0.5 to 0.25");
  CHECK_THROWS_AS(forward.interpolate(std::numeric_limits<double>::quiet_NaN(), y), ArgumentError);
  CHECK(y == Eigen::Vector2d(7, 8));
}

TEST_CASE("After its first step an interpolant allocates nothing", "[ode][dense][memory]") {
  Decay rhs;
  using State = Batch<float>;
  Stepper<Dop853, State> stepper;
  StepInterpolant<State> step;
  State y(3, 40);
  stepper.init(rhs, 0, State::Ones(3, 40));
  double t = 0;
  const auto advance = [&] {
    stepper.step(rhs, t, 0.1);
    step.take(rhs, stepper, t);
    stepper.accept();
    step.interpolate(t + 0.03, y);
    step.differentiate(t + 0.03, y);
    t += 0.1;
  };
  const AllocationCounter first;
  advance();
  if (AllocationCounter::available) CHECK(first.count() > 0);
  const AllocationCounter later;
  for (int i = 0; i < 5; ++i) advance();
  CHECK(later.count() == 0);
}

TEST_CASE("A static interpolant of Dop853 uses no heap", "[ode][dense][memory]") {
  const AllocationCounter counter;
  const auto step = exact_step_taken<Dop853>(0.5, 0.2);
  Eigen::Vector2d y;
  step.interpolate(0.6, y);
  CHECK(counter.count() == 0);
  CHECK((y - CoupledProblem::exact(0.6)).norm() < 1e-8);
}

// What an interpolant has asked for is not evaluated twice, nor does it change the steps.
TEMPLATE_TEST_CASE("The slope at the end is the next step's first", "[ode][dense]", Rk4, Dopri5, AdamsBashforth<3>,
                   Kvaerno3) {
  CoupledProblem rhs;
  Stepper<TestType, Eigen::Vector2d> plain, watched;
  StepInterpolant<Eigen::Vector2d> step;
  plain.init(rhs, 0.1, CoupledProblem::exact(0.1));
  watched.init(rhs, 0.1, CoupledProblem::exact(0.1));
  for (int i = 0; i < 5; ++i) {
    const double t = 0.1 + 0.05 * i;
    static_cast<void>(plain.step(rhs, t, 0.05));
    static_cast<void>(watched.step(rhs, t, 0.03));  // a trial that is not accepted
    watched.end_slope(rhs);
    static_cast<void>(watched.step(rhs, t, 0.05));
    step.take(rhs, watched, t);
    CHECK((watched.y_next() - plain.y_next()).norm() < 1e-13);  // Newton's method starts from another Jacobian
    plain.accept();
    watched.accept();
    plain.prepare(rhs, t + 0.05);
    CHECK_FALSE(watched.prepare(rhs, t + 0.05));
    CHECK((watched.stage(0) - plain.stage(0)).norm() < 1e-12);
  }
}

// A polynomial of degree 3 + n is its own: its values and slopes at the ends of a part, and the corrections there, are
// the same polynomial. What is in memory before and behind the corrections is neither read nor written.
TEST_CASE("The corrections of a shortened step make the same polynomial", "[ode][dense]") {
  const double theta = GENERATE(0.4, 0.75, 1.);
  const double t0 = 0.5, t1 = GENERATE(1.5, 0.25), cut = t0 + theta * (t1 - t0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t n = 0; n <= 4; ++n) {
    INFO(n << " corrections");
    std::array<Eigen::Vector2d, 8> memory;
    memory.fill({nan, nan});
    const std::span<Eigen::Vector2d> corrections = std::span(memory).subspan(2, n);
    for (std::size_t k = 0; k < n; ++k) corrections[k] = Eigen::Vector2d(1 + double(k), 0.5 - double(k * k));
    const Eigen::Vector2d y0(1, -2), f0(0.5, 3), y1(2, 0.25), f1(-1, 0.75);
    const std::array<Eigen::Vector2d, 8> before = memory;
    const std::span<const Eigen::Vector2d> whole = std::span(before).subspan(2, n);

    Eigen::Vector2d y_cut, f_cut, y, expected;
    detail::interpolate_step<Eigen::Vector2d>(cut, t0, t1, y0, f0, y1, f1, whole, y_cut);
    detail::differentiate_step<Eigen::Vector2d>(cut, t0, t1, y0, f0, y1, f1, whole, f_cut);
    detail::shorten_corrections(theta, corrections);
    for (const double share : {0.1, 0.5, 0.9}) {
      const double t = t0 + share * (cut - t0);
      detail::interpolate_step<Eigen::Vector2d>(t, t0, cut, y0, f0, y_cut, f_cut, corrections, y);
      detail::interpolate_step<Eigen::Vector2d>(t, t0, t1, y0, f0, y1, f1, whole, expected);
      CHECK((y - expected).norm() < 1e-13);  // rounding of sums of a dozen terms below 40
      detail::differentiate_step<Eigen::Vector2d>(t, t0, cut, y0, f0, y_cut, f_cut, corrections, y);
      detail::differentiate_step<Eigen::Vector2d>(t, t0, t1, y0, f0, y1, f1, whole, expected);
      CHECK((y - expected).norm() < 1e-12);
    }
    for (const std::size_t guard : {0U, 1U})
      CHECK((memory[guard].array().isNaN().all() && memory[2 + n + guard].array().isNaN().all()));
  }
}

TEST_CASE("An interpolant keeps nothing of the step before, by whatever method it was", "[ode][dense]") {
  CoupledProblem rhs;
  StepInterpolant<Eigen::Vector2d> used = exact_step_taken<Dop853>(0.1, 0.5), fresh;
  Stepper<Dopri5, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0.3, CoupledProblem::exact(0.3));
  stepper.step(rhs, 0.3, 0.5);
  Eigen::Vector2d y, expected;
  const auto same = [&] {
    for (const double t : {0.3, 0.4, 0.7, 0.8}) {
      used.interpolate(t, y);
      fresh.interpolate(t, expected);
      if (y != expected) return false;
    }
    return true;
  };
  used.begin(stepper, 0.3);
  fresh.begin(stepper, 0.3);
  CHECK(same());
  used = exact_step_taken<Dop853>(0.1, 0.5);
  used.take(rhs, stepper, 0.3);
  fresh.take(rhs, stepper, 0.3);
  CHECK(same());
  CHECK_THROWS_AS(StepInterpolant<Eigen::Vector2d>().interpolate(0, y), Error);
}

TEST_CASE("A step that is open cannot be read", "[ode][dense]") {
  Stepper<Rk4, Eigen::Vector2d> stepper;
  CoupledProblem rhs;
  stepper.init(rhs, 0, CoupledProblem::exact(0));
  stepper.step(rhs, 0, 0.1);
  StepInterpolant<Eigen::Vector2d> interpolant;
  interpolant.begin(stepper, 0);
  Eigen::Vector2d y;
  CHECK_THROWS_WITH(interpolant.interpolate(0.05, y),
                    "StepInterpolant: the step is open, expected end() with f at its end");
  stepper.accept();
  stepper.prepare(rhs, 0.1);
  interpolant.end(stepper.stage(0));
  CHECK_NOTHROW(interpolant.interpolate(0.05, y));
}

}  // namespace pathline
