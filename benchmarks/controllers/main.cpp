/// \file
/// Which step-size controller needs the least work for the same error: prints the figures of docs/solvers.md, in a
/// minute or two: benchmarks/run controllers.
///
/// Every controller solves every problem at a row of tolerances. At each error that a controller and IController both
/// reach, their evaluations of the right-hand side are compared, interpolated on logarithms; of the ratios the table
/// has the geometric mean over errors and problems, and the worst mean of a problem.
#include <pathline/flow/cnf.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/toy/toy_densities.hpp>
#include <support/detest.hpp>
#include <support/stiff_problems.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

using namespace pathline;

namespace {

/// All three controllers are one with other weights.
struct Setting {
  const char* name;
  double k_I, k_P, k_D;
  [[nodiscard]] PidController at(double rtol, double atol) const {
    return {.rtol = rtol, .atol = atol, .max_steps = 1'000'000, .k_I = k_I, .k_P = k_P, .k_D = k_D};
  }
};
constexpr std::array settings{
    Setting{"IController", 1, 0, 0},
    Setting{"PI, k_I = 0.3, k_P = 0.4 (Gustafsson)", 0.3, 0.4, 0},
    Setting{"PI, k_I = 0.65, k_P = 0.2 (Hairer's dopri5.f)", 0.65, 0.2, 0},
    Setting{"PI, k_I = 0.8, k_P = 0.2", 0.8, 0.2, 0},
    Setting{"PI, k_I = 0.9, k_P = 0.1", 0.9, 0.1, 0},
    Setting{"PID, k_I = 0.47, k_P = 0.01, k_D = 0.1 (ARKODE)", 0.47, 0.01, 0.1},
    Setting{"PID, k_I = k_D = 0.25, k_P = 0.5 (H312)", 0.25, 0.5, 0.25},
};

struct Point {
  double error, work;  // their logarithms
};
using Curve = std::vector<Point>;
using Solve = std::function<Point(const Setting&, double rtol)>;  // error and evaluations; an error of NaN: it failed

/// Errors fall along a curve: a point that is no better than one of less work is left out.
Curve curve_of(const Solve& solve, const Setting& setting, double last_digits) {
  Curve curve;
  for (double digits = 2.5; digits <= last_digits + 0.01; digits += 0.25) {
    const Point at = solve(setting, std::pow(10, -digits));
    if (std::isfinite(at.error) && at.error > 0) curve.push_back({std::log(at.error), std::log(at.work)});
  }
  std::sort(curve.begin(), curve.end(), [](Point a, Point b) { return a.work < b.work; });
  Curve falling;
  for (const Point& point : curve)
    if (falling.empty() || point.error < falling.back().error) falling.push_back(point);
  return falling;
}

/// Logarithm of the work at this error.
double work_at(const Curve& curve, double error) {
  for (std::size_t i = 1; i < curve.size(); ++i)
    if (curve[i].error <= error) {
      const Point &a = curve[i - 1], &b = curve[i];
      return a.work + (b.work - a.work) * (a.error - error) / (a.error - b.error);
    }
  return curve.back().work;
}

/// Mean logarithm of curve's work over that of `other`, at the errors that both reach.
double excess(const Curve& curve, const Curve& other) {
  const double most = std::min(curve.front().error, other.front().error);
  const double least = std::max(curve.back().error, other.back().error);
  constexpr int count = 40;
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    const double error = most + (least - most) * (i + 0.5) / count;
    sum += work_at(curve, error) - work_at(other, error);
  }
  return sum / count;
}

/// A line for each controller: mean and worst ratio.
void compare(const std::string& title, const std::vector<Solve>& problems, double last_digits) {
  std::printf("| %s | mean | worst problem |\n|---|---|---|\n", title.c_str());
  std::vector<Curve> reference;
  for (const Solve& solve : problems) reference.push_back(curve_of(solve, settings[0], last_digits));
  for (const Setting& setting : settings) {
    double sum = 0, worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < problems.size(); ++i) {
      const double ratio = excess(curve_of(problems[i], setting, last_digits), reference[i]);
      sum += ratio;
      if (ratio > worst) worst = ratio, at = i;
    }
    std::printf("| %s | %.3f | %.2f (number %zu) |\n", setting.name, std::exp(sum / double(problems.size())),
                std::exp(worst), at + 1);
    std::fflush(stdout);
  }
  std::puts("");
}

