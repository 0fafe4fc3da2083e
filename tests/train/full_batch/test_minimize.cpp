#include <pathline/train/full_batch/minimize.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace pathline;

namespace {

using Iteration = MinimizeIteration<double>;

double rosenbrock(const Vector<double>& x, Vector<double>& gradient) {
  const double a = 1 - x(0), b = x(1) - x(0) * x(0);
  gradient(0) = -2 * a - 400 * x(0) * b;
  gradient(1) = 200 * b;
  return a * a + 100 * b * b;
}
Vector<double> rosenbrock_start() { return Vector<double>{{-1.2, 1}}; }

/// Least at 1; not a number at 0 and below.
double barrier(const Vector<double>& x, Vector<double>& gradient) {
  gradient(0) = 1 - 1 / x(0);
  return x(0) - std::log(x(0));
}

struct NoGradient {
  double operator()(const Vector<double>&) const { return 0; }
};
static_assert(Objective<decltype(rosenbrock), double> && !Objective<NoGradient, double> &&
              !Objective<decltype(rosenbrock), float>);

}  // namespace

TEST_CASE("minimize solves a quadratic of n unknowns in n + 1 iterations", "[train][full_batch]") {
  constexpr Index n = 8;
  Batch<double> root(n, n);
  fill<Gaussian>(Draw{5, 0}, 0, root);
  const Batch<double> A = root * root.transpose() + 0.5 * Batch<double>::Identity(n, n);  // condition about 40
  const Vector<double> solution = Vector<double>::LinSpaced(n, -2, 3);
  const auto quadratic = [&](const Vector<double>& x, Vector<double>& gradient) {
    gradient = A * (x - solution);
    return 0.5 * gradient.dot(x - solution);
  };
  // Such conditions hold at the least point of each line alone: then the iterates are those of conjugate gradients,
  // Nocedal & Wright, section 7.2, whatever the memory.
  const LBfgs exact{
      .memory = GENERATE(1, 5), .gradient_tolerance = 1e-10, .sufficient_decrease = 1e-12, .curvature = 1e-9};
  Vector<double> x = Vector<double>::Zero(n), before = x;
  std::vector<Vector<double>> steps;
  const MinimizeReport report = minimize(quadratic, x, exact, [&](const Iteration& at) {
    steps.push_back(at.parameters - before);
    before = at.parameters;
  });
  CHECK(report.stop == MinimizeStop::gradient);
  CHECK(report.iterations <= n + 1);
  CHECK((x - solution).norm() < 1e-9);  // gradient / least eigenvalue
  CHECK(report.value < 1e-19);
  for (std::size_t i = 0; i + 1 < n && i < steps.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      CHECK(std::abs(steps[i].dot(A * steps[j])) <
            1e-6 * std::sqrt(steps[i].dot(A * steps[i]) * steps[j].dot(A * steps[j])));
}

TEST_CASE("minimize finds the minimum of Rosenbrock's function by steps of the strong Wolfe conditions",
          "[train][full_batch]") {
  Vector<double> x = rosenbrock_start(), before = x, gradient_before(2), gradient(2);
  double value_before = rosenbrock(before, gradient_before);
  Index iterations = 0, evaluations = 0;
  const auto counted = [&](const Vector<double>& at, Vector<double>& into) {
    ++evaluations;
    return rosenbrock(at, into);
  };
  const LBfgs rule{.gradient_tolerance = 1e-10};
  const MinimizeReport report = minimize(counted, x, rule, [&](const Iteration& at) {
    CHECK(at.iteration == ++iterations);
    CHECK(at.evaluations == evaluations);
    CHECK(at.value == rosenbrock(at.parameters, gradient));
    CHECK(at.gradient == gradient);
    const Vector<double> step = at.parameters - before;
    const double slope = gradient_before.dot(step);
    CHECK(slope < 0);
    CHECK(at.value <= value_before + rule.sufficient_decrease * slope);
    CHECK(std::abs(gradient.dot(step)) <= rule.curvature * std::abs(slope) * (1 + 1e-12));  // step by subtraction
    before = at.parameters;
    gradient_before = gradient;
    value_before = at.value;
  });
  CHECK(report.stop == MinimizeStop::gradient);
  CHECK(report.converged());
  CHECK((x - Vector<double>::Ones(2)).norm() < 1e-10);
  CHECK(report.first_value == Approx(24.2));
  CHECK(report.value == rosenbrock(x, gradient));
  CHECK(report.gradient_norm == Approx(gradient.norm()).epsilon(1e-12).margin(1e-300));
  CHECK(report.iterations == iterations);
  CHECK(report.evaluations == evaluations);
  CHECK(evaluations < 80);
}

TEST_CASE("minimize steps back from where the objective has no value", "[train][full_batch]") {
  Vector<double> x = Vector<double>::Constant(1, 30);
  SECTION("that is not a number") {
    // From 30 the first quasi-Newton steps reach below 0.
    const MinimizeReport report = minimize(barrier, x);
    CHECK(report.converged());
    CHECK(report.refused > 0);
  }
  SECTION("that is a solve that fails") {
    const auto fails = [](const Vector<double>& at, Vector<double>& gradient) {
      if (at(0) <= 0) throw SolveError("failed", SolveFailure{});
      return barrier(at, gradient);
    };
    CHECK(minimize(fails, x).refused > 0);
  }
  SECTION("that is a gradient that is not finite") {
    const auto no_gradient = [](const Vector<double>& at, Vector<double>& gradient) {
      barrier(at, gradient);
      if (at(0) <= 0) gradient(0) = std::numeric_limits<double>::infinity();
      return at(0) <= 0 ? -1e9 : at(0) - std::log(at(0));
    };
    CHECK(minimize(no_gradient, x).refused > 0);
  }
  CHECK(x(0) == Approx(1).epsilon(1e-6));
}

TEST_CASE("minimize says why it ended", "[train][full_batch]") {
  Vector<double> x = rosenbrock_start();
  const auto ends = [&](MinimizeStop why, const MinimizeReport& report) {
    CHECK(report.stop == why);
    CHECK(std::string(explain(report.stop)).size() > 10);
    return report;
  };
  ends(MinimizeStop::iterations, minimize(rosenbrock, x, LBfgs{.max_iterations = 0}));
  CHECK(x == rosenbrock_start());
  CHECK(ends(MinimizeStop::iterations, minimize(rosenbrock, x, LBfgs{.max_iterations = 3})).iterations == 3);
  for (const Index most : {1, 2, 3, 4, 5, 6, 7}) {
    x = rosenbrock_start();
    const MinimizeReport report =
        ends(MinimizeStop::evaluations, minimize(rosenbrock, x, LBfgs{.max_evaluations = most}));
    CHECK(report.evaluations == most);
    CHECK(report.value <= report.first_value);
    CHECK(!report.converged());
  }
  x = rosenbrock_start();
  const auto twice = [](const Iteration& at) { return at.iteration < 2; };
  CHECK(ends(MinimizeStop::callback, minimize(rosenbrock, x, {}, twice)).iterations == 2);

  // The value is rounded where the slope is not: its gradient cannot reach the tolerance.
  const auto high = [](const Vector<double>& at, Vector<double>& gradient) {
    gradient = at.array().exp() - 1;
    return 1e6 + (at.array().exp() - at.array()).sum();
  };
  const MinimizeReport rounded =
      ends(MinimizeStop::gain, minimize(high, x, LBfgs{.gradient_tolerance = 0, .gain_tolerance = 0}));
  CHECK(rounded.value == Approx(1e6 + 2).epsilon(1e-15));
  CHECK(rounded.converged());

  // A gradient of the wrong sign: nothing moves.
  x = rosenbrock_start();
  const auto wrong = [](const Vector<double>& at, Vector<double>& gradient) {
    const double value = rosenbrock(at, gradient);
    gradient = -gradient;
    return value;
  };
  CHECK(!ends(MinimizeStop::line_search, minimize(wrong, x)).converged());
  CHECK(x == rosenbrock_start());
}

TEST_CASE("minimize refuses a start that is not finite, and leaves the best parameters when something is thrown",
          "[train][full_batch][errors]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Vector<double> x = Vector<double>::Constant(1, nan);
  CHECK_THROWS_WITH(minimize(barrier, x),
                    "minimize: parameters, entry 0 is nan, expected a finite number; begin at other parameters");
  x(0) = 0;
  CHECK_THROWS_WITH(minimize(barrier, x),
                    "minimize: the value at the first parameters is inf, expected a finite number; "
                    "begin at other parameters");
  const auto no_gradient = [](const Vector<double>&, Vector<double>& gradient) {
    gradient(0) = -std::numeric_limits<double>::infinity();
    return 1.0;
  };
  CHECK_THROWS_AS(minimize(no_gradient, x), ArgumentError);
  const auto longer = [](const Vector<double>&, Vector<double>& gradient) {
    gradient = Vector<double>::Ones(3);
    return 1.0;
  };
  CHECK_THROWS_WITH(minimize(longer, x), "minimize: the gradient that the objective writes has 3 rows, expected 1");
  const auto failing = [](const Vector<double>&, Vector<double>&) -> double {
    throw SolveError("failed", SolveFailure{});
  };
  CHECK_THROWS_AS(minimize(failing, x), SolveError);
  CHECK_THROWS_AS(minimize(barrier, x, LBfgs{.memory = 0}), ArgumentError);
  CHECK(x(0) == 0);

  // In whatever call, also between the trials of a search that has found something lower already.
  struct Interrupted {};
  for (int stop = 2; stop < 40; ++stop) {
    x = rosenbrock_start();
    Vector<double> last;
    double least = std::numeric_limits<double>::infinity();
    int calls = 0;
    const auto interrupted = [&](const Vector<double>& at, Vector<double>& gradient) {
      if (++calls == stop) throw Interrupted{};
      const double value = rosenbrock(at, gradient);
      if (value < least) least = value, last = at;
      return value;
    };
    CHECK_THROWS_AS(minimize(interrupted, x, LBfgs{.curvature = 0.01}), Interrupted);
    CHECK(x == last);
  }
}

TEST_CASE("minimize takes nothing from the heap after its start", "[train][full_batch][allocation]") {
  Vector<double> x = rosenbrock_start();
  std::vector<long> counts;
  counts.reserve(100);
  AllocationCounter counter;
  CHECK(minimize(rosenbrock, x, LBfgs{.memory = 4}, [&](const Iteration&) {
          counts.push_back(counter.count());
        }).iterations > 10);
  CHECK(counts.front() == counts.back());
}

TEST_CASE("minimize reaches what floats can tell apart", "[train][full_batch]") {
  const auto in_float = [](const Vector<float>& x, Vector<float>& gradient) {
    const float a = 1 - x(0), b = x(1) - x(0) * x(0);
    gradient(0) = -2 * a - 400 * x(0) * b;
    gradient(1) = 200 * b;
    return a * a + 100 * b * b;
  };
  Vector<float> x{{-1.2F, 1.0F}};
  CHECK(minimize(in_float, x, LBfgs{.gradient_tolerance = 1e-4}).converged());
  CHECK(double(x(0)) == Approx(1).epsilon(1e-3));
}
