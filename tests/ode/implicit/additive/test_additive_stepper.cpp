// One step of an additive method and whole solves: what its stages solve, what is stiff and what is not, its failures.
#include <pathline/ode/implicit/additive/additive_stepper.hpp>

#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/solve.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace pathline {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// y' = -sin t + rate (y - cos t), solved by cos t; the second term is stiff.
auto relaxation(double rate) {
  const auto drift = [](double t, const auto& y, auto& dy) {
    (void)y;
    dy.setConstant(-std::sin(t));
  };
  const auto pull = [rate](double t, const auto& y, auto& dy) { dy = (rate * (y.array() - std::cos(t))).matrix(); };
  return SplitRightHandSide{drift, pull};
}

}  // namespace

TEMPLATE_TEST_CASE("The stages of an additive step solve the equations of both tableaux", "[ode][implicit]",
                   KennedyCarpenter3, KennedyCarpenter4) {
  constexpr auto T = TestType::tableau;
  const double t = 0.3, h = 0.1;
  const auto f = [](double s, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy << y(1) * s, std::sin(y(0)); };
  const auto g = [](double s, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy << -y(0) * y(0), s - 5 * y(1); };
  auto rhs = SplitRightHandSide{f, g};
  Stepper<TestType, Eigen::Vector2d> stepper;
  stepper.init(rhs, t, Eigen::Vector2d(1, 2));
  REQUIRE(stepper.step(rhs, t, h));
  Eigen::Vector2d end = stepper.y(), partner = end, of_f, of_g, e;
  for (int i = 0; i < T.stages; ++i) {
    Eigen::Vector2d Y = stepper.y();
    for (int j = 0; j <= i; ++j)
      Y += h * (T.explicit_part().A(i, j) * stepper.explicit_stage(j) +
                T.implicit_part().A(i, j) * stepper.implicit_stage(j));
    const double node = t + T.c[std::size_t(i)] * h;
    f(node, Y, of_f);
    g(node, Y, of_g);
    CHECK((of_f - stepper.explicit_stage(i)).norm() < 1e-12);
    CHECK((of_g - stepper.implicit_stage(i)).norm() < 1e-12);  // ulps of Y over hγ >= 0.025
    end += h * T.b[std::size_t(i)] * (of_f + of_g);
    partner += h * T.b_embedded[std::size_t(i)] * (of_f + of_g);
  }
  CHECK((end - stepper.y_next()).norm() < 1e-12);
  stepper.write_error(e);
  CHECK((e - (end - partner)).norm() < 1e-12);
  rhs(t, stepper.y(), e);
  CHECK((stepper.stage(0) - e).norm() < 1e-15);
}

// A stiff decay alone: |R(-1e8)| is 1e-8 times coefficients of the size of 10.
TEMPLATE_TEST_CASE("An additive method damps in one step what is infinitely stiff", "[ode][implicit]",
                   KennedyCarpenter3, KennedyCarpenter4) {
  Eigen::Vector2d y(1, -3);
  run<TestType>(FixedSteps(1), SplitRightHandSide{Decay{0}, Decay{-1e8}}, y, 0, 1);
  CHECK(y.cwiseAbs().maxCoeff() < 1e-6);
}

// u' = v is explicit, v' = -K (u + v) implicit. On the slow eigenvector v = λ u, λ = -1.000001, and y = e^{λt}.
TEMPLATE_TEST_CASE("An additive method follows a slow manifold by steps of its smooth solution", "[ode][implicit]",
                   KennedyCarpenter3, KennedyCarpenter4) {
  const double K = 1e6, slow = -2 / (1 + std::sqrt(1 - 4 / K));
  const auto f = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy << y(1), 0; };
  const auto g = [K](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy << 0, -K * (y(0) + y(1)); };
  Eigen::Vector2d y(1, slow);
  const Statistics statistics = run<TestType>(PiController{}, SplitRightHandSide{f, g}, y, 0, 10);
  CHECK((y - std::exp(10 * slow) * Eigen::Vector2d(1, slow)).norm() < 1e-5);
  CHECK(statistics.accepted < 500);
}

