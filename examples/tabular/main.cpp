/// \file
/// Learns the joint density of weight, price, depth and sizes of 10,000 diamonds (examples/data/SOURCE.md), compares
/// its likelihood of held-out stones with a Gaussian's, a Gaussian mixture's and a kernel estimate's, and writes
/// tabular.png: data and samples of the flow, two columns at a time. Takes about a minute on one core.
///
/// The table is rounded: weights to 0.01 carat, prices to a dollar, sizes to 0.01 mm, the depth to 0.1 %. A density of
/// rounded numbers has no greatest likelihood, for it may grow without end at the values of the ruler. So every number
/// gets uniform noise as wide as its rounding, train and test alike, and the likelihoods are those of the numbers with
/// noise: the same for all four estimates, and none can gain from the rounding. The flow sees the training rows several
/// times, each time with other noise.
#include <examples/command_line/command_line.hpp>
#include <examples/common/baselines.hpp>
#include <examples/common/mixture.hpp>
#include <examples/common/plot.hpp>
#include <examples/common/warnings.hpp>

#include <pathline/flow.hpp>
#include <pathline/io.hpp>
#include <pathline/nn.hpp>
#include <pathline/train.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace examples;

struct Options {
  std::filesystem::path data = std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "diamonds.csv";
  std::filesystem::path picture = "tabular.png";
  Index rows = 10'000, width = 64, epochs = 30, copies = 4, batch = 128;
  double learning_rate = 3e-3, tail = 0.02;
  std::uint64_t seed = 7;
  int threads = 0;
};

