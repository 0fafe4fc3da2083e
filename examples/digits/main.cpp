/// \file
/// Learns the density of 8 × 8 images of handwritten digits (examples/data/SOURCE.md), one for each digit: a
/// conditional flow in 64 dimensions that reads the digit beside the time. Prints bits per dimension of held-out images
/// beside those of Gaussians and of a mixture, and how often the density alone tells the digit; writes digits.png,
/// images of the table beside samples. Takes about half a minute on one core.
///
/// Pixels are whole numbers from 0 to 16. Uniform noise makes a density of them meaningful, and its likelihood a lower
/// bound of that of the whole numbers (flow/transform/dequantize.hpp); the training rows are taken several times, each
/// time with other noise. A logit then carries the box of pixels to all of R⁶⁴.
#include <examples/command_line/command_line.hpp>
#include <examples/common/baselines.hpp>
#include <examples/common/mixture.hpp>
#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>
#include <examples/common/warnings.hpp>

#include <pathline/flow.hpp>
#include <pathline/io.hpp>
#include <pathline/nn.hpp>
#include <pathline/train.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace examples;
using pathline::Batch;

constexpr Index side = 8, pixels = side * side, levels = 17, digits = 10;

struct Options {
  std::filesystem::path data = std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "digits.csv";
  std::filesystem::path picture = "digits.png";
  Index rows = 1797, width = 192, epochs = 10, copies = 8, batch = 128;
  double learning_rate = 3e-3, kinetic_energy = 0.05, tolerance = 1e-3;
  std::uint64_t seed = 7;
  int threads = 0;
};