// Here the explicit part drives the stiff component itself, and the order falls. An explicit method of order 5 would
// need three million steps, of 3.3e-6 each.
TEST_CASE("A stiff relaxation is followed where an explicit method blows up", "[ode][implicit]") {
  Eigen::Vector2d y(1, 1), fixed = y, explicitly = y;
  const Statistics statistics = run<KennedyCarpenter4>(PiController{}, relaxation(-1e6), y, 0, 10);
  CHECK((y.array() - std::cos(10)).abs().maxCoeff() < 1e-6);
  CHECK(statistics.accepted < 2000);

  run<KennedyCarpenter4>(FixedSteps(100), relaxation(-1e6), fixed, 0, 10);
  CHECK((fixed.array() - std::cos(10)).abs().maxCoeff() < 1e-5);
  CHECK_THROWS_AS(run<Dopri5>(FixedSteps(100), relaxation(-1e6), explicitly, 0, 10), NonFiniteError);
  CHECK_THROWS_AS(run<Dopri5>(PiController{.max_steps = 2000}, relaxation(-1e6), explicitly, 0, 10), StepLimitError);
}

// On a ring of n points the sine is an eigenvector of both differences: it decays by the one and turns by the other.
TEST_CASE("Advection is explicit and diffusion implicit", "[ode][implicit]") {
  constexpr Index n = 16;
  using Ring = Eigen::Matrix<double, n, 1>;
  const double dx = 1. / n, speed = 1, diffusivity = 0.05, pi = std::numbers::pi;
  const auto neighbours = [](const Ring& u, Index i) { return std::pair(u((i + n - 1) % n), u((i + 1) % n)); };
  const auto advection = [=](double, const Ring& u, Ring& du) {
    for (Index i = 0; i < n; ++i) du(i) = -speed * (neighbours(u, i).second - neighbours(u, i).first) / (2 * dx);
  };
  const auto diffusion = [=](double, const Ring& u, Ring& du) {
    for (Index i = 0; i < n; ++i)
      du(i) = diffusivity * (neighbours(u, i).first - 2 * u(i) + neighbours(u, i).second) / (dx * dx);
  };
  const auto wave = [=](double t) {
    const double decay = diffusivity * std::pow(2 * std::sin(pi * dx) / dx, 2),
                 turn = speed * std::sin(2 * pi * dx) / dx;
    Ring u;
    for (Index i = 0; i < n; ++i) u(i) = std::exp(-decay * t) * std::sin(2 * pi * double(i) * dx - turn * t);
    return u;
  };
  const Ring u = solve(SplitRightHandSide{advection, diffusion}, wave(0), 0, 0.5, KennedyCarpenter4{},
                       PiController{.rtol = 1e-8, .atol = 1e-8});
  CHECK((u - wave(0.5)).cwiseAbs().maxCoeff() < 1e-6);
}

TEST_CASE("The implicit part's Jacobian is taken, and its quadratures stay out of Newton's method", "[ode][implicit]") {
  struct Pull {
    void operator()(double t, const Batch<double>& y, Batch<double>& dy) const {
      dy.row(0).array() = -100 * (y.row(0).array().cube() - std::cos(t));
      dy.row(1) = y.row(0).cwiseAbs2();
    }
    void jacobian(double, const Batch<double>& y, Jacobians<double>& J) const { J = -300 * y.row(0).cwiseAbs2(); }
    [[nodiscard]] Index path_rows() const { return 1; }
  };
  struct Whole {
    void operator()(double t, const Batch<double>& y, Batch<double>& dy) const { Pull{}(t, y, dy); }
  };
  const auto drift = [](double, const Batch<double>& y, Batch<double>& dy) { dy = -0.5 * y; };
  const Batch<double> start{{1, 0.5, 2}, {0, 1, 0}};
  Batch<double> with = start, without = start;
  const Statistics a = run<KennedyCarpenter4>(FixedSteps(50), SplitRightHandSide{drift, Pull{}}, with, 0, 1);
  const Statistics b = run<KennedyCarpenter4>(FixedSteps(50), SplitRightHandSide{drift, Whole{}}, without, 0, 1);
  CHECK((with - without).cwiseAbs().maxCoeff() < 1e-11);  // both are solved to rounding
  CHECK(a.newton_iterations < b.evaluations);

  // And columns do not know each other.
  for (Index j = 0; j < start.cols(); ++j) {
    Batch<double> alone = start.col(j);
    run<KennedyCarpenter4>(FixedSteps(50), SplitRightHandSide{drift, Pull{}}, alone, 0, 1);
    CHECK(with.col(j) == alone.col(0));
  }
}

TEST_CASE("A restarted additive stepper knows nothing of the right-hand side before", "[ode][implicit]") {
  using Parts = SplitRightHandSide<Decay, Decay>;
  Parts before{{-1}, {-30}}, after{{-3}, {-50}};
  Stepper<KennedyCarpenter4, Eigen::Vector2d> stepper, fresh;
  stepper.init(before, 0, Eigen::Vector2d(1, 2));
  REQUIRE(stepper.step(before, 0, 0.1));
  stepper.restart();
  fresh.init(after, 0, stepper.y());
  REQUIRE(stepper.step(after, 0, 0.1));
  REQUIRE(fresh.step(after, 0, 0.1));
  CHECK(stepper.y_next() == fresh.y_next());
}