[[nodiscard]] Options parse(int argc, char** argv) {
  Options options;
  CommandLine line(
      "Learns the joint density of six columns of a table of diamonds and compares its held-out likelihood with a\n"
      "Gaussian's, a Gaussian mixture's and a kernel estimate's. Writes a picture of data and samples.",
      Bounds::hidden);
  const auto add = [&line](const char* name, auto& value, const char* type, const char* help) {
    return line.add(name, value, help).type(type);
  };
  add("--rows", options.rows, "N", "of the table, from its top, at most").within(100, 1'000'000);
  add("--width", options.width, "N", "units in each of the two hidden layers").within(1, 4096);
  add("--epochs", options.epochs, "N", "passes over all copies of the training rows").within(1, 100'000);
  add("--copies", options.copies, "N", "of the training rows, each with other noise").within(1, 1000);
  add("--batch", options.batch, "N", "rows in a mini-batch").within(1, 100'000);
  add("--learning-rate", options.learning_rate, "RATE", "first step of the Adam optimizer").within(1e-12, 1e3);
  add("--tail", options.tail, "SHARE", "of the base density that is five times as wide, for outliers").within(0.0, 1.0);
  add("--seed", options.seed, "N", "of all random numbers: the same seed gives the same results");
  add("--threads", options.threads, "N", "threads; 0: all. Changes the time only, never a number");
  add("--picture", options.picture, "FILE.png", "where the picture goes; its gnuplot script beside it");
  line.parse(argc, argv);
  return options;
}

// The table's seventh column, the width of the top facet in per cent, is of whole numbers with few values.
const std::vector<std::string> columns{"carat", "price", "depth", "x", "y", "z"};
const std::vector<std::string> labels{"weight / carat", "price / $", "depth / %", "x / mm", "y / mm", "z / mm"};
const Eigen::VectorXd rounding = (Eigen::VectorXd(6) << 0.01, 1, 0.1, 0.01, 0.01, 0.01).finished();

/// The numbers before they were rounded, as far as anybody knows.
[[nodiscard]] Table with_noise(const Table& X, const pathline::Draw& draw) {
  Table noise(X.rows(), X.cols());
  pathline::fill<pathline::Uniform>(draw, 0, noise);
  return X + rounding.asDiagonal() * (noise.array() - 0.5).matrix();
}

[[nodiscard]] Table copies_with_noise(const Table& X, Index copies, pathline::Rng& rng) {
  Table result(X.rows(), copies * X.cols());
  for (Index k = 0; k < copies; ++k) result.middleCols(k * X.cols(), X.cols()) = with_noise(X, rng.draw());
  return result;
}

/// The standard normal density with a share five times as wide, for stones with a number that was measured or typed
/// wrongly: from a single Gaussian (`--tail 0`) most held-out stones are as likely, but a few cost two nats of the
/// mean.
[[nodiscard]] pathline::GaussianMixture<float> base_density(Index d, double tail) {
  using Matrix = pathline::Batch<float>;
  Matrix deviations(d, 2);
  deviations << Matrix::Ones(d, 1), Matrix::Constant(d, 1, 5);
  return {Eigen::Vector2f(1 - float(tail), float(tail)), Matrix::Zero(d, 2), deviations};
}

/// Log densities of one estimate at the test rows.
struct Score {
  std::string name;
  Values log_prob;
};

/// The estimates that a flow has to beat. All are fitted to logarithms, as the flow is: in dollars and carats they
/// would do far worse. The sum of the logarithms, log |det ∂x/∂log x|, brings their densities back to the raw data.
[[nodiscard]] std::vector<Score> simple_estimates(const Table& train, const Table& validation, const Table& test,
                                                  pathline::Rng& rng) {
  const Table logs = train.array().log(), chosen_by = validation.array().log(), queries = test.array().log();
  const Values jacobian = queries.colwise().sum();

  const pathline::Draw start = rng.draw();
  std::unique_ptr<const GaussianComponents> mixture;
  for (const Index components : {5, 10, 20, 40, 80}) {
    auto candidate = std::make_unique<const GaussianComponents>(logs, components, start);
    if (!mixture || candidate->log_prob(chosen_by).mean() > mixture->log_prob(chosen_by).mean())
      mixture = std::move(candidate);
  }
  const KernelDensity kernels(logs, {.max_iterations = 50, .tolerance = 1e-2, .max_queries = 250});
  return {{"Gaussian", FittedGaussian(logs).log_prob(queries) - jacobian},
          {"mixture of " + std::to_string(mixture->weights().size()), mixture->log_prob(queries) - jacobian},
          {"kernel estimate", kernels.log_prob(queries) - jacobian}};
}

[[nodiscard]] double median(const Values& values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::nth_element(sorted.begin(), sorted.begin() + std::ptrdiff_t(sorted.size() / 2), sorted.end());
  return sorted[sorted.size() / 2];
}

/// Means are what a likelihood is judged by, but a single stone with a size typed wrongly can decide them: hence the
/// standard errors, and the medians beside them.
void print(const std::vector<Score>& scores) {
  std::cout << "\nnegative log-likelihood of " << scores.front().log_prob.size()
            << " held-out rows in nats of the raw data, mean and median over the rows; gain: log density by the flow\n"
               "minus log density by the other on the same row, as mean ± standard error, and as median\n"
            << "                         mean     mean gain          median   median gain\n"
            << std::fixed << std::setprecision(3);
  for (const Score& score : scores) {
    const Estimate gain = paired_difference(scores.front().log_prob, score.log_prob);
    std::cout << "  " << std::left << std::setw(18) << score.name << std::right << std::setw(9)
              << mean_nll(score.log_prob);
    if (&score == &scores.front())
      std::cout << std::setw(29) << -median(score.log_prob) << '\n';
    else
      std::cout << std::setw(10) << gain.mean << " ± " << gain.standard_error << std::setw(11)
                << -median(score.log_prob) << std::setw(12) << median(scores.front().log_prob - score.log_prob) << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  pathline::Rng rng(options.seed);
  const Table table = pathline::io::read_csv<double>(options.data, {.columns = columns});
  const auto tested = pathline::split(table.leftCols(std::min(options.rows, table.cols())), 0.2, rng);
  const auto trained = pathline::split(tested.rest, 0.125, rng);
  const Table train = copies_with_noise(trained.rest, options.copies, rng);
  const Table validation = with_noise(trained.held_out, rng.draw()), test = with_noise(tested.held_out, rng.draw());
  std::cout << "data      " << trained.rest.cols() << " rows to train (" << options.copies
            << " times with other noise), " << validation.cols() << " to choose by, " << test.cols() << " held out\n"
            << std::flush;
  std::vector<Score> scores = simple_estimates(train.leftCols(trained.rest.cols()), validation, test, rng);

  // Whitened logarithms: sizes and weight are almost functions of each other, and what is left is far below their
  // spread. A perceptron of two hidden layers knows its divergence, so that training and evaluation are both exact.
  // The transforms are of double, as the table is: what they give is rounded to float, not what they take.
  const pathline::Log log(Eigen::VectorXd::Zero(train.rows()).eval());
  pathline::Cnf flow(
      pathline::Network(pathline::ShallowMlp<float, pathline::Tanh>(train.rows(), {options.width, options.width}), rng),
      pathline::Chain(log, pathline::Whiten(transformed(log, train))), base_density(train.rows(), options.tail),
      pathline::KineticEnergy{.weight = 0.01}, pathline::PiController{.rtol = 1e-4, .atol = 1e-4},
      pathline::Threads{options.threads});

  const double start = pathline::seconds_now();
  const pathline::FitReport report =
      pathline::fit(flow, train, validation, {.epochs = options.epochs, .batch = options.batch}, rng,
                    pathline::Adam{.learning_rate = options.learning_rate},
                    pathline::Cosine{.final_rate = 0.01 * options.learning_rate}, pathline::ClipByNorm{.max_norm = 5},
                    pathline::PrintProgress{});
  std::cout << "training  " << report.epochs.size() << " epochs (best: " << report.best_epoch << ") in "
            << pathline::duration_text(pathline::seconds_now() - start) << "; " << flow.parameters().size()
            << " parameters, " << report.epochs.back().evaluations << " evaluations of the field per solve; "
            << flow.training_trace() << '\n';
  print_warnings(std::cout, report.warnings);

  scores.insert(scores.begin(), {"flow", flow.log_prob(test).cast<double>()});
  print(scores);

  const Table samples = flow.sample(test.cols(), rng);
  plot::pairs(
      options.picture, {test, "held-out rows"}, {samples, "samples"},
      {.style = {.title =
                     "Held-out diamonds (blue, below the diagonal) and as many samples of the flow (orange, above)",
                 .width = 1300,
                 .height = 1200},
       .names = labels});
  if (plot::gnuplot_available())
    std::cout << "\npicture   " << options.picture.string() << '\n';
  else
    std::cerr << "tabular: " << plot::gnuplot_advice() << '\n';
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::cerr << "tabular: " << error.what() << '\n';
  return EXIT_FAILURE;
}