[[nodiscard]] Options parse(int argc, char** argv) {
  Options options;
  CommandLine line(
      "Learns a density of 8 x 8 handwritten digits for each digit, compares bits per dimension of held-out images\n"
      "with Gaussians and a mixture, tells digits by their density, and draws samples.",
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
  add("--kinetic-energy", options.kinetic_energy, "W", "weight of the kinetic energy, which keeps paths short")
      .within(0., 1e6);
  add("--tolerance", options.tolerance, "TOL", "error per step of the solver").within(1e-12, 1e3);
  add("--seed", options.seed, "N", "of all random numbers: the same seed gives the same results");
  add("--threads", options.threads, "N", "threads; 0: all. Changes the time only, never a number");
  add("--picture", options.picture, "FILE.png", "where the picture goes; its gnuplot script beside it");
  line.parse(argc, argv);
  return options;
}

/// Images and what they show.
struct Digits {
  Table images;  ///< pixels × n, whole numbers.
  std::vector<Index> labels;

  explicit Digits(const Table& rows) : images(rows.topRows(pixels)) {
    for (Index i = 0; i < rows.cols(); ++i) labels.push_back(Index(rows(pixels, i)));
  }
};

/// What the flow reads beside the time: 1 in the row of the digit, 0 elsewhere.
[[nodiscard]] Batch<float> one_hot(const std::vector<Index>& labels) {
  Batch<float> result = Batch<float>::Zero(digits, Index(labels.size()));
  for (std::size_t i = 0; i < labels.size(); ++i) result(labels[i], Index(i)) = 1;
  return result;
}
[[nodiscard]] Batch<float> one_hot(Index label, Index count) {
  return one_hot(std::vector<Index>(std::size_t(count), label));
}

/// The images with noise, in (0, 1), above their context.
[[nodiscard]] Batch<float> rows_of(const Digits& data, const pathline::Draw& noise) {
  return pathline::with_context(pathline::dequantize(data.images.cast<float>(), levels, noise).data,
                                one_hot(data.labels));
}
[[nodiscard]] Batch<float> copies_of(const Digits& data, Index copies, pathline::Rng& rng) {
  const Index n = data.images.cols();
  Batch<float> result(pixels + digits, copies * n);
  for (Index k = 0; k < copies; ++k) result.middleCols(k * n, n) = rows_of(data, rng.draw());
  return result;
}

/// log p(x | digit) at each row, digits × n; of estimates that know no digits 1 × n. Nats of pixels in (0, 1).
struct Score {
  std::string name;
  Table log_prob;
};

/// log p(x), all digits being equally probable.
[[nodiscard]] Values marginal(const Table& log_prob) {
  const Values largest = log_prob.colwise().maxCoeff();
  return largest.array() + (log_prob.rowwise() - largest).array().exp().colwise().mean().log();
}
[[nodiscard]] Values conditional(const Table& log_prob, const std::vector<Index>& labels) {
  Values result(log_prob.cols());
  for (Index i = 0; i < log_prob.cols(); ++i) result(i) = log_prob(labels[std::size_t(i)], i);
  return result;
}
/// Share of rows whose digit is not the one of greatest density.
[[nodiscard]] double error_rate(const Table& log_prob, const std::vector<Index>& labels) {
  Index wrong = 0, best = 0;
  for (Index i = 0; i < log_prob.cols(); ++i) {
    log_prob.col(i).maxCoeff(&best);
    wrong += best != labels[std::size_t(i)];
  }
  return double(wrong) / double(log_prob.cols());
}

/// A Gaussian for each digit and a mixture that knows no digits, in the flow's logits; the settings are those of
/// greatest likelihood of the validation rows.
template <class Transform>
[[nodiscard]] std::vector<Score> simple_estimates(const Transform& logit, const Batch<float>& train,
                                                  const std::vector<Index>& labels, const Batch<float>& validation,
                                                  const Batch<float>& test, const pathline::Draw& start) {
  const auto logits = [&logit](const Batch<float>& rows) -> Table {
    return pathline::transformed(logit, rows.topRows(pixels)).template cast<double>();
  };
  const Table X = logits(train), chosen_by = logits(validation), queries = logits(test);
  Batch<float> unused(pixels, test.cols());
  pathline::Row<float> log_det(test.cols());
  logit.apply(test.topRows(pixels), unused, log_det);
  const Values jacobian = log_det.cast<double>();

  std::unique_ptr<GaussianComponents> gaussians, mixture;
  const auto keep_better = [&chosen_by](std::unique_ptr<GaussianComponents>& best, GaussianComponents candidate) {
    if (!best || candidate.log_prob(chosen_by).mean() > best->log_prob(chosen_by).mean())
      best = std::make_unique<GaussianComponents>(std::move(candidate));
  };
  for (const double prior : {10., 30., 100., 300.}) {
    keep_better(gaussians, GaussianComponents::labelled(X, labels, digits, prior));
    for (const Index components : {10, 20})
      keep_better(mixture,
                  GaussianComponents(X, components, start, {.prior = prior, .max_iterations = 30, .tolerance = 1e-2}));
  }
  return {{"Gaussian per digit", gaussians->component_log_prob(queries).rowwise() + jacobian},
          {"mixture of " + std::to_string(mixture->weights().size()), mixture->log_prob(queries) + jacobian},
          {"one Gaussian", FittedGaussian(X).log_prob(queries) + jacobian}};
}

void print(const std::vector<Score>& scores, const std::vector<Index>& labels) {
  const auto bits = [](const Values& log_prob) {  // of whole numbers from 0 to 16
    return pathline::nats_to_bits_per_dim(mean_nll(log_prob) + double(pixels) * std::log(double(levels)), pixels);
  };
  std::cout << "\nbits per dimension of " << labels.size() << " held-out images, and what the flow gains in p(x)\n"
            << "                      p(x | digit)    p(x)                      digits told wrongly\n"
            << std::fixed;
  const Values flow = marginal(scores.front().log_prob);
  for (const Score& score : scores) {
    const bool knows_digits = score.log_prob.rows() == digits;
    const Values all = knows_digits ? marginal(score.log_prob) : Values(score.log_prob);
    std::cout << "  " << std::left << std::setw(20) << score.name << std::right << std::setprecision(3);
    if (knows_digits)
      std::cout << std::setw(9) << bits(conditional(score.log_prob, labels));
    else
      std::cout << std::setw(9) << "-";
    std::cout << std::setw(12) << bits(all);
    const Estimate gain = paired_difference(flow, all);
    if (&score == &scores.front())
      std::cout << std::setw(17) << "";
    else
      std::cout << std::setw(9) << pathline::nats_to_bits_per_dim(gain.mean, pixels) << " ± "
                << pathline::nats_to_bits_per_dim(gain.standard_error, pixels);
    if (knows_digits)
      std::cout << std::setw(13) << std::setprecision(1) << 100 * error_rate(score.log_prob, labels) << " %";
    std::cout << '\n';
  }
}

[[nodiscard]] Eigen::MatrixXd image(const Eigen::Ref<const Eigen::VectorXd>& column) {
  return column.reshaped<Eigen::RowMajor>(side, side);
}

/// Ten held-out images of each digit beside ten samples.
template <class Flow>
void draw(const std::filesystem::path& png, const Flow& flow, const Digits& test, pathline::Rng& rng) {
  constexpr Index columns = 10;
  plot::ImageSheet real{{}, "held-out images"}, sampled{{}, "samples of the flow"};
  std::vector<std::string> names;
  for (Index digit = 0; digit < digits; ++digit) {
    names.push_back(std::to_string(digit));
    Index found = 0;
    for (Index i = 0; i < test.images.cols() && found < columns; ++i)
      if (test.labels[std::size_t(i)] == digit) ++found, real.images.push_back(image(test.images.col(i)));
    for (; found < columns; ++found) real.images.push_back(Eigen::MatrixXd::Zero(side, side));
    const Table samples = pathline::quantize(flow.sample(one_hot(digit, columns), rng), levels).template cast<double>();
    for (Index i = 0; i < columns; ++i) sampled.images.push_back(image(samples.col(i)));
  }
  plot::image_sheets(png, {real, sampled},
                     {.style = {.title = "Handwritten digits", .width = 1500, .height = 850},
                      .columns = int(columns),
                      .ink = {0, double(levels - 1)},
                      .row_labels = names});
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  pathline::Rng rng(options.seed);
  const Table table = pathline::io::read_csv<double>(options.data);
  const auto tested = pathline::split(table.leftCols(std::min(options.rows, table.cols())), 0.2, rng);
  const auto trained = pathline::split(tested.rest, 0.125, rng);
  const Digits train(trained.rest), validation(trained.held_out), test(tested.held_out);
  const Batch<float> train_rows = copies_of(train, options.copies, rng);
  const Batch<float> validation_rows = rows_of(validation, rng.draw()), test_rows = rows_of(test, rng.draw());
  std::cout << "data      " << train.images.cols() << " images to train (" << options.copies
            << " times with other noise), " << validation.images.cols() << " to choose by, " << test.images.cols()
            << " held out\n"
            << std::flush;

  // Whitened logits: the untrained flow is close to a Gaussian fitted to all digits together. The perceptron knows its
  // divergence, so that 64 dimensions cost no more than two, and there is no noise in the trace.
  using pathline::Vector;
  const pathline::Logit logit(Vector<float>::Zero(pixels).eval(), Vector<float>::Ones(pixels).eval(), 0.05);
  pathline::Cnf flow(
      pathline::Network(pathline::ShallowMlp<float, pathline::Tanh>(pixels, {options.width, options.width}, 1 + digits),
                        rng),
      pathline::Chain(logit, pathline::Whiten(transformed(logit, train_rows.topRows(pixels)))),
      pathline::StandardizeContext(train_rows.bottomRows(digits)),  // leaves one-hot rows as they are
      pathline::KineticEnergy{.weight = options.kinetic_energy},
      pathline::PiController{.rtol = options.tolerance, .atol = options.tolerance}, pathline::Threads{options.threads});

  const auto bits = [](double nats) {
    return number_text(pathline::nats_to_bits_per_dim(nats + double(pixels) * std::log(double(levels)), pixels));
  };
  pathline::ProgressLine progress(std::cerr, "training", long(options.epochs));
  const double start = pathline::seconds_now();
  const pathline::FitReport report =
      pathline::fit(flow, train_rows, validation_rows, {.epochs = options.epochs, .batch = options.batch}, rng,
                    pathline::Adam{.learning_rate = options.learning_rate},
                    pathline::Cosine{.final_rate = 0.02 * options.learning_rate}, pathline::ClipByNorm{.max_norm = 50},
                    [&](const pathline::EpochReport& epoch) {
                      progress.update(long(epoch.epoch), "bits train " + bits(epoch.train_nll) + "  validation " +
                                                             bits(epoch.validation_loss));
                    });
  std::cout << "training  " << report.epochs.size() << " epochs (best: " << report.best_epoch << ") in "
            << pathline::duration_text(pathline::seconds_now() - start) << "; " << flow.parameters().size()
            << " parameters, " << report.epochs.back().evaluations << " evaluations of the field per solve; "
            << flow.training_trace() << '\n'
            << std::flush;
  print_warnings(std::cout, report.warnings);

  Table log_prob(digits, test_rows.cols());
  for (Index digit = 0; digit < digits; ++digit)
    log_prob.row(digit) =
        flow.log_prob(pathline::with_context(test_rows.topRows(pixels), one_hot(digit, test_rows.cols())))
            .cast<double>();
  std::vector<Score> scores{{"flow", log_prob}};
  for (Score& score : simple_estimates(logit, train_rows.leftCols(train.images.cols()), train.labels, validation_rows,
                                       test_rows, rng.draw()))
    scores.push_back(std::move(score));
  print(scores, test.labels);

  draw(options.picture, flow, test, rng);
  if (plot::gnuplot_available())
    std::cout << "\npicture   " << options.picture.string() << '\n';
  else
    std::cerr << "digits: " << plot::gnuplot_advice() << '\n';
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::cerr << "digits: " << error.what() << '\n';
  return EXIT_FAILURE;
}