TEST_CASE("All evaluations of an additive step are discarded but the first stage", "[ode][implicit]") {
  Counted<Decay> f{Decay{-1}}, g{Decay{-10}};
  struct Parts {
    Counted<Decay>&explicit_part, &implicit_part;
  } rhs{f, g};
  Eigen::Vector2d y(1, 2);
  const double times[] = {0.1, 0.8};
  Journal journal;
  Stepper<KennedyCarpenter4, Eigen::Vector2d> stepper;
  const Statistics counts = integrate(KennedyCarpenter4{}, FixedSteps(7), rhs, y, times, stepper, journal);
  CHECK(journal.events == "okdakdakdakdakdakdakdao");
  CHECK(f.times.size() == 7 * 6);
  CHECK(counts.evaluations == Index(f.times.size() + g.times.size()));
  CHECK(*std::max_element(f.times.begin(), f.times.end()) == 0.8);
  CHECK(*std::max_element(g.times.begin(), g.times.end()) == 0.8);
}

TEST_CASE("float states of an additive solve reach float accuracy", "[ode][implicit]") {
  Batch<float> y = Batch<float>::Constant(3, 5, 2.F);
  run<KennedyCarpenter4>(PiController{.rtol = 1e-4, .atol = 1e-6}, SplitRightHandSide{Decay{-1}, Decay{-50}}, y, 0,
                         0.1);
  CHECK(y(2, 4) == Approx(2 * std::exp(-5.1)).epsilon(1e-3));
}

TEST_CASE("An additive step into a NaN of either part leaves y alone, and the control shortens it",
          "[ode][implicit][errors]") {
  const auto bounded = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = Eigen::Vector2d(-y(0), y(1) < 2 ? 1 : nan);
  };
  const auto check = [](auto rhs) {
    Stepper<KennedyCarpenter3, Eigen::Vector2d> stepper;
    stepper.init(rhs, 0, Eigen::Vector2d(1, 1));
    CHECK_FALSE(stepper.step(rhs, 0, 3));
    CHECK(stepper.y() == Eigen::Vector2d(1, 1));
    CHECK(stepper.estimate_error(rhs, PiController{}) == std::numeric_limits<double>::infinity());
    CHECK(stepper.failed_component() == 1);
    CHECK(!std::isfinite(stepper.error()(1)));
    REQUIRE(stepper.step(rhs, 0, 0.1));

    Eigen::Vector2d y(1, 1);
    CHECK_NOTHROW(run<KennedyCarpenter3>(PiController{}, rhs, y, 0, 0.9));
    CHECK(y(1) == Approx(1.9));
    CHECK_THROWS_AS(run<KennedyCarpenter3>(FixedSteps(1), rhs, y, 0, 3), NonFiniteError);
    try {
      run<KennedyCarpenter3>(PiController{}, rhs, y, 0.9, 3);
      FAIL("no error");
    } catch (const NonFiniteError& error) {
      CHECK(error.subject == "the right-hand side");
      CHECK(error.asked_at == Approx(1).epsilon(1e-6));
      CHECK(error.t == Approx(1).epsilon(1e-6));
      CHECK(error.sample == 0);
      CHECK(error.statistics.rejected > 0);
    }
    CHECK(y(1) == Approx(1.9));
  };
  check(SplitRightHandSide{bounded, Decay{0}});
  check(SplitRightHandSide{Decay{0}, bounded});
}

TEST_CASE("A NaN of the explicit part in the last stage fails an additive step", "[ode][implicit][errors]") {
  const auto ends = [](double t, const Eigen::Vector2d&, Eigen::Vector2d& dy) { dy << 1, t < 0.5 ? 1 : nan; };
  auto rhs = SplitRightHandSide{ends, Decay{-1}};
  Stepper<KennedyCarpenter4, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0.25, Eigen::Vector2d(1, 1));
  CHECK_FALSE(stepper.step(rhs, 0.25, 0.25));
  CHECK(stepper.failed_component() == 1);
  CHECK(stepper.failed_at() == 0.5);
}

TEST_CASE("Row counts of the implicit part are checked at the door", "[ode][errors]") {
  struct TooMany : Decay {
    [[nodiscard]] Index path_rows() const { return 3; }
  };
  CHECK_THROWS_AS(solve(SplitRightHandSide{Decay{}, TooMany{}}, Eigen::Vector2d(1, 2), 0, 1, KennedyCarpenter3{}),
                  ArgumentError);
}

}  // namespace pathline
