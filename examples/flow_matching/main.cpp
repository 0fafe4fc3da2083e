/// \file
/// Flow matching: the same flow learns a toy density of the plane three times, along straight paths to base points that
/// are drawn independently, to base points chosen by optimal transport, and along the paths of a variance-preserving
/// diffusion. No ODE is solved in training; afterwards each flow has its exact density.
///
/// Prints for each the divergence from the truth, the straightness of its paths and the time of an iteration, and
/// writes flow_matching.png: densities beside the truth, and paths from the data to the base. Takes about a minute.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>
#include <examples/toy/command_line.hpp>

#include <pathline/core/clock.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/conditional_paths.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/matching/optimal_transport.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/metric/path_metrics.hpp>
#include <pathline/train/print_progress.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <span>
#include <string>
#include <vector>

using namespace pathline;
namespace plot = examples::plot;

namespace {

struct Options {
  std::string data = "8gaussians";
  Index iterations = 10'000, batch = 1024;
  double learning_rate = 1e-2;
  std::uint64_t seed = 1;
  int threads = 0;
  std::filesystem::path out = ".";

  [[nodiscard]] Index epochs() const { return (iterations + 99) / 100; }
};

Options parse(int argc, char** argv) {
  Options options;
  examples::CommandLine line("A flow learns a toy density by flow matching, with several couplings.");
  line.add("--data", options.data, examples::toy::listed(examples::toy::set_names()))
      .one_of(examples::toy::set_names())
      .type("SET");
  line.add("--iterations", options.iterations, "steps of Adam for each flow").within(1, 10'000'000);
  line.add("--batch", options.batch, "fresh samples in each iteration").within(1, 100'000);
  line.add("--learning-rate", options.learning_rate, "of Adam, in the beginning").positive();
  line.add("--seed", options.seed, "of all random numbers");
  line.add("--threads", options.threads, "threads; 0: all. Changes the time only, never a number").within(0, 1024);
  line.add("--out", options.out, "folder for the picture").type("DIR");
  line.parse(argc, argv);
  const Index epochs = options.epochs();  // of as many iterations each
  options.iterations = (options.iterations + epochs - 1) / epochs * epochs;
  return options;
}

/// The policies of flow matching, chosen as the program runs, so that `fit` is compiled for one type. Anything with
/// these functions is a coupling or a path; a program that needs only one names it:
/// FlowMatching(flow, OptimalTransport{}).
struct ChosenCoupling {
  bool transport = false;
  using Memory = OptimalTransport::Memory;
  void pair(View<const float> Z, View<const float> E, std::span<const Index> samples, const Draw& draw,
            std::span<Index> partner, Memory& memory) const {
    if (transport) return OptimalTransport{.block = 128}.pair(Z, E, samples, draw, partner, memory);
    std::iota(partner.begin(), partner.end(), Index(0));
  }
};
struct ChosenPath {
  bool diffusion = false;
  [[nodiscard]] double first() const { return diffusion ? VariancePreservingPath{}.first() : 0; }
  [[nodiscard]] PathCoefficients at(double s) const {
    return diffusion ? VariancePreservingPath{}.at(s) : StraightPath{}.at(s);
  }
};

constexpr double half_width = 4;

struct Learned {
  Estimate kl, straightness;
  double milliseconds;  // of an iteration
  plot::Panel density, paths;
  std::string title;
};

/// exp(log_density) on a grid of cells that fills the square, row = y from below.
template <class LogDensity>
Eigen::MatrixXd density_on_grid(const LogDensity& log_density) {
  constexpr Index cells = 100;
  Batch<double> centres(2, cells * cells);
  for (Index j = 0; j < centres.cols(); ++j)
    centres.col(j) << (2 * (double(j % cells) + 0.5) / cells - 1) * half_width,
        (2 * (double(j / cells) + 0.5) / cells - 1) * half_width;
  const Eigen::RowVectorXd density = log_density(centres).array().exp();
  return Eigen::Map<const Eigen::MatrixXd>(density.data(), cells, cells).transpose();
}

/// Trains a flow by flow matching, and judges it.
Learned learn(const char* name, const Options& options, const ChosenCoupling& coupling, const ChosenPath& path) {
  const ToyDensity kind = toy_density_from_name(options.data);
  Rng training(2 * options.seed), judging(2 * options.seed + 1);  // never judged by samples of the training
  Cnf flow(Mlp<float, Tanh>(2, {64, 64, 64}, training), PiController{.rtol = 1e-5, .atol = 1e-5},
           Threads{options.threads});
  FlowMatching matching(flow, coupling, path);
  const Index epochs = options.epochs(), per_epoch = options.iterations / epochs;
  const FreshSamples source([&](Index n, const Draw& draw) { return sample_toy<float>(kind, n, draw); },
                            per_epoch * options.batch);
  const double start = seconds_now();
  fit(matching, source, {.epochs = epochs, .batch = options.batch}, training,
      Adam{.learning_rate = options.learning_rate}, Cosine{.final_rate = options.learning_rate / 1000},
      PrintProgress{.what = name});
  Learned learned;
  learned.milliseconds = 1e3 * (seconds_now() - start) / double(epochs * per_epoch);

  const Batch<float> X = sample_toy<float>(kind, 10'000, judging.draw());
  learned.kl = kl_estimate(toy_log_density(kind, X), flow.log_prob(X));
  std::vector<double> times;
  for (int k = 0; k <= 50; ++k) times.push_back(k / 50.);
  learned.straightness = path_straightness(flow, X.leftCols(2000), times);

  learned.density.density = density_on_grid([&](const Batch<double>& x) -> Row<double> {
    const Row<float> log_prob = flow.log_prob(x.cast<float>());
    return log_prob.cast<double>();
  });
  for (const Batch<float>& state : flow.trajectory(X.leftCols(80), times))
    learned.paths.states.push_back(state.cast<double>());
  char note[80];
  std::snprintf(note, sizeof note, "%s, KL %.4f nats", name, learned.kl.value);
  learned.title = note;
  std::snprintf(note, sizeof note, "length / distance %.4f", learned.straightness.value);
  learned.paths.note = note;
  std::printf("%-20s KL %.4f +- %.4f nats, length of paths over distance of ends %.4f +- %.4f, %.3f ms an iteration\n",
              name, learned.kl.value, learned.kl.standard_error, learned.straightness.value,
              learned.straightness.standard_error, learned.milliseconds);
  return learned;
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  const ToyDensity kind = toy_density_from_name(options.data);
  std::printf("%s, entropy %.4f nats; %td iterations with %td samples\n", options.data.c_str(), toy_entropy(kind),
              options.iterations, options.batch);
  const std::vector<std::string> names{"independent", "optimal transport", "variance preserving"};
  const std::vector<Learned> all{learn(names[0].c_str(), options, {}, {}),
                                 learn(names[1].c_str(), options, {.transport = true}, {}),
                                 learn(names[2].c_str(), options, {}, {.diffusion = true})};

  plot::Panel truth{.density = density_on_grid([&](const Batch<double>& x) { return toy_log_density(kind, x); })};
  plot::Panel data{.points = sample_toy<double>(kind, 2000, Rng(2 * options.seed + 1).draw()), .note = "data"};
  std::vector<std::vector<plot::Panel>> rows{{truth}, {data}};
  plot::SheetOptions sheet;
  sheet.style.title = options.data + " by flow matching";
  sheet.style.width = sheet.style.height = 420;
  sheet.x = sheet.y = {-half_width, half_width};
  sheet.columns = {"truth"};
  sheet.rows = {"density", "paths"};
  sheet.first_color = "data";
  sheet.last_color = "base";
  for (std::size_t i = 0; i < all.size(); ++i) {
    rows[0].push_back(all[i].density);
    rows[1].push_back(all[i].paths);
    sheet.columns.push_back(all[i].title);
  }
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(options.out);
  plot::sheet(options.out / "flow_matching.png", rows, sheet);
  std::cout << "picture: " << (options.out / "flow_matching.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "flow_matching: " << error.what() << '\n';
  return 1;
}
