/// \file
/// Robertson's reaction: why stiff problems need implicit methods.
///
/// Three substances, with rates from 0.04 to 3e7: A → B slowly, B + B → C + B very fast, B + C → A + C fast. (Robertson
/// 1966; Hairer & Wanner II, section IV.1.) After a thousandth of a second B follows A and C, and nothing fast is left
/// to see. An explicit method stays bound to the fast rate for ever: its steps are as short at 1e4 s as at 1 s, not for
/// accuracy but for stability, and it would need 1e14 of them to reach 1e11 s. An implicit method takes steps as long
/// as the solution is smooth. Prints the work of both, and writes stiff_chemistry.png and stiff_chemistry_steps.png.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/ode.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

using namespace pathline;
using Eigen::Vector3d;

namespace {

struct Robertson {
  void operator()(double, const Vector3d& y, Vector3d& dy) const {
    const double slow = 0.04 * y(0), back = 1e4 * y(1) * y(2), fast = 3e7 * y(1) * y(1);
    dy << back - slow, slow - back - fast, fast;
  }
  /// Optional: without it Newton's method takes differences.
  void jacobian(double, const Vector3d& y, auto& J) const {
    J << -0.04, 1e4 * y(2), 1e4 * y(1),               //
        0.04, -1e4 * y(2) - 6e7 * y(1), -1e4 * y(1),  //
        0, 6e7 * y(1), 0;
  }
};

/// Ends of the steps and the states there.
struct Steps {
  std::vector<double> t;
  std::vector<Vector3d> y;
  Statistics statistics;
};

/// The substances differ by orders of magnitude, so each has a tolerance of its own.
auto tolerances(double rtol, Index max_steps = 10'000) {
  return WithTolerances(PiController{.max_steps = max_steps}, Vector3d::Constant(rtol),
                        rtol * Vector3d(1e-4, 1e-8, 1e-4));
}

template <class Method>
Steps walk(const Method& method, double end, double rtol, Index max_steps) {
  const auto control = tolerances(rtol, max_steps);
  Robertson rhs;
  Vector3d y(1, 0, 0);
  Stepper<Method, Vector3d> stepper;
  Steps steps;
  try {
    steps.statistics =
        integrate(method, control, rhs, y, std::array{0., end}, stepper, each_step([&](double t, const Vector3d& now) {
                    steps.t.push_back(t);
                    steps.y.push_back(now);
                  }));
  } catch (const StepLimitError& error) {
    steps.statistics = error.statistics;
    std::cout << error.what() << "\n\n";
  }
  return steps;
}

void print(const char* name, const Steps& steps) {
  std::printf("%-10s %10.3g %8td %8td %12td   %.9f %.6e %.9f\n", name, steps.t.back(), steps.statistics.accepted,
              steps.statistics.rejected, steps.statistics.evaluations, steps.y.back()(0), steps.y.back()(1),
              steps.y.back()(2));
}

/// log10 of the time against a number of each step, at most 4000 of them.
template <class Number>
Eigen::MatrixXd curve(const Steps& steps, const Number& number) {
  const std::size_t stride = std::max<std::size_t>(1, steps.t.size() / 4000);
  Eigen::MatrixXd result(2, Index((steps.t.size() - 1) / stride));
  for (Index i = 0; i < result.cols(); ++i) {
    const std::size_t k = std::size_t(i) * stride + 1;
    result.col(i) << std::log10(steps.t[k]), number(k);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  double end = 1e11, rtol = 1e-6;
  Index max_steps = 100'000;
  std::filesystem::path out = ".";
  examples::CommandLine line("Robertson's reaction by an implicit and by an explicit method.");
  line.add("--end", end, "of the reaction, s").within(1., 1e12);
  line.add("--rtol", rtol, "relative tolerance").within(1e-10, 1e-2);
  line.add("--max-steps", max_steps, "at which the explicit method gives up").within(100, 100'000'000);
  line.add("--out", out, "folder for the pictures").type("DIR");
  line.parse(argc, argv);

  const Steps explicit_steps = walk(Dopri5{}, end, rtol, max_steps),
              implicit_steps = walk(Kvaerno5{}, end, rtol, 10'000);
  std::printf("%-10s %10s %8s %8s %12s   state there\n", "method", "reached/s", "steps", "rejected", "evaluations");
  print("Dopri5", explicit_steps);
  print("Kvaerno5", implicit_steps);

  namespace plot = examples::plot;
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  // Steps are too long to be drawn as lines: the states at times of equal distance on the axis.
  std::vector<double> times{0};
  for (int k = 0; k <= 400; ++k) times.push_back(std::pow(10, -6 + k * (std::log10(end) + 6) / 400));
  times.back() = end;
  const auto solution = solve(Robertson{}, Vector3d(1, 0, 0), times, Kvaerno5{}, tolerances(rtol));
  const auto substance = [&](Index i, double factor) {
    Eigen::MatrixXd line_of(2, Index(times.size()) - 1);
    for (Index k = 0; k < line_of.cols(); ++k)
      line_of.col(k) << std::log10(times[std::size_t(k) + 1]), factor * solution.states[std::size_t(k) + 1](i);
    return line_of;
  };
  plot::graph(out / "stiff_chemistry.png",
              {{substance(0, 1), "A"}, {substance(1, 1e4), "10000 B"}, {substance(2, 1), "C"}},
              {.style = {.title = "Robertson's reaction, by Kvaerno5"},
               .x_label = "log10 of the time / s",
               .y_label = "concentration"});
  const auto length = [](const Steps& steps) {
    return curve(steps, [&](std::size_t k) { return std::log10(steps.t[k] - steps.t[k - 1]); });
  };
  plot::graph(out / "stiff_chemistry_steps.png",
              {{length(explicit_steps), "Dopri5, explicit"}, {length(implicit_steps), "Kvaerno5, implicit"}},
              {.style = {.title = "Length of the steps: bound by stability, and by accuracy"},
               .x_label = "log10 of the time / s",
               .y_label = "log10 of the step / s"});
  std::cout << "pictures: " << (out / "stiff_chemistry.png").string() << ", "
            << (out / "stiff_chemistry_steps.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
