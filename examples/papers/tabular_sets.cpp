#include <examples/papers/tabular_sets.hpp>

#include <examples/papers/blocks.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/io/npy.hpp>

#include <cmath>
#include <utility>

namespace examples::papers {

namespace {

constexpr Index trained_rows = 16'384, validation_rows = 500;

/// Into the coordinates of the Gaussian of the training rows.
void whiten(TabularSet& set) {
  const FittedGaussian gaussian(set.train);
  for (Table* rows : {&set.train, &set.validation, &set.test}) *rows = gaussian.whiten(*rows);
  set.log_det.array() -= gaussian.lower().diagonal().array().log().sum();
}

/// Whether a stone's sizes agree with its depth, 100 · 2 z / (x + y), and with its weight, which is about x y z: 9,963
/// of 10,000 do. One number that was typed wrongly costs hundreds of nats, and would decide every mean.
[[nodiscard]] bool consistent(double carat, double depth, double x, double y, double z) {
  constexpr double carats_per_cubic_millimetre = 0.00612;  // the median
  return std::abs(200 * z / (x + y) - depth) < 0.3 &&
         std::abs(carat / (carats_per_cubic_millimetre * x * y * z) - 1) < 0.2;
}

/// Six columns of diamonds (examples/data/SOURCE.md), logarithms of the numbers before they were rounded: uniform
/// noise as wide as the rounding, which `seed` draws; the training rows twice, each time with other noise.
[[nodiscard]] TabularSet diamonds(std::uint64_t seed) {
  constexpr Index copies = 2, test_rows = 2'000;
  const std::vector<std::string> columns{"carat", "price", "depth", "x", "y", "z"};
  const Eigen::VectorXd rounding = (Eigen::VectorXd(6) << 0.01, 1, 0.1, 0.01, 0.01, 0.01).finished();
  const Table raw = pathline::io::read_csv<double>(std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "diamonds.csv",
                                                   {.columns = columns});
  std::vector<Index> kept;
  for (Index j = 0; j < raw.cols(); ++j)
    if (consistent(raw(0, j), raw(2, j), raw(3, j), raw(4, j), raw(5, j))) kept.push_back(j);
  Table table(raw.rows(), Index(kept.size()));
  for (Index j = 0; j < table.cols(); ++j) table.col(j) = raw.col(kept[std::size_t(j)]);
  pathline::Rng rng(seed);
  const auto logs = [&](const auto& rows) -> Table {
    Table noise(rows.rows(), rows.cols());
    pathline::fill<pathline::Uniform>(rng.draw(), 0, noise);
    return (rows + rounding.asDiagonal() * (noise.array() - 0.5).matrix()).array().log();
  };
  TabularSet set("diamonds");
  const Index train = table.cols() - test_rows - validation_rows;  // the rows of the file are in random order
  set.test = logs(table.leftCols(test_rows));
  set.validation = logs(table.middleCols(test_rows, validation_rows));
  set.train.resize(table.rows(), copies * train);
  for (Index k = 0; k < copies; ++k) set.train.middleCols(k * train, train) = logs(table.rightCols(train));
  set.log_det = -set.test.colwise().sum();
  whiten(set);
  return set;
}

/// The order of the columns is drawn, so that it does not give the conditionals away; the same for all seeds.
[[nodiscard]] std::vector<Index> column_order(Index d) { return pathline::permutation(pathline::Rng(1).draw(), d); }

[[nodiscard]] Blocks draw_blocks(Index d, Index n, pathline::Rng& rng) {
  Table normal(d, n), uniform(d, n);
  pathline::fill<pathline::Gaussian>(rng.draw(), 0, normal);
  pathline::fill<pathline::Uniform>(rng.draw(), 0, uniform);
  Blocks result = blocks(normal, uniform);
  const std::vector<Index> order = column_order(d);
  const Table drawn = result.rows;
  for (Index i = 0; i < d; ++i) result.rows.row(i) = drawn.row(order[std::size_t(i)]);
  return result;
}

[[nodiscard]] TabularSet generated(const std::string& name, Index d, std::uint64_t seed) {
  constexpr Index test_rows = 1'000;  // of which densities by the exact trace take as long as an epoch of training
  pathline::Rng rng(seed), entropy_rng(0);
  TabularSet set(name);
  set.train = draw_blocks(d, trained_rows, rng).rows;
  set.validation = draw_blocks(d, validation_rows, rng).rows;
  Blocks test = draw_blocks(d, test_rows, rng);
  set.test = std::move(test.rows);
  set.log_prob = std::move(test.log_prob);
  set.log_det = Values::Zero(test_rows);
  const Values log_prob = draw_blocks(d, 200'000, entropy_rng).log_prob;
  set.entropy = paired_difference(Values::Zero(log_prob.size()), log_prob);
  whiten(set);
  return set;
}

}  // namespace

const std::vector<std::string>& tabular_names() {
  static const std::vector<std::string> names{"diamonds", "blocks-21", "blocks-43"};
  return names;
}

TabularSet tabular_set(const std::string& name, std::uint64_t seed) {
  if (name == "diamonds") return diamonds(seed);
  if (name == "blocks-21") return generated(name, 21, seed);
  if (name == "blocks-43") return generated(name, 43, seed);
  throw pathline::ArgumentError("tabular: set", name, "diamonds, blocks-21 or blocks-43");
}

void export_set(const std::filesystem::path& folder, const TabularSet& set) {
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* file, const Table& rows) { pathline::io::write_npy(folder / file, rows); };
  write("train.npy", set.train);
  write("validation.npy", set.validation);
  write("test.npy", set.test);
  write("log_det.npy", set.log_det);
  if (set.log_prob) write("log_prob.npy", *set.log_prob);
}

}  // namespace examples::papers
