/// \file
/// pathline and Boost.odeint at equal accuracy, on states of static size: Dormand–Prince 5(4) of both, the best of the
/// same order that either has, and the methods of high order, pathline's 8(5, 3) and odeint's Fehlberg 8(7).
///
/// odeint changes a step only where its error is above 1 or below 1/2; a dead zone of pathline's controller does the
/// like. Of small problems the next step then need not wait for the length of this one. The small problems are also
/// solved without one, as by default, and the hundred bodies only so, where evaluations are all that counts.
#include <benchmarks/measure.hpp>
#include <benchmarks/ode/equal_accuracy.hpp>
#include <pathline/ode.hpp>

#include <boost/numeric/odeint/algebra/algebra_dispatcher.hpp>
#include <boost/numeric/odeint/algebra/array_algebra.hpp>
#include <boost/numeric/odeint/external/eigen/eigen.hpp>
#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_cash_karp54.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_fehlberg78.hpp>
#include <boost/type_traits/is_base_of.hpp>  // what odeint's Eigen headers leave to others to include

#include <array>
#include <cmath>
#include <map>
#include <utility>

using namespace pathline;
namespace odeint = boost::numeric::odeint;

namespace {

// The problems, for anything with operator[].

struct LotkaVolterra {
  static constexpr int d = 2;
  static constexpr double t_end = 10;
  static std::array<double, 2> y0() { return {1, 1}; }
  template <class State>
  void operator()(const State& y, State& dy) const {
    dy[0] = y[0] * (1.5 - y[1]);
    dy[1] = y[1] * (y[0] - 3.0);
  }
};

struct Lorenz {
  static constexpr int d = 3;
  static constexpr double t_end = 10;
  static std::array<double, 3> y0() { return {10, 1, 1}; }
  template <class State>
  void operator()(const State& y, State& dy) const {
    dy[0] = 10 * (y[1] - y[0]);
    dy[1] = y[0] * (28 - y[2]) - y[1];
    dy[2] = y[0] * y[1] - 8. / 3 * y[2];
  }
};

/// A hundred equal bodies at rest within a ball: positions, then velocities. Softened, so that the steps follow the
/// whole and not one encounter.
struct HundredBodies {
  static constexpr int n = 100, d = 6 * n;
  static constexpr double t_end = 1;
  static std::array<double, d> y0() {
    std::array<double, d> y{};
    for (int i = 0; i < n; ++i) {
      const double angle = 2.399963229728653 * i, height = 2 * (i + 0.5) / n - 1;  // Fibonacci's sphere
      const double r = std::cbrt((7 * i % n + 0.5) / n), flat = std::sqrt(1 - height * height);
      y[std::size_t(3 * i)] = r * flat * std::cos(angle);
      y[std::size_t(3 * i + 1)] = r * flat * std::sin(angle);
      y[std::size_t(3 * i + 2)] = r * height;
    }
    return y;
  }
  template <class State>
  void operator()(const State& y, State& dy) const {
    constexpr double mass = 1. / n, softening = 1e-3;
    using Place = decltype(y.size());  // signed in Eigen's vectors, unsigned in an array
    constexpr Place v = 3 * n;
    for (Place i = 0; i < v; ++i) {
      dy[i] = y[v + i];
      dy[v + i] = 0;
    }
    for (Place i = 0; i < v; i += 3)
      for (Place j = 0; j < i; j += 3) {
        const double x0 = y[j] - y[i], x1 = y[j + 1] - y[i + 1], x2 = y[j + 2] - y[i + 2];
        const double r2 = x0 * x0 + x1 * x1 + x2 * x2 + softening;
        const double pull = mass / (r2 * std::sqrt(r2));
        dy[v + i] += pull * x0;
        dy[v + i + 1] += pull * x1;
        dy[v + i + 2] += pull * x2;
        dy[v + j] -= pull * x0;
        dy[v + j + 1] -= pull * x1;
        dy[v + j + 2] -= pull * x2;
      }
  }
};

/// `dead_zone` is for pathline alone.
struct Settings {
  double tolerance, dead_zone = 1;
};

// The solvers: each integrates to t_end, and counts evaluations where it is asked to.

template <class Problem>
using Vector = Eigen::Matrix<double, Problem::d, 1>;

template <class Method = Dopri5>
struct Pathline {
  template <class Problem>
  using State = Vector<Problem>;
  template <class Problem, class Count>
  static void run(State<Problem>& y, const Settings& settings, const Count& count) {
    const auto rhs = [&](double, const State<Problem>& at, State<Problem>& dy) {
      count();
      Problem{}(at, dy);
    };
    const double tolerance = settings.tolerance;
    y = solve(rhs, y, 0, Problem::t_end, Method{},
              PiController{.rtol = tolerance, .atol = tolerance, .dead_zone = settings.dead_zone});
  }
};

template <class Method, class Problem, class State, class Count>
void run_odeint(State& y, double tolerance, const Count& count) {
  const auto rhs = [&](const State& at, State& dy, double) {
    count();
    Problem{}(at, dy);
  };
  odeint::integrate_adaptive(odeint::make_controlled(tolerance, tolerance, Method()), rhs, y, 0., Problem::t_end, 1e-3);
}

template <template <class...> class Method = odeint::runge_kutta_dopri5>
struct Odeint {
  template <class Problem>
  using State = std::array<double, Problem::d>;
  template <class Problem, class Count>
  static void run(State<Problem>& y, const Settings& settings, const Count& count) {
    run_odeint<Method<State<Problem>, double, State<Problem>, double, odeint::array_algebra>, Problem>(
        y, settings.tolerance, count);
  }
};

struct OdeintEigen {
  template <class Problem>
  using State = Vector<Problem>;
  template <class Problem, class Count>
  static void run(State<Problem>& y, const Settings& settings, const Count& count) {
    using Method =
        odeint::runge_kutta_dopri5<State<Problem>, double, State<Problem>, double, odeint::vector_space_algebra>;
    run_odeint<Method, Problem>(y, settings.tolerance, count);
  }
};

/// Largest deviation of an entry at the end from a solve at 1e-13 by another method.
template <class Problem, class Solver>
double error_of(const Settings& settings) {
  const auto start = Problem::y0();
  static const Vector<Problem> reference = [&] {
    Vector<Problem> y(start.data());
    Pathline<Dop853>::template run<Problem>(y, {.tolerance = 1e-13}, [] {});
    return y;
  }();
  typename Solver::template State<Problem> y;
  std::copy(start.begin(), start.end(), y.data());
  Solver::template run<Problem>(y, settings, [] {});
  return (Eigen::Map<const Vector<Problem>>(y.data()) - reference).template lpNorm<Eigen::Infinity>();
}

/// range(0): minus the decimal logarithm of the error. range(1): the dead zone in percent.
template <class Problem, class Solver>
void equal_accuracy(benchmark::State& state) {
  using State = typename Solver::template State<Problem>;
  const double target = std::pow(10., -double(state.range(0))), dead_zone = double(state.range(1)) / 100;
  static std::map<std::pair<Index, Index>, EqualAccuracy> known;  // a benchmark is called several times
  const std::pair<Index, Index> key(state.range(0), state.range(1));
  if (!known.contains(key))
    known[key] = tolerance_for(target, [&](double tolerance) {
      return error_of<Problem, Solver>({tolerance, dead_zone});
    });
  const EqualAccuracy tuned = known[key];
  const Settings settings{tuned.tolerance, dead_zone};
  const auto start = Problem::y0();
  State y0;
  std::copy(start.begin(), start.end(), y0.data());
  long evaluations = 0;
  State counted = y0;
  Solver::template run<Problem>(counted, settings, [&] { ++evaluations; });
  const double seconds = measure(state, [&] {
    State y = y0;
    Solver::template run<Problem>(y, settings, [] {});
    benchmark::DoNotOptimize(y.data());
  });
  state.counters["tolerance"] = tuned.tolerance;
  state.counters["error"] = tuned.error;
  state.counters["evaluations"] = double(evaluations);
  state.counters["ns/evaluation"] = 1e9 * seconds / double(evaluations);
}

void two_accuracies(benchmark::internal::Benchmark* all, Index dead_zone) {
  all->ArgNames({"digits", "dead_zone"})->Args({5, dead_zone})->Args({8, dead_zone})->Unit(benchmark::kMicrosecond);
}

void without(benchmark::internal::Benchmark* all) { two_accuracies(all, 100); }
void with_dead_zone(benchmark::internal::Benchmark* all) { two_accuracies(all, 125); }

}  // namespace

BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Pathline<>)->Apply(with_dead_zone);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Pathline<Tsit5>)->Apply(with_dead_zone);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Pathline<Dop853>)->Apply(with_dead_zone);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Pathline<>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Pathline<Tsit5>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Pathline<Dop853>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Odeint<>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Odeint<odeint::runge_kutta_cash_karp54>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, LotkaVolterra, Odeint<odeint::runge_kutta_fehlberg78>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Pathline<>)->Apply(with_dead_zone);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Pathline<Tsit5>)->Apply(with_dead_zone);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Pathline<Dop853>)->Apply(with_dead_zone);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Pathline<>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Pathline<Tsit5>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Pathline<Dop853>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Odeint<>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Odeint<odeint::runge_kutta_cash_karp54>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, Lorenz, Odeint<odeint::runge_kutta_fehlberg78>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, Pathline<>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, Pathline<Tsit5>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, Pathline<Dop853>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, Odeint<>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, Odeint<odeint::runge_kutta_cash_karp54>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, Odeint<odeint::runge_kutta_fehlberg78>)->Apply(without);
BENCHMARK_TEMPLATE(equal_accuracy, HundredBodies, OdeintEigen)->Apply(without);
