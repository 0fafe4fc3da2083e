// What goes wrong in the loops of other libraries, for one method of every family that takes steps of its own.
#include <pathline/ode/integrate.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;
using Part = std::function<void(double, const State&, State&)>;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Run {
  State y;
  Statistics statistics;
  Journal journal;
};

/// One right-hand side type for all, so that each method is compiled once: -rate · y for the implicit part.
template <class Method>
Run run(Part part, double rate, State y, const std::vector<double>& times, const PiController& control = {}) {
  SplitRightHandSide<Part, Decay> rhs{std::move(part), {-rate}};
  Run result{.y = y, .statistics = {}, .journal = {}};
  Stepper<Method, State> stepper;
  result.statistics = integrate(Method{}, control, rhs, result.y, times, stepper, result.journal);
  return result;
}

template <class... Methods>
constexpr bool all_in_step = (detail::stages_in_step<Methods>() && ...);
static_assert(all_in_step<Euler, Midpoint, Heun, Ralston, SspRk3, Rk4, Kutta38, HeunEuler, BogackiShampine, Fehlberg,
                          CashKarp, Dopri5, Tsit5, Verner65, Dop853>);
static_assert(all_in_step<AdamsBashforth<5>, AdamsBashforthMoulton<4>, GaussLegendre4, RadauIia5, Rosenbrock23, Rodas4,
                          KennedyCarpenter3, KennedyCarpenter4>);
static_assert(all_in_step<ImplicitEuler, ImplicitMidpoint, CrankNicolson, TrBdf2, Sdirk2, Sdirk3, Sdirk4, Kvaerno3,
                          Esdirk547L2SA2, Kvaerno5>);
static_assert(!nodes_in_step(Kvaerno5::tableau), "its Closing has work to do");

}  // namespace

// zuko: a NaN error ends no loop. odeint-v2 #79: a NaN error is accepted. torchdiffeq: dt 0 hides the NaN.
TEMPLATE_TEST_CASE("NaN ends a solve by any family in bounded time, and where it came up", "[ode][errors]", Dopri5,
                   Kvaerno5, RadauIia5, Rodas4, KennedyCarpenter3) {
  const double from = GENERATE(0., 1e-300, 0.5, -1e6);
  const double t0 = std::min(from, 0.), t1 = t0 + 1;
  Index calls = 0;
  const auto rhs = [&](double t, const State&, State& dy) {
    ++calls;
    dy = State(1, t >= from ? nan : 1);
  };
  try {
    run<TestType>(rhs, 1, State(1, 2), {t0, t1});
    FAIL("no error");
  } catch (const SolveError& error) {
    CHECK(error.t == Approx(from).margin(1e-9));
    CHECK(error.component == 1);
    CHECK((error.statistics.accepted > 0) == (from == 0.5));
    CHECK_THAT(error.what(), ContainsSubstring("not finite"));
    if (ImplicitMethod<TestType> && from == 0.5) CHECK(dynamic_cast<const NonFiniteError*>(&error) != nullptr);
  }
  CHECK(calls < 2000);
}

// torchode #45, #21: no length, no last output but t0, the same output twice.
TEMPLATE_TEST_CASE("Times that are repeated cost nothing and are told once each", "[ode][integrate]", Dopri5, Kvaerno5,
                   RadauIia5, Rodas4, KennedyCarpenter3) {
  Index calls = 0;
  const auto rhs = [&](double t, const State&, State& dy) {
    ++calls;
    dy.setConstant(std::cos(t));
  };
  const Run none = run<TestType>(rhs, 1, State(3, 4), {1, 1, 1});
  CHECK(none.y == State(3, 4));
  CHECK(none.statistics == Statistics{});
  CHECK(none.journal.events == "ooo");
  CHECK(calls == 0);
  const Run once = run<TestType>(rhs, 1, State(3, 4), {0, 0.5, 2});
  const Run twice = run<TestType>(rhs, 1, State(3, 4), {0, 0, 0.5, 0.5, 2, 2});
  CHECK(twice.y == once.y);
  CHECK(twice.statistics == once.statistics);
  CHECK(twice.journal.outputs == std::vector<Index>{0, 1, 2, 3, 4, 5});
}

// diffrax #632, #657, #703; odeint #41: absolute tolerances on t, a step that t + h does not see, an end test without
// sign.
TEMPLATE_TEST_CASE("Any family ends where it should, however short, long or far away", "[ode][integrate]", Dopri5,
                   Kvaerno5, RadauIia5, Rodas4, KennedyCarpenter3) {
  const auto [t0, t1] = GENERATE(table<double, double>({{0, 1e-300},
                                                        {0, -1e-300},
                                                        {1e6, std::nextafter(1e6, 2e6)},
                                                        {1e6 + 1e-9, 1e6},
                                                        {1e15, 1e15 + 2},
                                                        {-1e-3, 1e-18},
                                                        {0, 1e11},
                                                        {0, 1e300},
                                                        {-1e300, 0}}));
  // Slow enough for one step, where the numbers leave no room for two.
  const double span = std::abs(t1 - t0), rate = 1e-3 / (t1 - t0);
  bool inside = true;
  const auto rhs = [&, from = t0, to = t1](double t, const State&, State& dy) {
    inside = inside && t >= std::min(from, to) && t <= std::max(from, to);
    dy = rate * State(1e3, 2e3);
  };
  const Run r = run<TestType>(rhs, rate, State(0, 0), {t0, t1});
  CHECK(inside);
  CHECK(r.journal.t.back() + r.journal.h.back() == Approx(t1).epsilon(1e-15).margin(1e-15 * span));
  CHECK(r.statistics.accepted + r.statistics.rejected < 1000);
  CHECK((r.y - State(1e3, 2e3) * (1 - std::exp(-1e-3))).norm() < 1e-4);
}

