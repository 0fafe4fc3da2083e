#include <pathline/ode/symplectic/symplectic_stepper.hpp>

#include <pathline/ode/symplectic/symplectic_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

using namespace pathline;

namespace {

using Scalar1 = Eigen::Matrix<double, 1, 1>;

/// A pendulum, H = p²/2 - cos q.
const auto velocity = [](double, const auto& p, auto& dq) { dq = p; };
const auto pull = [](double, const auto& q, auto& dp) { dp = -q.array().sin(); };

double energy(const auto& stepper) { return stepper.p()(0) * stepper.p()(0) / 2 - std::cos(stepper.q()(0)); }

/// Largest error of the energy in steps `from` to `to` - 1.
template <class Method>
std::pair<double, double> early_and_late_energy_error(Index steps, Index window, double h) {
  SymplecticStepper<Method, Scalar1> stepper;
  stepper.reset(Scalar1(1.2), Scalar1(0.3));
  const double start = energy(stepper);
  double early = 0, late = 0;
  for (Index i = 0; i < steps; ++i) {
    stepper.step(velocity, pull, double(i) * h, h);
    const double error = std::abs(energy(stepper) - start);
    if (i < window) early = std::max(early, error);
    if (i >= steps - window) late = std::max(late, error);
  }
  return {early, late};
}

}  // namespace

// 10⁵ steps are 1600 swings. A method of another kind loses or gains in each of them: its error would grow by the ratio
// of the two times, a hundred.
TEMPLATE_TEST_CASE("The energy's error does not grow over 100,000 steps", "[ode][symplectic][many-draws]", Verlet,
                   Yoshida4, Yoshida6) {
  const auto [early, late] = early_and_late_energy_error<TestType>(100'000, 1'000, 0.1);
  CHECK(early > 1e-10);  // far above rounding, so that there is something to grow
  CHECK(late < 1.05 * early);
}

TEMPLATE_TEST_CASE("A symplectic step keeps area", "[ode][symplectic]", Verlet, Yoshida4, Yoshida6) {
  // det ∂(q, p)⁺/∂(q, p) = 1, by central differences: off by their truncation h² and rounding ε/h, both below 1e-9.
  const double h = 1e-5;
  const auto after = [](double q, double p) {
    SymplecticStepper<TestType, Scalar1> stepper;
    stepper.reset(Scalar1(q), Scalar1(p));
    stepper.step(velocity, pull, 0, 0.7);
    return Eigen::Vector2d(stepper.q()(0), stepper.p()(0));
  };
  const Eigen::Vector2d by_q = (after(0.8 + h, 0.5) - after(0.8 - h, 0.5)) / (2 * h),
                        by_p = (after(0.8, 0.5 + h) - after(0.8, 0.5 - h)) / (2 * h);
  CHECK(std::abs(by_q(0) * by_p(1) - by_q(1) * by_p(0) - 1) < 1e-8);
}

TEMPLATE_TEST_CASE("A step back returns to where the step came from", "[ode][symplectic]", Verlet, Yoshida4, Yoshida6) {
  SymplecticStepper<TestType, Eigen::MatrixXd> stepper;
  const Eigen::MatrixXd q = Eigen::MatrixXd::Constant(2, 3, 0.8), p = Eigen::MatrixXd::Constant(2, 3, -0.4);
  stepper.reset(q, p);
  for (int i = 0; i < 10; ++i) stepper.step(velocity, pull, 0.3 * i, 0.3);
  for (int i = 10; i > 0; --i) stepper.step(velocity, pull, 0.3 * i, -0.3);
  CHECK((stepper.q() - q).norm() < 1e-13);  // rounding of 20 steps of up to 7 stages each
  CHECK((stepper.p() - p).norm() < 1e-13);
}

TEMPLATE_TEST_CASE("The force is evaluated once a Verlet step, and once more at a start with a kick",
                   "[ode][symplectic]", Verlet, Yoshida6) {
  SymplecticStepper<TestType, Scalar1> stepper;
  stepper.reset(Scalar1(1), Scalar1(0));
  Index calls = 0;
  const auto counted = [&](double, const Scalar1& q, Scalar1& dp) {
    ++calls;
    dp = -q;
  };
  for (int i = 0; i < 5; ++i) stepper.step(velocity, counted, 0, 0.1);
  CHECK(calls == (TestType::order == 2 ? 1 + 5 : 5 * 7));
  CHECK(stepper.evaluations() == calls);
}

TEST_CASE("Symplectic steps allocate nothing after the first of a shape", "[ode][symplectic][allocations]") {
  SymplecticStepper<Yoshida4, Eigen::MatrixXf> stepper;
  const Eigen::MatrixXf q = Eigen::MatrixXf::Ones(3, 20), p = Eigen::MatrixXf::Zero(3, 20);
  stepper.reset(q, p);
  stepper.step(velocity, pull, 0, 0.1);
  const AllocationCounter counter;
  stepper.reset(q, p);
  for (int i = 0; i < 10; ++i) stepper.step(velocity, pull, 0.1 * i, 0.1);
  CHECK(counter.count() == 0);
}

TEST_CASE("Positions and momenta of two shapes are refused", "[ode][symplectic][errors]") {
  SymplecticStepper<Verlet, Eigen::MatrixXd> stepper;
  CHECK_THROWS_AS(stepper.reset(Eigen::MatrixXd::Ones(2, 3), Eigen::MatrixXd::Ones(3, 3)), ShapeError);
  CHECK_THROWS_AS(stepper.reset(Eigen::MatrixXd::Ones(2, 3), Eigen::MatrixXd::Ones(2, 1)), ShapeError);
}
