// Multistep methods in use: order, evaluations, when the history goes on and when it starts anew.
#include <pathline/ode/multistep/adams_stepper.hpp>

#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/output/each_step.hpp>
#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/orders.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

/// The evaluations of a solve through these times.
template <class Method>
Index evaluations(const std::vector<double>& times, Index steps) {
  CoupledProblem rhs;
  State y = CoupledProblem::exact(times.front());
  Stepper<Method, State> stepper;
  return integrate(Method{}, FixedSteps(steps), rhs, y, times, stepper).evaluations;
}

/// Root of the squared errors at times that lie ever farther from each other.
template <class Method>
double error_at_unequal_times(Index steps) {
  std::vector<double> times;
  for (int i = 0; i <= 8; ++i) times.push_back(2 * std::pow(i / 8., 1.5));
  const auto solution = solve(CoupledProblem{}, CoupledProblem::exact(0), times, Method{}, FixedSteps(steps));
  MeanError error;
  for (std::size_t i = 0; i < times.size(); ++i) error.add(times[i], solution.states[i]);
  return error.root();
}

}  // namespace

// 20 outputs equally far from each other: one history for the whole solve.
TEMPLATE_TEST_CASE("An Adams method converges with its order, forward and backward", "[ode][multistep][order]",
                   AdamsBashforth<1>, AdamsBashforth<2>, AdamsBashforth<3>, AdamsBashforth<4>, AdamsBashforth<5>,
                   AdamsBashforthMoulton<1>, AdamsBashforthMoulton<2>, AdamsBashforthMoulton<3>,
                   AdamsBashforthMoulton<4>, AdamsBashforthMoulton<5>) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const double slope = std::log2(global_error<TestType>(40, t0, t1) / global_error<TestType>(80, t0, t1));
  CHECK(slope == Approx(TestType::order).margin(0.2));
}

// Also where nearly all steps are the start's: 8 intervals of n steps, 4 of which the fifth order starts with.
TEMPLATE_TEST_CASE("At unequal times an Adams method keeps its order", "[ode][multistep][order]", AdamsBashforth<3>,
                   AdamsBashforthMoulton<5>) {
  CHECK(std::log2(error_at_unequal_times<TestType>(80) / error_at_unequal_times<TestType>(160)) ==
        Approx(TestType::order).margin(0.3));
}

TEST_CASE("A step is the weighted sum of the newest slopes", "[ode][multistep]") {
  const double h = GENERATE(0.1, -0.1);
  CoupledProblem rhs;
  Stepper<AdamsBashforth<3>, State> explicit_one;
  Stepper<AdamsBashforthMoulton<3>, State> corrected;
  explicit_one.init(rhs, 0.3, CoupledProblem::exact(0.3));
  corrected.init(rhs, 0.3, CoupledProblem::exact(0.3));
  std::vector<State> f, g;  // slopes of both, oldest first
  for (int n = 0; n < 8; ++n) {
    const double t = 0.3 + n * h;
    explicit_one.step(rhs, t, h);
    corrected.step(rhs, t, h);
    f.push_back(explicit_one.stage(0));
    g.push_back(corrected.stage(0));
    if (n >= 2) {
      const State expected = explicit_one.y() + h / 12 * (23 * f.end()[-1] - 16 * f.end()[-2] + 5 * f.end()[-3]);
      const State predicted = corrected.y() + h / 12 * (23 * g.end()[-1] - 16 * g.end()[-2] + 5 * g.end()[-3]);
      State slope;
      rhs(t + h, predicted, slope);
      const State twice = corrected.y() + h / 12 * (5 * slope + 8 * g.end()[-1] - g.end()[-2]);
      CHECK((explicit_one.y_next() - expected).norm() < 1e-14);  // sums in another order
      CHECK((corrected.y_next() - twice).norm() < 1e-14);
      CHECK(explicit_one.stages_evaluated() == 1);
      CHECK(corrected.stages_evaluated() == 2);
    } else {
      CHECK(explicit_one.stages_evaluated() == 4);
    }
    explicit_one.accept();
    corrected.accept();
  }
}

