/// \file
/// Lorenz' equations: where a solver's tolerance is forgotten, and what remains nevertheless.
///
/// Two starts a hair apart leave each other exponentially, at a rate of about 0.906 (the largest Lyapunov exponent),
/// and so does a solve from the truth: after some thirty units of time no tolerance helps, and the state at a late time
/// is no result. Shapes are. The path stays on the same butterfly, and each maximum of z foretells the next one:
/// plotted against each other they lie on one sharp peak (Lorenz, J. Atmos. Sci. 20 (1963)). The maxima are events:
/// zeros of z', from above. Prints the rate, and writes lorenz.png, lorenz_distance.png and lorenz_map.png.
#include <examples/common/plot.hpp>

#include <pathline/ode.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <tuple>
#include <vector>

using namespace pathline;
using Eigen::Vector3d;

namespace {

constexpr double sigma = 10, rho = 28, beta = 8. / 3;

void lorenz(double, const Vector3d& y, Vector3d& dy) {
  dy << sigma * (y(1) - y(0)), y(0) * (rho - y(2)) - y(1), y(0) * y(1) - beta * y(2);
}

/// log10 of the distance of two paths at these times, a column (t, distance) each.
Eigen::MatrixXd distances(const Solution<Vector3d>& a, const Solution<Vector3d>& b) {
  Eigen::MatrixXd result(2, Index(a.times.size()));
  for (Index i = 0; i < result.cols(); ++i) {
    const auto k = std::size_t(i);
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

/// x against z.
std::vector<Eigen::MatrixXd> butterfly(const Solution<Vector3d>& path) {
  std::vector<Eigen::MatrixXd> result;
  for (const Vector3d& y : path.states) result.emplace_back(Eigen::Vector2d(y(0), y(2)));
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  double apart = 1e-9, end = 40, long_end = 1000;
  std::filesystem::path out = ".";
  CLI::App app("Two paths of Lorenz' equations, and the map of their maxima.");
  app.add_option("--apart", apart, "distance of the two starts")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--end", end, "of the two paths")->capture_default_str()->check(CLI::Range(20., 1000.));
  app.add_option("--long-end", long_end, "of the path whose maxima are collected")
      ->capture_default_str()
      ->check(CLI::Range(10., 1e5));
  app.add_option("--out", out, "folder for the pictures")->capture_default_str()->type_name("DIR");
  CLI11_PARSE(app, argc, argv);

  // A start on the butterfly, after what it takes to get there.
  const PiController tight{.rtol = 1e-12, .atol = 1e-12, .max_steps = 10'000'000};
  const Vector3d start = solve(lorenz, Vector3d(1, 1, 20), 0, 20, Dop853{}, tight);
  const Vector3d other = start + Vector3d(apart, 0, 0);
  std::vector<double> times;
  for (int i = 0; i <= 4000; ++i) times.push_back(end * i / 4000);
  const Solution<Vector3d> one = solve(lorenz, start, 0, end, SaveAt{times}, Tsit5{}, tight);
  const Solution<Vector3d> two = solve(lorenz, other, 0, end, SaveAt{times}, Tsit5{}, tight);
  const Solution<Vector3d> loose =
      solve(lorenz, start, 0, end, SaveAt{times}, Tsit5{}, PiController{.rtol = 1e-6, .atol = 1e-6});
  const Eigen::MatrixXd neighbours = distances(one, two), tolerances = distances(one, loose);
  // Until the distance nears the size of the butterfly it grows freely.
  const double free = std::min(end, std::log(0.1 / apart) / 0.906);
  std::printf("starts %g apart: the distance grows like exp(%.2f t) up to t = %.0f (in the long run: 0.906)\n", apart,
              growth_rate(neighbours, 0, free), free);
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
  plot::sheet(out / "lorenz.png", {{{.states = butterfly(one)}, {.states = butterfly(two)}}},
              {.style = {.title = "Lorenz: two starts, z over x, coloured by time", .width = 640, .height = 640},
               .x = {-22, 22},
               .y = {0, 50},
               .columns = {"one start", "the other"},
               .rows = {""}});
  plot::graph(out / "lorenz_distance.png", {{neighbours, "two starts"}, {tolerances, "two tolerances, 1e-12 and 1e-6"}},
              {.style = {.title = "How two paths of Lorenz' equations part"},
               .x_label = "time",
               .y_label = "log10 of the distance"});
  plot::graph(out / "lorenz_map.png", {{map, ""}},
              {.style = {.title = "Maxima of z", .width = 800, .height = 800},
               .x_label = "a maximum",
               .y_label = "the next maximum",
               .points = true});
  std::cout << "pictures: " << (out / "lorenz.png").string() << ", " << (out / "lorenz_distance.png").string() << ", "
            << (out / "lorenz_map.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
