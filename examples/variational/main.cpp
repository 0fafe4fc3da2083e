/// \file
/// Variational inference by a flow, on three unnormalised densities of which something is known:
/// - the banana, whose integral is 4π, learned by the total and by the path derivative;
/// - eight schools, a hierarchical model, against the published posterior and quadrature;
/// - a Bayesian logistic regression, a 3 or a 5 by four principal components of its image, against a long chain.
///
/// Prints the evidence, its lower bound, the weights' effective number and k-hat, and means with their errors. Writes
/// banana.png and convergence.png, eight_schools.png, and logistic_regression.png. Takes about a minute.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>
#include <examples/variational/learn.hpp>
#include <examples/variational/models.hpp>

#include <pathline/train/variational/importance_weights.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <numbers>
#include <string>
#include <vector>

namespace {

using namespace examples::variational;
using pathline::Estimate, pathline::weighted_mean;
namespace plot = examples::plot;

struct Options {
  std::filesystem::path data = std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "digits.csv", out = ".";
  Index iterations = 2000, count = 20'000, chain = 1'000'000;
  std::uint64_t seed = 1;
  int threads = 0;
};

Options parse(int argc, char** argv) {
  Options options;
  examples::CommandLine line("A flow learns three posteriors from their unnormalised densities.");
  line.add("--iterations", options.iterations, "steps of Adam for each flow").within(1, 10'000'000);
  line.add("--count", options.count, "samples of each flow to weight").within(100, 10'000'000);
  line.add("--chain", options.chain, "states of the Metropolis chain").within(4000, 1'000'000'000);
  line.add("--data", options.data, "table of digits").type("FILE");
  line.add("--seed", options.seed, "of all random numbers");
  line.add("--threads", options.threads, "threads; 0: all. Changes the time only, never a number").within(0, 1024);
  line.add("--out", options.out, "folder for the pictures").type("DIR");
  line.parse(argc, argv);
  return options;
}

Training training_of(const Options& options) {
  return {.iterations = options.iterations, .seed = options.seed, .threads = options.threads};
}

void print(const char* name, const Learned& learned) {
  const auto& sample = learned.sample;
  std::printf(
      "%s: ELBO %.4f +- %.4f, log evidence %.4f +- %.4f nats, %.0f effective samples of %td, k-hat %.2f, "
      "%.2f ms an iteration\n",
      name, sample.elbo.value, sample.elbo.standard_error, sample.log_evidence.value,
      sample.log_evidence.standard_error, sample.effective_samples, sample.samples.cols(), sample.k,
      learned.milliseconds);
  for (const auto* warnings : {&learned.warnings, &sample.warnings})
    for (const std::string& warning : *warnings) std::printf("  warning: %s\n", warning.c_str());
}

/// The mean and the deviation of a function over the target.
struct Moments {
  Estimate mean;
  double deviation;
};
Moments moments(const pathline::Row<double>& values, const pathline::Row<double>& log_weights) {
  const Estimate mean = weighted_mean(values, log_weights);
  return {mean, std::sqrt(weighted_mean((values.array() - mean.value).square().matrix(), log_weights).value)};
}

/// exp(log_density) on a grid over x × y, row = y from below.
template <class LogDensity>
Eigen::MatrixXd on_grid(const LogDensity& log_density, plot::Range x, plot::Range y) {
  constexpr Index cells = 120;
  Batch<double> centres(2, cells * cells);
  for (Index j = 0; j < centres.cols(); ++j)
    centres.col(j) << x.low + (x.high - x.low) * (double(j % cells) + 0.5) / cells,
        y.low + (y.high - y.low) * (double(j / cells) + 0.5) / cells;
  const Eigen::RowVectorXd density = log_density(centres).array().exp();
  return Eigen::Map<const Eigen::MatrixXd>(density.data(), cells, cells).transpose();
}

void learn_banana(const Options& options) {
  const Target target = banana();
  const double exact = std::log(4 * std::numbers::pi);
  std::printf("banana: log of the integral %.4f nats\n", exact);
  plot::SheetOptions sheet;
  sheet.style.title = "The banana, unnormalised, and the flows that learned it";
  sheet.style.width = sheet.style.height = 420;
  sheet.x = {-7, 7};
  sheet.y = {-4, 10};
  sheet.columns = {"target"};
  sheet.x_label = "x_0";
  sheet.y_label = "x_1";
  std::vector<plot::Panel> panels{{.density = on_grid(
                                       [&](const Batch<double>& X) {
                                         pathline::Row<double> log_p(X.cols());
                                         Batch<double> score(2, X.cols());
                                         target.log_density_and_score(X, log_p, score);
                                         return pathline::Row<double>(log_p.array() - exact);
                                       },
                                       sheet.x, sheet.y)}};
  plot::LogGraph divergence{.title = "Divergence of the flow from the banana",
                            .x_label = "iteration",
                            .y_label = "KL(flow, target) / (nats / 1000)"};
  plot::LogGraph norm{.title = "Gradient", .x_label = "iteration", .y_label = "mean norm / nats"};
  for (const bool path : {false, true}) {
    Training training = training_of(options);
    training.path_derivative = path;
    const char* name = path ? "path derivative" : "total derivative";
    Learned learned = learn(name, target, training, options.count);
    print(name, learned);
    learned.losses.row(1) = 1000 * (learned.losses.row(1).array() + exact);
    divergence.curves.push_back({learned.losses, name});
    norm.curves.push_back({learned.gradient_norms, name});
    panels.push_back({.density = on_grid(learned.log_prob, sheet.x, sheet.y)});
    char column[80];
    std::snprintf(column, sizeof column, "%s, KL %.4f nats", name, exact - learned.sample.elbo.value);
    sheet.columns.push_back(column);
  }
  plot::sheet(options.out / "banana.png", {panels}, sheet);
  plot::log_graphs(options.out / "convergence.png", {divergence, norm}, {.width = 2000, .height = 760});
}

void learn_schools(const Options& options) {
  // posteriordb, eight_schools-eight_schools_noncentered: means of 10,000 draws with errors of 0.03; deviations by the
  // mean squares that it has of eight_schools_centered, the same posterior.
  constexpr double published_mean[10]{4.411, 3.602, 6.151, 4.940, 3.906, 4.796, 3.614, 4.051, 6.317, 4.884};
  const SchoolsReference exact = schools_by_quadrature();
  std::printf("\neight schools: log evidence by quadrature %.4f nats\n", exact.log_evidence);
  const Learned learned = learn("eight schools", eight_schools(), training_of(options), options.count);
  print("eight schools", learned);
  const Batch<double> values = schools_of(learned.sample.samples);
  std::printf("            flow, weighted           quadrature       posteriordb\n");
  for (Index i = 0; i < 10; ++i) {
    const Moments here = moments(values.row(i), learned.sample.log_weights);
    const std::string name = i == 0 ? "mu" : i == 1 ? "tau" : "theta_" + std::to_string(i - 1);
    std::printf("  %-8s %5.2f +- %.2f, sd %5.2f", name.c_str(), here.mean.value, here.mean.standard_error,
                here.deviation);
    if (i < 2)
      std::printf("   %5.2f, sd %5.2f   %5.2f, sd %5.2f\n", exact.mean[i], exact.deviation[i], published_mean[i],
                  i == 0 ? 3.31 : 3.20);
    else
      std::printf("                    %5.2f\n", published_mean[i]);
  }
  plot::CurveOptions curve;
  curve.style.title = "Eight schools: between-school deviation";
  curve.x_label = "tau / points of the test";
  curve.y_label = "density / (1 / point)";
  Index last = 0;
  while (last + 1 < exact.tau_density.cols() && exact.tau_density(0, last) < 20) ++last;
  std::vector<double> shown;
  for (Index j = 0; j < values.cols(); ++j)
    if (values(1, j) < 20) shown.push_back(values(1, j));
  plot::density_curve(options.out / "eight_schools.png", {{exact.tau_density.leftCols(last), "quadrature"}},
                      {Eigen::Map<const Eigen::RowVectorXd>(shown.data(), Index(shown.size())), "samples of the flow"},
                      curve);
}

void learn_regression(const Options& options) {
  const Target target = logistic_regression(options.data, 3, 5, 4);
  pathline::Rng rng(options.seed + 1);
  const Batch<double> chain = metropolis(target, options.chain, 10, rng);
  const ChainMeans reference = means_of_chain(chain);
  std::printf("\nlogistic regression: a chain of %td states\n", options.chain);
  const Learned learned = learn("logistic regression", target, training_of(options), options.count);
  print("logistic regression", learned);
  std::printf("            flow, weighted             Metropolis\n");
  std::vector<std::string> names{"intercept"};
  for (Index i = 0; i < target.dim; ++i) {
    if (i > 0) names.push_back("weight " + std::to_string(i));
    const Moments here = moments(learned.sample.samples.row(i), learned.sample.log_weights);
    std::printf("  %-10s %7.4f +- %.4f, sd %.3f   %7.4f +- %.4f, sd %.3f\n", names.back().c_str(), here.mean.value,
                here.mean.standard_error, here.deviation, reference.mean(i), reference.standard_error(i),
                reference.deviation(i));
  }
  const Index shown = std::min<Index>(1500, std::min(chain.cols(), learned.sample.samples.cols()));
  Batch<double> thinned(target.dim, shown);
  for (Index j = 0; j < shown; ++j) thinned.col(j) = chain.col(j * (chain.cols() / shown));
  plot::SamplesOptions pairs;
  pairs.style = {
      .title = "Weights by Metropolis (below) and by the flow (above the diagonal)", .width = 1100, .height = 1100};
  pairs.names = names;
  plot::pairs(options.out / "logistic_regression.png", {thinned, "Metropolis"},
              {learned.sample.samples.leftCols(shown), "flow"}, pairs);
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  std::filesystem::create_directories(options.out);
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  learn_banana(options);
  learn_schools(options);
  learn_regression(options);
  std::cout << "pictures: " << options.out.string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "variational: " << error.what() << '\n';
  return 1;
}