TEST_CASE("After the start a step costs one evaluation, two with a corrector", "[ode][multistep]") {
  const std::vector<double> once{0, 1};
  CHECK(evaluations<AdamsBashforth<1>>(once, 20) == 20);
  CHECK(evaluations<AdamsBashforth<4>>(once, 20) == 3 * 4 + 17);
  CHECK(evaluations<AdamsBashforth<5>>(once, 20) == 4 * 6 + 16);
  CHECK(evaluations<AdamsBashforthMoulton<1>>(once, 20) == 2 * 20);
  CHECK(evaluations<AdamsBashforthMoulton<4>>(once, 20) == 3 * 4 + 2 * 17);
  CHECK(evaluations<AdamsBashforth<4>>(once, 2) == 2 * 4);
}

TEST_CASE("Steps that are equal to rounding share one history", "[ode][multistep]") {
  // Added up, tenths differ by some ulps of the largest time, which is more than ulps of a time near 0.
  const auto [start, step] =
      GENERATE(std::pair{0., 0.1}, std::pair{-3., 0.1}, std::pair{3., -0.1}, std::pair{100., 0.1});
  Counted<Decay> rhs;
  std::vector<double> times{start};
  for (int i = 1; i <= 60; ++i) times.push_back(times.back() + step);
  State y(1, 2);
  Stepper<AdamsBashforth<4>, State> stepper;
  const Statistics added = integrate(AdamsBashforth<4>{}, FixedSteps(3), rhs, y, times, stepper);
  CHECK(added.evaluations == 3 * 4 + 177);
  for (int i = 0; i <= 60; ++i) times[std::size_t(i)] = start + step * i;
  const Statistics multiplied = integrate(AdamsBashforth<4>{}, FixedSteps(3), rhs, y, times, stepper);
  CHECK(multiplied.evaluations == added.evaluations);
}

TEST_CASE("A change of the step or of its direction starts the history anew", "[ode][multistep]") {
  CHECK(evaluations<AdamsBashforth<3>>({0, 1, 1, 3}, 10) == 2 * (2 * 4 + 8));
  CHECK(evaluations<AdamsBashforth<3>>({0, 1, 1 + 1e-9 + 1}, 10) == 2 * (2 * 4 + 8));
  CoupledProblem rhs;
  Stepper<AdamsBashforth<2>, State> stepper;
  stepper.init(rhs, 0, CoupledProblem::exact(0));
  double t = 0;
  const auto stages_of = [&](double h) {
    stepper.step(rhs, t, h);
    stepper.accept();
    t += h;
    return stepper.stages_evaluated();
  };
  std::vector<int> stages;
  for (const double h : {0.1, 0.1, 0.1, 0.2, 0.2, -0.2, -0.2}) stages.push_back(stages_of(h));
  CHECK(stages == std::vector<int>{4, 1, 1, 4, 1, 4, 1});
  CHECK((stepper.y() - CoupledProblem::exact(t)).norm() < 0.05);
}

TEST_CASE("A trial that is not accepted leaves the history alone", "[ode][multistep]") {
  CoupledProblem rhs;
  Stepper<AdamsBashforthMoulton<4>, State> once, twice;
  once.init(rhs, 0, CoupledProblem::exact(0));
  twice.init(rhs, 0, CoupledProblem::exact(0));
  for (int n = 0; n < 8; ++n) {
    once.step(rhs, 0.1 * n, 0.1);
    twice.step(rhs, 0.1 * n, n % 2 == 0 ? 0.3 : 0.1);
    twice.step(rhs, 0.1 * n, 0.1);
    CHECK(twice.y_next() == once.y_next());
    once.accept();
    twice.accept();
  }
}

// t + h is 0.30000000000000004 here, one ulp after the end.
TEST_CASE("No evaluation of an Adams method lies beyond the end", "[ode][multistep]") {
  const Index steps = GENERATE(1, 2, 7);
  Counted<CoupledProblem> rhs;
  State y = CoupledProblem::exact(0.1);
  const double times[] = {0.1, 0.3};
  Stepper<AdamsBashforthMoulton<2>, State> stepper;
  integrate(AdamsBashforthMoulton<2>{}, FixedSteps(steps), rhs, y, times, stepper);
  CHECK(*std::max_element(rhs.times.begin(), rhs.times.end()) == 0.3);
}

