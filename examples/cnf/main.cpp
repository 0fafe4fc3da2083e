/// \file
/// Learns the density of a table of numbers with a continuous normalizing flow. Without options it takes Old Faithful's
/// 272 eruptions (examples/data/SOURCE.md), trains for well under a minute, compares the likelihood of held-out rows
/// with a fitted Gaussian's and a kernel density estimate's, and writes density.png, trajectories.png, samples.png and
/// loss.png.
#include <examples/cnf/cross_validation.hpp>
#include <examples/cnf/flow.hpp>
#include <examples/cnf/options.hpp>
#include <examples/cnf/pictures.hpp>
#include <examples/cnf/report.hpp>
#include <examples/cnf/saved_flow.hpp>
#include <examples/common/baselines.hpp>
#include <examples/common/plot.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/io/table.hpp>
#include <pathline/io/write_csv.hpp>
#include <pathline/train/progress_line.hpp>
#include <pathline/train/split.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace examples;
using namespace examples::cnf;

constexpr Index most_columns = 20, least_rows = 10;

/// The columns to learn, checked: a density needs some of them, each of them to vary, and rows to train and to judge
/// by.
[[nodiscard]] pathline::io::Table<double> read(const Options& options) {
  pathline::io::Table<double> table;
  try {
    // A pipe has no extension; what comes through it is text.
    table = options.data.has_extension() ? pathline::io::read_table<double>(options.data, options.table)
                                         : pathline::io::read_csv_table<double>(options.data, options.table);
  } catch (const pathline::DataError& error) {
    throw pathline::DataError(error.what() +
                              std::string("\n     How a table is read: --columns A,B --header --no-header "
                                          "--separator NAME --decimal SIGN --skip-missing"));
  }
  if (table.data.cols() < least_rows)
    throw pathline::DataError(options.data.string() + " has " + std::to_string(table.data.cols()) +
                              (table.data.cols() == 1 ? " row" : " rows") + ", expected at least " +
                              std::to_string(least_rows) + ": some to train on, others to choose and judge by");
  const Index columns = table.data.rows();
  if (columns > most_columns)
    throw pathline::DataError(options.data.string() + " has " + std::to_string(columns) +
                              " columns, expected at most " + std::to_string(most_columns) +
                              "; choose some with --columns");
  for (Index i = 0; i < columns; ++i)
    if (table.data.row(i).maxCoeff() == table.data.row(i).minCoeff())
      throw pathline::DataError("column " + table.names[std::size_t(i)] + " of " + options.data.string() +
                                " is constant: it has no density; leave it out with --columns");
  return table;
}

[[nodiscard]] Split split_rows(const Table& rows, const Options& options) {
  if (options.test + options.validation > 0.9)
    throw pathline::ArgumentError("--test plus --validation", std::to_string(options.test + options.validation),
                                  "at most 0.9: the rest is trained on");
  pathline::Rng rng(options.seed);
  const auto tested = pathline::split(rows, options.test, rng);
  const auto trained = pathline::split(tested.rest, options.validation / (1 - options.test), rng);
  return {trained.rest, trained.held_out, tested.held_out};
}

[[nodiscard]] TrainedFlow train(const Split& split, const Options& options) {
  pathline::ProgressLine progress(std::cerr, "training", options.epochs);
  return train_flow(split, options, [&progress](const Epoch& epoch) {
    progress.update(epoch.number,
                    "train " + cell(epoch.train_nll, 3, 0) + "  validation " + cell(epoch.validation_loss, 3, 0));
  });
}

[[nodiscard]] std::filesystem::path samples_file(const Options& options) {
  return options.samples_file.empty() ? options.out / "samples.csv" : options.samples_file;
}

/// Refuses what write_samples() cannot write before anything is trained.
void check_samples(const std::vector<std::string>& names, const Options& options) {
  if (options.samples == 0) return;
  const std::filesystem::path file = samples_file(options);
  if (pathline::io::table_format("--samples-file", file) != pathline::io::TableFormat::npy) {
    std::ostringstream trial;
    pathline::io::write_csv(trial, names, Table(Table::Zero(Index(names.size()), 1)));
  }
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
}