template <class Method>
void on_detest(const char* name, const std::vector<detest::Problem>& all, double last_digits) {
  std::vector<Solve> problems;
  for (const detest::Problem& problem : all)
    problems.emplace_back([&problem](const Setting& setting, double rtol) -> Point {
      Eigen::VectorXd y = problem.y0;
      const std::array<double, 2> times{0, detest::end_time};
      Stepper<Method, Eigen::VectorXd> stepper;
      try {
        const Statistics statistics = integrate(Method{}, setting.at(rtol, rtol), *problem.rhs, y, times, stepper);
        return {detest::error_at_end(problem, y), double(statistics.evaluations)};
      } catch (const SolveError&) {
        return {NAN, 0};
      }
    });
  compare(std::string("DETEST, 25 problems, ") + name, problems, last_digits);
}

template <class Method, class Problem>
Solve stiff(double floor) {
  return [floor](const Setting& setting, double rtol) -> Point {
    using State = Eigen::Matrix<double, int(Problem::y0.size()), 1>;
    State y(Problem::y0.data());
    const std::array<double, 2> times{0, Problem::t_end};
    Stepper<Method, State> stepper;
    Problem rhs;
    try {
      const Statistics statistics = integrate(Method{}, setting.at(rtol, rtol * floor), rhs, y, times, stepper);
      double error = 0;
      for (std::size_t i = 0; i < Problem::y_end.size(); ++i) {
        const double size = std::abs(Problem::y_end[i]) + floor;
        error = std::max(error, std::abs(y(Index(i)) - Problem::y_end[i]) / size);
      }
      return {error, double(statistics.accepted + statistics.rejected)};
    } catch (const SolveError&) {
      return {NAN, 0};
    }
  };
}

template <class Method>
void on_stiff_problems(const char* name) {
  compare(std::string("van der Pol, Robertson, HIRES, Oregonator (steps), ") + name,
          {stiff<Method, VanDerPol>(1), stiff<Method, Robertson>(1e-6), stiff<Method, Hires>(1e-4),
           stiff<Method, Oregonator>(1e-2)},
          7);
}

/// Errors of log p and evaluations, of flows that were trained on toy densities.
template <class Method>
void on_flows(const char* name, const std::vector<Mlp<double, Tanh>>& fields, const std::vector<Batch<double>>& data) {
  std::vector<Solve> problems;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto likelihood = [&field = fields[i],
                             X = Batch<double>(data[i].leftCols(100))](const PidController& control) {
      return Cnf(field, Method{}, control, Threads{1}).likelihood(X);
    };
    const Row<double> exact = likelihood(settings[1].at(1e-11, 1e-11)).log_prob;
    problems.emplace_back([=](const Setting& setting, double rtol) -> Point {
      const Likelihood<double> result = likelihood(setting.at(rtol, rtol));
      return {(result.log_prob - exact).cwiseAbs().maxCoeff(), double(result.statistics.evaluations)};
    });
  }
  compare(std::string("densities of trained flows, ") + name, problems, 7);
}

}  // namespace

int main() {
  const std::vector<detest::Problem> all = detest::problems();
  on_detest<Dopri5>("Dopri5", all, 9);
  on_detest<Tsit5>("Tsit5", all, 9);
  on_detest<BogackiShampine>("BogackiShampine", all, 6);
  on_detest<Dop853>("Dop853", all, 11);

  std::vector<Mlp<double, Tanh>> fields;
  std::vector<Batch<double>> data;
  for (const ToyDensity kind :
       {ToyDensity::moons, ToyDensity::eight_gaussians, ToyDensity::pinwheel, ToyDensity::two_spirals}) {
    Rng rng(7);
    data.push_back(sample_toy<double>(kind, 2000, rng.draw()));
    Cnf flow(Mlp<double, Tanh>(2, {64, 64}, rng), Hutchinson<Rademacher>{}, Dopri5{},
             PiController{.rtol = 1e-4, .atol = 1e-4});
    fit(flow, data.back(), {.epochs = 15, .batch = 100}, rng, Adam{.learning_rate = 5e-3});
    fields.push_back(flow.field());
  }
  on_flows<Dopri5>("Dopri5", fields, data);
  on_flows<Tsit5>("Tsit5", fields, data);

  on_stiff_problems<Kvaerno5>("Kvaerno5");
  on_stiff_problems<RadauIia5>("RadauIia5");
  on_stiff_problems<Rodas4>("Rodas4");
}