TEST_CASE("Observers watch an Adams method as any other", "[ode][multistep]") {
  CoupledProblem rhs;
  State y = CoupledProblem::exact(0);
  const double times[] = {0, 1};
  Stepper<AdamsBashforth<2>, State> stepper;
  Journal journal;
  integrate(AdamsBashforth<2>{}, FixedSteps(3), rhs, y, times, stepper, journal);
  CHECK(journal.events == "okakakao");
  std::vector<double> ends;
  y = CoupledProblem::exact(0);
  integrate(AdamsBashforth<2>{}, FixedSteps(4), rhs, y, times, stepper,
            each_step([&](double t, const State&) { ends.push_back(t); }));
  CHECK(ends == std::vector<double>{0.25, 0.5, 0.75, 1});
}

TEST_CASE("A right-hand side that is not finite ends a solve by an Adams method", "[ode][multistep][errors]") {
  const double from = GENERATE(0., 0.6);
  const auto rhs = [from](double t, const State& y, State& dy) {
    dy = t >= from ? State(-y(0), std::numeric_limits<double>::quiet_NaN()) : State(-y);
  };
  State y(1, 2);
  const double times[] = {0, 1};
  Stepper<AdamsBashforthMoulton<3>, State> stepper;
  try {
    integrate(AdamsBashforthMoulton<3>{}, FixedSteps(10), rhs, y, times, stepper);
    FAIL("no error");
  } catch (const NonFiniteError& error) {
    CHECK(error.component == 1);
    CHECK(error.t == (from == 0 ? 0 : 1));
  }
  CHECK(y == State(1, 2));
  // Nothing of it remains in the stepper.
  Decay decay;
  integrate(AdamsBashforthMoulton<3>{}, FixedSteps(10), decay, y, times, stepper);
  CHECK((y - std::exp(-1.) * State(1, 2)).norm() < 1e-3);
}

TEST_CASE("An Adams method ends where it should, however short, long or far away", "[ode][multistep]") {
  const auto [t0, t1] = GENERATE(std::pair{1., 1.}, std::pair{0., 1e-300}, std::pair{1e6, std::nextafter(1e6, 2e6)},
                                 std::pair{1e15 + 2, 1e15}, std::pair{0., 1e300});
  const double slope = t1 == t0 ? 0 : 1 / (t1 - t0);
  bool inside = true;
  const auto rhs = [&, from = t0, to = t1](double t, const State&, State& dy) {
    inside = inside && t >= std::min(from, to) && t <= std::max(from, to);
    dy.setConstant(slope);
  };
  State y(3, 4);
  const double times[] = {t0, t0, t1, t1};
  Stepper<AdamsBashforthMoulton<3>, State> stepper;
  const Statistics counts = integrate(AdamsBashforthMoulton<3>{}, FixedSteps(10), rhs, y, times, stepper);
  CHECK(inside);
  CHECK((y - (t1 == t0 ? State(3, 4) : State(4, 5))).norm() < 1e-14);
  CHECK(counts.accepted == (t1 == t0 ? 0 : 10));
}

TEST_CASE("An Adams method allocates in its first step of a shape only", "[ode][multistep][memory]") {
  using Method = AdamsBashforthMoulton<5>;
  const double times[] = {0, 1, 3};
  Decay rhs;
  const AllocationCounter counter;
  State y(1, 2);
  Stepper<Method, State> fixed;
  integrate(Method{}, FixedSteps(10), rhs, y, times, fixed);
  CHECK(counter.count() == 0);

  Batch<float> first = Batch<float>::Ones(3, 20), second = first;
  Stepper<Method, Batch<float>> stepper;
  integrate(Method{}, FixedSteps(10), rhs, first, times, stepper);
  if (AllocationCounter::available) CHECK(counter.count() > 0);
  const AllocationCounter later;
  integrate(Method{}, FixedSteps(10), rhs, second, times, stepper);
  CHECK(later.count() == 0);
  CHECK(second == first);
  CHECK(first(2, 7) == Approx(std::exp(-3.)).epsilon(1e-4));
}

}  // namespace pathline