// Kvaerno5 has a stage at 1.23 of its step: its last step found no length with which it could be solved.
TEMPLATE_TEST_CASE("A right-hand side that exists from t0 to t1 alone is solved to the end", "[ode][integrate]", Dopri5,
                   Kvaerno5, RadauIia5, Rodas4, KennedyCarpenter3) {
  const double t0 = GENERATE(0., 1.), t1 = 1 - t0;
  const double tolerance = GENERATE(1e-4, 1e-8);
  const auto known = [](double t, const State&, State& dy) { dy.setConstant(t >= 0 && t <= 1 ? t : nan); };
  const auto exact = [](double t) { return t - 1 + std::exp(-t); };  // of y' = t - y from y(0) = 0
  const auto end = [&](const std::vector<double>& times) {
    const PiController control{.rtol = tolerance, .atol = tolerance};
    return run<TestType>(known, 1, State::Constant(exact(t0)), times, control);
  };
  const Run r = end({t0, t1});
  CHECK(r.y(1) == Approx(exact(t1)).margin(30 * tolerance));
  CHECK(r.statistics.rejected <= 2);
  CHECK(end({t0, 0.3, t1 + 0.01 * (t0 - t1), t1}).y(1) == Approx(exact(t1)).margin(30 * tolerance));
}

// A number that the scalar cannot divide by: Newton's K = (Y - base) / (hγ) was 0/0, a slope 0 · ∞.
TEMPLATE_TEST_CASE("An output some of the smallest numbers after t0 is y0", "[ode][integrate]", Dopri5, Kvaerno5,
                   RadauIia5, Rodas4, KennedyCarpenter3) {
  const double tiny = GENERATE(5e-324, 1e-310, 1e-300);
  const auto rhs = [](double t, const State&, State& dy) { dy.setConstant(t); };
  const Run forward = run<TestType>(rhs, 1, State(1, 0), {0, tiny, 1}),
            back = run<TestType>(rhs, 1, State(1, 0), {1, tiny, 0});
  CHECK(forward.y(1) == Approx(std::exp(-1.)).epsilon(1e-5));
  CHECK(back.y(1) == Approx(-1).epsilon(1e-5));
  CHECK(forward.statistics.rejected <= 2);
}

// zuko: the first step is the whole interval, and its stages lie on the zeros of the sine. torchdiffeq #38: y0 and
// f(y0) of 0 give no first step.
TEMPLATE_TEST_CASE("A start at rest is neither skipped over nor without a first step", "[ode][integrate]", Dopri5,
                   Kvaerno5, RadauIia5, Rodas4, KennedyCarpenter3) {
  const double omega = 2 * std::numbers::pi * GENERATE(1, 10);
  const auto forced = [&](double t, const State&, State& dy) { dy.setConstant(std::sin(omega * t)); };
  const Run r = run<TestType>(forced, 0, State(0, 0), {0, 0.75});
  CHECK(r.y(0) == Approx((1 - std::cos(0.75 * omega)) / omega).margin(1e-4).epsilon(0));
  CHECK(double(r.statistics.accepted) > omega / 4);
  const auto nothing = [](double, const State&, State& dy) { dy.setZero(); };
  for (const double atol : {1e-6, 0.}) {
    const Run rest = run<TestType>(nothing, 1, State(0, 0), {0, 1e6}, {.atol = atol});
    CHECK(rest.y == State(0, 0));
    CHECK(rest.statistics.accepted < 50);
  }
}

// torchdiffeq: max_num_steps counts anew for each output.
TEMPLATE_TEST_CASE("max_steps of any family counts over all outputs", "[ode][errors]", Dopri5, Kvaerno5, RadauIia5,
                   Rodas4, KennedyCarpenter3) {
  const auto rhs = [](double t, const State&, State& dy) { dy.setConstant(std::cos(t)); };
  std::vector<double> times;
  for (int i = 0; i <= 40; ++i) times.push_back(i / 4.);
  try {
    run<TestType>(rhs, 1, State(2, 1), times, {.max_steps = 30});
    FAIL("no error");
  } catch (const StepLimitError& error) {
    CHECK(error.statistics.accepted + error.statistics.rejected == 30);
    CHECK(error.t > 0.25);  // an output was passed
    CHECK(error.implicit == ImplicitMethod<TestType>);
  }
}

}  // namespace pathline
