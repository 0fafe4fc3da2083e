/// \file
/// A neural ODE learns the law of motion of a spiral from noisy trajectories at irregular times.
///
/// The truth is z' = A z³ (entry by entry), A = [-0.1 2; -2 -0.1], as in torchdiffeq's example. The data are short
/// trajectories from known starts, each observed at times of its own, with noise in every entry and entries that are
/// missing. From them a network learns f in z' = f(z). The picture shows what it predicts of a trajectory that is five
/// times as long. Prints the errors beside the noise, and writes spiral.png. Takes about ten seconds.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/pathline.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <vector>

using namespace pathline;

namespace {

struct Truth {
  void operator()(double /*t*/, const Batch<double>& z, Batch<double>& dz) const {
    for (Index j = 0; j < z.cols(); ++j) {
      const double x = z(0, j) * z(0, j) * z(0, j), y = z(1, j) * z(1, j) * z(1, j);
      dz(0, j) = -0.1 * x + 2 * y;
      dz(1, j) = -2 * x - 0.1 * y;
    }
  }
};

/// The true states at these times, 2 × m.
Batch<double> truth_at(const Eigen::Vector2d& start, const std::vector<double>& times) {
  const auto solution = solve(Truth{}, Batch<double>(start), times, Tsit5{}, PiController{.rtol = 1e-9, .atol = 1e-9});
  Batch<double> states(2, Index(times.size()));
  for (std::size_t k = 0; k < times.size(); ++k) states.col(Index(k)) = solution.states[k];
  return states;
}

/// What somebody measured: trajectories over `length` units of time, of which an entry in ten is missing.
std::vector<Sequence<double>> measure(Index count, double length, double noise, Rng& rng) {
  std::vector<Sequence<double>> paths;
  for (Index j = 0; j < count; ++j) {
    Batch<double> uniform(1, 64), gaussian(2, 64), lost(2, 64);
    fill<Uniform>(rng.draw(), 0, uniform);
    fill<Gaussian>(rng.draw(), 0, gaussian);
    fill<Uniform>(rng.draw(), 0, lost);
    const Index m = 10 + Index(20 * uniform(0, 0));
    std::vector<double> times{0};
    for (Index k = 1; k < m; ++k) times.push_back(length * uniform(0, k));
    std::sort(times.begin(), times.end());
    const double radius = 0.7 + 1.4 * uniform(0, 62), angle = 6.283 * uniform(0, 63);
    const Eigen::Vector2d start(radius * std::cos(angle), radius * std::sin(angle));
    Batch<double> states = truth_at(start, times);
    states += noise * gaussian.leftCols(m);
    for (Index k = 0; k < m; ++k)
      for (Index i = 0; i < 2; ++i)
        if (lost(i, k) < 0.1) states(i, k) = std::numeric_limits<double>::quiet_NaN();
    paths.push_back({.times = times, .states = states, .initial = start});
  }
  return paths;
}

double root_mean_square(const Batch<double>& difference) {
  return std::sqrt(difference.squaredNorm() / double(difference.size()));
}

}  // namespace

int main(int argc, char** argv) try {
  Index count = 60, epochs = 600;
  double length = 1.5, noise = 0.03, end = 8;
  std::uint64_t seed = 7;
  std::filesystem::path out = ".";
  examples::CommandLine line("A neural ODE learns a spiral from noisy trajectories at irregular times.");
  line.add("--trajectories", count, "to learn from").within(2, 10'000);
  line.add("--length", length, "of each of them, in units of time").within(0.1, 20.);
  line.add("--noise", noise, "standard deviation in each entry").within(0., 1.);
  line.add("--epochs", epochs, "of training").within(1, 100'000);
  line.add("--end", end, "of the trajectory that is predicted").within(1., 50.);
  line.add("--seed", seed, "of data, parameters and mini-batches");
  line.add("--out", out, "folder for the picture").type("DIR");
  line.parse(argc, argv);

  Rng rng(seed);
  const std::vector<Sequence<double>> paths = measure(count, length, noise, rng);

  NeuralOde ode(Mlp<double, Tanh>(2, {50, 50}, rng, 0), Tsit5{}, PiController{.rtol = 1e-5, .atol = 1e-5},
                Backpropagation<>{.outputs = OutputTimes::interpolate});
  const FitReport report = fit(ode, paths, {.epochs = epochs, .batch = 10}, rng, Adam{.learning_rate = 1e-2},
                               Cosine{.final_rate = 1e-4}, PrintProgress{});
  for (const std::string& warning : report.warnings) std::cout << "warning: " << warning << '\n';

  // A trajectory that starts where none of the data does, several times as long.
  std::vector<double> times;
  for (int k = 0; k <= 1200; ++k) times.push_back(end * k / 1200);
  const Eigen::Vector2d start(1.6, 0);
  const Batch<double> truth = truth_at(start, times);
  const auto states = ode.solve(Batch<double>(start), times);
  Batch<double> learned(2, truth.cols());
  for (std::size_t k = 0; k < times.size(); ++k) learned.col(Index(k)) = states[k];

  std::printf("root mean square error of held-out trajectories  %.3f, of which noise %.3f\n",
              std::sqrt(report.best_criterion), noise);
  std::printf("of the prediction from (1.6, 0) to t = %-4g         %.3f, on paths of length %g\n", end,
              root_mean_square(learned - truth), length);

  Batch<double> data(2, 0);
  for (const Sequence<double>& path : paths) {
    data.conservativeResize(2, data.cols() + path.states.cols());
    data.rightCols(path.states.cols()) = path.states;
  }
  namespace plot = examples::plot;
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  plot::graph(out / "spiral.png", {{truth, "truth, from (1.6, 0)"}, {learned, "neural ODE"}},
              {.style = {.title = "A spiral learned from noisy trajectories at irregular times"},
               .x_label = "first component",
               .y_label = "second component",
               .dots = {{data, "observations"}},
               .equal_units = true});
  std::cout << "picture: " << (out / "spiral.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "spiral: " << error.what() << '\n';
  return 1;
}
