/// \file
/// Lorenz' equations: where a solver's tolerance is forgotten, and what remains nevertheless.
///
/// Two starts a hair apart leave each other exponentially, at a rate of about 0.906 (the largest Lyapunov exponent),
/// and so does a solve from the truth: after some thirty units of time no tolerance helps, and the state at a late time
/// is no result. Shapes are. The path stays on the same butterfly, and each maximum of z foretells the next one:
/// plotted against each other they lie on one sharp peak (Lorenz, J. Atmos. Sci. 20 (1963)). The maxima are events:
/// zeros of z', from above. Prints the rate, and writes lorenz.png (both paths, before and after they part),
/// lorenz_distance.png and lorenz_map.png.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/ode.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <tuple>
#include <vector>

using namespace pathline;
using Eigen::Vector3d;

namespace {

constexpr double sigma = 10, rho = 28, beta = 8. / 3;

void lorenz(double, const Vector3d& y, Vector3d& dy) {
  dy << sigma * (y(1) - y(0)), y(0) * (rho - y(2)) - y(1), y(0) * y(1) - beta * y(2);
}

/// Times at which pictures of the butterfly have a point; distances take every fourth.
constexpr Index picture_intervals = 16'000, stride = 4;

/// log10 of the distance of two paths, a column (t, distance) each.
Eigen::MatrixXd distances(const Solution<Vector3d>& a, const Solution<Vector3d>& b) {
  Eigen::MatrixXd result(2, picture_intervals / stride + 1);
  for (Index i = 0; i < result.cols(); ++i) {
    const auto k = std::size_t(stride * i);
    result.col(i) << a.times[k], std::log10((a.states[k] - b.states[k]).norm());
  }
  return result;
}

/// Slope of ln of the distance over the times in [from, to], by least squares.
double growth_rate(const Eigen::MatrixXd& distance, double from, double to) {
  double n = 0, t = 0, d = 0, tt = 0, td = 0;
  for (Index i = 0; i < distance.cols(); ++i) {
    const double x = distance(0, i), y = distance(1, i) * std::log(10);
    if (x < from || x > to) continue;
    n += 1, t += x, d += y, tt += x * x, td += x * y;
  }
  return (n * td - t * d) / (n * tt - t * t);
}

/// (x, z) at the times in [from, to].
Eigen::MatrixXd butterfly(const Solution<Vector3d>& path, double from, double to) {
  Eigen::MatrixXd result(2, Index(path.times.size()));
  Index count = 0;
  for (std::size_t k = 0; k < path.times.size(); ++k)
    if (path.times[k] >= from && path.times[k] <= to) result.col(count++) << path.states[k](0), path.states[k](2);
  return result.leftCols(count);
}

/// As few digits as say it.
std::string short_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

}  // namespace

int main(int argc, char** argv) try {
  double apart = 1e-9, end = 40, long_end = 1000;
  std::filesystem::path out = ".";
  examples::CommandLine line("Two paths of Lorenz' equations, and the map of their maxima.");
  line.add("--apart", apart, "distance of the two starts").positive();
  line.add("--end", end, "of the two paths").within(20., 1000.);
  line.add("--long-end", long_end, "of the path whose maxima are collected").within(10., 1e5);
  line.add("--out", out, "folder for the pictures").type("DIR");
  line.parse(argc, argv);

  // A start on the butterfly, after what it takes to get there.
  const PiController tight{.rtol = 1e-12, .atol = 1e-12, .max_steps = 10'000'000};
  const Vector3d start = solve(lorenz, Vector3d(1, 1, 20), 0, 20, Dop853{}, tight);
  const Vector3d other = start + Vector3d(apart, 0, 0);
  std::vector<double> times;
  for (Index i = 0; i <= picture_intervals; ++i) times.push_back(end * double(i) / double(picture_intervals));
  const Solution<Vector3d> one = solve(lorenz, start, 0, end, SaveAt{times}, Tsit5{}, tight);
  const Solution<Vector3d> two = solve(lorenz, other, 0, end, SaveAt{times}, Tsit5{}, tight);
  const Solution<Vector3d> loose =
      solve(lorenz, start, 0, end, SaveAt{times}, Tsit5{}, PiController{.rtol = 1e-6, .atol = 1e-6});
  const Eigen::MatrixXd neighbours = distances(one, two), tolerances = distances(one, loose);
  // Until the distance nears the size of the butterfly it grows freely.
  const double free = std::min(end, std::log(0.1 / apart) / 0.906);
  std::printf(
      "starts %g apart: up to t = %.0f the distance grows like exp(%.2f t), by a least-squares fit to this pair of "
      "paths;\n"
      "the mean rate over very long paths, the largest Lyapunov exponent, is 0.906\n",
      apart, free, growth_rate(neighbours, 0, free));
  std::printf("tolerance 1e-12: %td steps, %td evaluations; 1e-6: %td steps, %td evaluations\n",
              one.statistics.accepted, one.statistics.evaluations, loose.statistics.accepted,
              loose.statistics.evaluations);

  const Event maximum([](double, const Vector3d& y) { return y(0) * y(1) - beta * y(2); },
                      {.crossing = Crossing::falling});
  const auto path = solve_events(lorenz, start, 0, long_end, std::tuple(maximum), Tsit5{},
                                 PiController{.rtol = 1e-8, .atol = 1e-8, .max_steps = 10'000'000});
  const Index pairs = Index(path.hits.size()) - 1;
  Eigen::MatrixXd map(2, pairs);
  for (Index k = 0; k < pairs; ++k) map.col(k) << path.hits[std::size_t(k)].y(2), path.hits[std::size_t(k + 1)].y(2);
  std::printf("%zu maxima of z up to t = %g, between %.3f and %.3f\n", path.hits.size(), long_end,
              map.row(0).minCoeff(), map.row(0).maxCoeff());

  namespace plot = examples::plot;
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  // Where the paths are told apart by eye: a distance of 1, on a butterfly of 40.
  Index parted = 0;
  while (parted + 1 < neighbours.cols() && neighbours(1, parted) < 0) ++parted;
  const double parting = neighbours(0, parted), late = std::max(parting, end - 10);
  const auto both = [&](double from, double to) {
    return std::vector<plot::Points>{{butterfly(one, from, to), "one start"},
                                     {butterfly(two, from, to), "the other, " + short_number(apart) + " away"}};
  };
  plot::sheet(
      out / "lorenz.png", {{{.curves = both(0, parting)}, {.curves = both(late, end)}}},
      {.style = {.title = "Lorenz' butterfly: two paths with nearly the same start", .width = 620, .height = 620},
       .x = {-22, 22},
       .y = {0, 50},
       .columns = {"up to t = " + short_number(parting) + ": less than 1 apart, one hides the other",
                   "from t = " + short_number(late) + " to " + short_number(end) + ": two different paths"},
       .x_label = "x",
       .y_label = "z"});
  plot::graph(out / "lorenz_distance.png", {{neighbours, "two starts"}, {tolerances, "two tolerances, 1e-12 and 1e-6"}},
              {.style = {.title = "How two paths of Lorenz' equations part"},
               .x_label = "time",
               .y_label = "log10 of the distance"});
  plot::graph(out / "lorenz_map.png", {{map, ""}},
              {.style = {.title = "Each maximum of z foretells the next", .width = 800, .height = 800},
               .x_label = "a maximum of z",
               .y_label = "the next maximum of z",
               .points = true});
  std::cout << "pictures: " << (out / "lorenz.png").string() << ", " << (out / "lorenz_distance.png").string() << ", "
            << (out / "lorenz_map.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
