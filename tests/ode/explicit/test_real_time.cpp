#include <pathline/ode/explicit/real_time.hpp>

#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace pathline {
namespace {

struct Pendulum {
  int* calls;
  template <class State>
  void operator()(double t, const State& y, State& dy) const {
    dy(0) = y(1);
    dy(1) = std::cos(t) - std::sin(y(0));
    ++*calls;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("A real-time solve is that of FixedSteps, at the cost that it says", "[ode][real_time]", Rk4,
                   Dopri5) {
  int calls = 0;
  const Eigen::Vector2d y0(1, -0.5);
  RealTimeSolver<TestType, Eigen::Vector2d> solver(y0, 7);
  Eigen::Vector2d y = y0;
  REQUIRE(solver(Pendulum{&calls}, 1, 3, y));
  CHECK(calls == solver.evaluations());
  CHECK(y == solve(Pendulum{&calls}, y0, 1, 3, TestType{}, FixedSteps(7)));
  REQUIRE(solver(Pendulum{&calls}, 3, 1, y));  // and back
  CHECK((y - y0).norm() < 2e-3);
}

TEST_CASE("A real-time solve asks nothing of the heap", "[ode][real_time][allocations]") {
  int calls = 0;
  RealTimeSolver<Dopri5, Eigen::VectorXd> solver(Eigen::VectorXd(2), 5);
  Eigen::VectorXd y = Eigen::Vector2d(1, 0);
  Eigen::Vector2d z(1, 0);
  const AllocationCounter counter;
  bool solved = solver(Pendulum{&calls}, 0, 1, y);
  RealTimeSolver<Rk4, Eigen::Vector2d> fixed_size(z, 5);
  solved = fixed_size(Pendulum{&calls}, 0, 1, z) && solved;
  CHECK(counter.count() == 0);
  CHECK(solved);
}

TEST_CASE("A real-time solve ends where it should, however short, long or far away", "[ode][real_time]") {
  const auto [t0, t1] = GENERATE(std::pair{1., 1.}, std::pair{0., 1e-300}, std::pair{1e6, std::nextafter(1e6, 2e6)},
                                 std::pair{1e15 + 2, 1e15}, std::pair{0., 1e300});
  const double rate = t1 == t0 ? 0 : 1 / (t1 - t0);
  bool inside = true;
  const auto rhs = [&, from = t0, to = t1](double t, const Eigen::Vector2d&, Eigen::Vector2d& dy) {
    inside = inside && t >= std::min(from, to) && t <= std::max(from, to);
    dy.setConstant(rate);
  };
  RealTimeSolver<Rk4, Eigen::Vector2d> solver(Eigen::Vector2d::Zero(), 10);
  Eigen::Vector2d y(3, 4);
  REQUIRE(solver(rhs, t0, t1, y));
  CHECK(inside);
  CHECK((y - (t1 == t0 ? Eigen::Vector2d(3, 4) : Eigen::Vector2d(4, 5))).norm() < 1e-14);
}

TEST_CASE("A real-time solve that fails says so, throws nothing and leaves the state", "[ode][real_time][errors]") {
  const Eigen::VectorXd y0 = Eigen::Vector2d(2, 3);
  Eigen::VectorXd y = y0;
  RealTimeSolver<Rk4, Eigen::VectorXd> solver(y0, 3);
  static_assert(noexcept(solver(Pendulum{nullptr}, 0, 1, y)));
  const auto square = [](double, const Eigen::VectorXd& x, Eigen::VectorXd& dx) { dx = x.cwiseAbs2() * 1e200; };
  CHECK_FALSE(solver(square, 0, 1, y));
  const auto throwing = [](double, const Eigen::VectorXd&, Eigen::VectorXd&) { throw std::runtime_error("no"); };
  CHECK_FALSE(solver(throwing, 0, 1, y));
  const auto of_another_shape = [](double, const Eigen::VectorXd&, Eigen::VectorXd& dx) { dx.setZero(3); };
  CHECK_FALSE(solver(of_another_shape, 0, 1, y));
  const auto decay = [](double, const Eigen::VectorXd& x, Eigen::VectorXd& dx) { dx = -x; };
  CHECK_FALSE(solver(decay, 0, std::nan(""), y));
  CHECK(y == y0);
  Eigen::VectorXd longer = Eigen::Vector3d::Ones();
  CHECK_FALSE(solver(decay, 0, 1, longer));
  CHECK(solver(decay, 0, 1, y));  // and goes on
  CHECK(y(0) == Approx(2 * std::exp(-1.)).epsilon(1e-2));
  CHECK_THROWS_AS((RealTimeSolver<Rk4, Eigen::VectorXd>(y0, 0)), ArgumentError);
}

}  // namespace pathline