/// The samples that were asked for, in the units of the table.
void write_samples(const TrainedFlow& flow, const std::vector<std::string>& names, const Options& options) {
  if (options.samples == 0) return;
  pathline::io::write_table(samples_file(options), flow.sample(options.samples), names);
  std::cout << "samples   " << options.samples << " in " << samples_file(options).string() << '\n';
}

/// Refuses a file that --save cannot write before hours are spent.
void check_save(const Options& options) {
  if (options.save.has_parent_path()) std::filesystem::create_directories(options.save.parent_path());
}

/// The flow trained on a part of the rows, or the one of --load.
[[nodiscard]] TrainedFlow make_flow(const Split& split, const Table& rows, const Options& options) {
  if (!options.load.empty()) {
    TrainedFlow flow = load_flow(rows.rows(), options);
    std::cout << "loaded    " << options.load.string() << ": " << flow.parameters << " parameters, best of "
              << flow.history.size() << " epochs: " << flow.best_epoch << '\n';
    return flow;
  }
  TrainedFlow flow = train(split, options);
  print_training(std::cout, flow);
  if (!options.save.empty()) {
    flow.save(options.save, notes_of(options, rows));
    std::cout << "saved     " << options.save.string() << '\n';
  }
  return flow;
}

void one_split(const Table& rows, const std::vector<std::string>& names, const Options& options) {
  make_folder(options);
  check_samples(names, options);
  check_save(options);
  // Rows that a loaded flow has not seen are all there to judge it by.
  const bool known = options.load.empty() || same_rows(options, rows);
  const Split split = known ? split_rows(rows, options) : Split{Table(rows.rows(), 0), Table(rows.rows(), 0), rows};
  std::cout << "rows      ";
  if (known)
    std::cout << split.train.cols() << " train, " << split.validation.cols() << " validation, " << split.test.cols()
              << " test (seed " << options.seed << ")\n";
  else
    std::cout << rows.cols() << " test: not the table that the flow was trained on\n";
  std::cout << std::flush;
  const TrainedFlow flow = make_flow(split, rows, options);

  std::vector<Scores> scores{score("flow", flow.log_prob, split)};
  std::vector<plot::Level> levels;
  if (known) {
    const FittedGaussian gaussian(split.train);
    const KernelDensity kernels(split.train);
    scores.push_back(score(
        "Gaussian", [&gaussian](const Table& X) { return gaussian.log_prob(X); }, split));
    scores.push_back(score(
        "kernel estimate", [&kernels](const Table& X) { return kernels.log_prob(X); }, split));
    print_scores(std::cout, scores);
    print_bandwidths(std::cout, kernels, names);
    if (split.test.cols() > 0)
      levels = {{mean_nll(scores[1].test), "Gaussian, test rows"},
                {mean_nll(scores[2].test), "kernel estimate, test rows"},
                {mean_nll(scores[0].test), "flow, test rows"}};
  } else {
    print_scores(std::cout, scores);
  }
  const auto written = draw_pictures(flow, split, names, levels, options);
  std::cout << (plot::gnuplot_available() ? "\npictures " : "\nscripts  ");
  for (std::filesystem::path file : written)
    std::cout << ' ' << (plot::gnuplot_available() ? file : file.replace_extension(".gp")).string();
  std::cout << '\n';
  if (!plot::gnuplot_available()) std::cerr << "cnf: " << plot::gnuplot_advice() << '\n';
  write_samples(flow, names, options);  // last: the pictures' samples stay the same
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  const auto table = read(options);
  print_data(std::cout, options, table);
  print_flow(std::cout, options, table.data.rows());
  if (options.folds > 0)
    cross_validate(std::cout, table.data, options);
  else
    one_split(table.data, table.names, options);
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::cerr << "cnf: " << error.what() << '\n';
  return EXIT_FAILURE;
}
