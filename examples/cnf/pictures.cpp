/// \file
/// From a trained flow to matrices, and from there to plot.hpp.
#include <examples/cnf/pictures.hpp>

#include <pathline/core/errors.hpp>

#include <algorithm>
#include <system_error>

namespace examples::cnf {

namespace {

namespace fs = std::filesystem;

constexpr Index most_points = 4'000;  ///< Of one kind in a picture: more make the file large and the picture black.

[[nodiscard]] Table beside(const Table& a, const Table& b) {
  Table both(a.rows(), a.cols() + b.cols());
  both << a, b;
  return both;
}

/// At most `most` columns, evenly spread.
[[nodiscard]] Table thinned(const Table& X, Index most) {
  if (X.cols() <= most) return X;
  Table result(X.rows(), most);
  for (Index j = 0; j < most; ++j) result.col(j) = X.col(j * X.cols() / most);
  return result;
}

[[nodiscard]] std::string counted(const std::string& what, Index rows) {
  return what + " (" + std::to_string(rows) + ")";
}

/// Densities at the centres of the cells, row = y from below.
[[nodiscard]] Table density_grid(const TrainedFlow& flow, const plot::Range& x, const plot::Range& y, Index columns,
                                 Index rows) {
  Table centres(2, rows * columns);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j)
      centres.col(i * columns + j) << x.low + (double(j) + 0.5) / double(columns) * (x.high - x.low),
          y.low + (double(i) + 0.5) / double(rows) * (y.high - y.low);
  const Values density = flow.log_prob(centres).array().exp();
  return Eigen::Map<const Table>(density.data(), columns, rows).transpose();
}

void draw_density(const fs::path& png, const TrainedFlow& flow, const Split& split,
                  const std::vector<std::string>& names, const Options& options) {
  const Table seen = beside(split.train, split.validation), all = beside(seen, split.test);
  const plot::Style style{.title = "Density learned from " + options.data.filename().string()};
  const plot::Range x = plot::range_of(all.row(0), 0.15);
  if (all.rows() == 1) {
    constexpr Index points = 600;
    Table curve(2, points);
    curve.row(0).setLinSpaced(points, x.low, x.high);
    curve.row(1) = flow.log_prob(curve.row(0)).array().exp();
    plot::density_curve(png, {{curve, "flow"}}, {all, counted("data", all.cols())},
                        {.style = style, .x_label = names[0]});
    return;
  }
  const plot::Range y = plot::range_of(all.row(1), 0.15);
  plot::density_map(png, density_grid(flow, x, y, 220, 165),
                    {{thinned(seen, most_points), counted("training and validation rows", seen.cols())},
                     {thinned(split.test, most_points), counted("test rows", split.test.cols())}},
                    {.style = style, .x = x, .y = y, .x_label = names[0], .y_label = names[1]});
}

void draw_trajectories(const fs::path& png, const TrainedFlow& flow, const Split& split,
                       const std::vector<std::string>& names) {
  constexpr int intervals = 40;
  std::vector<double> times;
  for (int k = 0; k <= intervals; ++k) times.push_back(double(k) / intervals);
  std::vector<std::string> axes;
  for (const std::string& name : names) axes.push_back(name + ", standardised");
  const Table rows = thinned(beside(split.train, split.test), 120);
  plot::trajectories(
      png, flow.trajectory(rows, times), times,
      {.style = {.title = "Paths of " + std::to_string(rows.cols()) + " rows from the data to the base density" +
                          (names.size() > 2 ? " (first two columns)" : "")},
       .names = axes});
}

void draw_samples(const fs::path& png, const TrainedFlow& flow, const Split& split,
                  const std::vector<std::string>& names) {
  // As many samples as rows: then the eye compares densities and not numbers of points.
  const Table data = thinned(beside(beside(split.train, split.validation), split.test), most_points);
  const Table samples = flow.sample(data.cols());
  const plot::Points left{data, std::to_string(data.cols()) + " rows of data"},
      right{samples, std::to_string(samples.cols()) + " samples of the flow"};
  if (data.rows() <= 2)
    plot::side_by_side(
        png, left, right,
        {.style = {.title = "Data beside samples of the flow", .width = 1400, .height = 760}, .names = names});
  else
    plot::pairs(
        png, left, right,
        {.style = {.title = "Data (blue, below the diagonal) and as many samples of the flow (orange, above)" +
                            (data.rows() > plot::most_paired ? " (first " + std::to_string(plot::most_paired) + " of " +
                                                                   std::to_string(data.rows()) + " columns)"
                                                             : std::string()),
                   .width = 1300,
                   .height = 1200},
         .names = names});
}

void draw_losses(const fs::path& png, const TrainedFlow& flow, const std::vector<plot::Level>& levels) {
  const Index epochs = Index(flow.history.size());
  Table train(2, epochs), validation(2, epochs);
  for (Index j = 0; j < epochs; ++j) {
    const Epoch& epoch = flow.history[std::size_t(j)];
    train.col(j) << epoch.number, epoch.train_nll;
    validation.col(j) << epoch.number, epoch.validation_loss;
  }
  plot::losses(
      png, {{train, "training rows, mean while the epoch runs"}, {validation, "validation rows, after the epoch"}},
      {.style = {.title = "Likelihood while training"}, .levels = levels, .best_epoch = double(flow.best_epoch)});
}

}  // namespace

void make_folder(const Options& options) {
  std::error_code problem;
  fs::create_directories(options.out, problem);
  if (problem)
    throw pathline::FileError("cannot make the folder " + options.out.string() + " (" + problem.message() +
                              "); choose another with --out");
}

std::vector<fs::path> draw_pictures(const TrainedFlow& flow, const Split& split, const std::vector<std::string>& names,
                                    const std::vector<plot::Level>& levels, const Options& options) {
  std::vector<fs::path> written;
  const auto file = [&](const char* name) { return written.emplace_back(options.out / name); };
  if (names.size() <= 2) draw_density(file("density.png"), flow, split, names, options);
  draw_trajectories(file("trajectories.png"), flow, split, names);
  draw_samples(file("samples.png"), flow, split, names);
  if (!flow.history.empty()) draw_losses(file("loss.png"), flow, levels);
  return written;
}

}  // namespace examples::cnf
