/// \file
/// Pictures of densities and flows, drawn by gnuplot (pngcairo) through a pipe.
///
/// Each function takes plain matrices (d × n, a column per sample) in the units of its axes and writes two files: the
/// picture and, beside it, the gnuplot script with the data inline, so that `gnuplot NAME.gp` draws it again. Where
/// gnuplot is missing only the script is written; ask gnuplot_available() first and tell the user.
#pragma once

#include <Eigen/Core>

#include <filesystem>
#include <string>
#include <vector>

namespace examples::plot {

/// Whether `gnuplot` is found and can write PNG files. Asked once, then remembered.
[[nodiscard]] bool gnuplot_available();
/// One line that says how to get gnuplot.
[[nodiscard]] std::string gnuplot_advice();

/// A closed interval of an axis.
struct Range {
  double low = 0, high = 1;
};
/// From the least to the greatest value, widened at both ends by `margin` times the length.
[[nodiscard]] Range range_of(const Eigen::Ref<const Eigen::MatrixXd>& values, double margin);

/// What all pictures have in common.
struct Style {
  std::string title = {};
  int width = 1200, height = 900;  ///< Pixels.
};

/// A set of points and what the legend calls it.
struct Points {
  Eigen::MatrixXd positions;  ///< 2 × n (pictures of densities), d × n elsewhere. May be empty.
  std::string label;
};

struct DensityOptions {
  Style style = {};
  Range x = {}, y = {};  ///< Extent of the grid: its cells fill it.
  std::string x_label = {}, y_label = {};
  std::string color_label = "density";
};
/// Heat map of a density with data over it. `density` is rows × columns of cells: row = y from below, column = x.
void density_map(const std::filesystem::path& png, const Eigen::MatrixXd& density, const std::vector<Points>& data,
                 const DensityOptions& options);

struct CurveOptions {
  Style style = {};
  std::string x_label = {};
  std::string y_label = "density";
};
/// Densities over a line (`curves`: each 2 × m, position and density) over a histogram of `data` (1 × n), scaled to
/// area 1.
void density_curve(const std::filesystem::path& png, const std::vector<Points>& curves, const Points& data,
                   const CurveOptions& options);

struct TrajectoryOptions {
  Style style = {};
  std::vector<std::string> names = {};  ///< Of the components, in the coordinates of `states`.
};
/// Paths of samples. `states[k]` is d × n at `times[k]`, increasing. d ≥ 2: the first two components, coloured by time,
/// with the rings of a standard normal at 1, 2 and 3 deviations; d = 1: the component against time.
void trajectories(const std::filesystem::path& png, const std::vector<Eigen::MatrixXd>& states,
                  const std::vector<double>& times, const TrajectoryOptions& options);

struct SamplesOptions {
  Style style = {};
  std::vector<std::string> names = {};  ///< Of the columns.
  bool equal_units = false;             ///< One unit is as long on both axes (side_by_side() of points).
};
/// Two panels with the same axes: data and samples side by side, as points (d = 2) or as histograms (d = 1).
void side_by_side(const std::filesystem::path& png, const Points& data, const Points& samples,
                  const SamplesOptions& options);
inline constexpr Eigen::Index most_paired = 6;
/// A square of panels for d ≥ 2, of the first `most_paired` columns at most: data below the diagonal, samples above it,
/// and on it the histograms of both (data filled, samples as a line).
void pairs(const std::filesystem::path& png, const Points& data, const Points& samples, const SamplesOptions& options);

/// Grey images of one size beneath and beside each other, row by row.
struct ImageSheet {
  std::vector<Eigen::MatrixXd> images;  ///< h × w each, the first row on top.
  std::string label;                    ///< Stands above the sheet.
};
struct ImageSheetOptions {
  Style style = {};
  int columns = 10;                          ///< Images in a row of each sheet.
  Range ink = {};                            ///< From paper to black.
  std::vector<std::string> row_labels = {};  ///< Of the rows of images.
};
/// Sheets side by side, with as many rows as the first needs.
/// \throws pathline::ArgumentError when there is no image; ShapeError when one is of another size than the first.
void image_sheets(const std::filesystem::path& png, const std::vector<ImageSheet>& all,
                  const ImageSheetOptions& options);

/// A horizontal line of the picture of losses.
struct Level {
  double value = 0;
  std::string label;
};
struct LossOptions {
  Style style = {};
  std::string x_label = "epoch";
  std::string y_label = "mean negative log-likelihood / nats";
  std::vector<Level> levels = {};
  double best_epoch = 0;  ///< Marked when positive.
};
/// Curves over epochs. `curves`: each 2 × m, epoch and value; a value that is not finite is left out.
void losses(const std::filesystem::path& png, const std::vector<Points>& curves, const LossOptions& options);

struct GraphOptions {
  Style style = {};
  std::string x_label = {}, y_label = {};
  bool points = false;            ///< Dots instead of lines.
  std::vector<Points> dots = {};  ///< Below the curves, 2 × m each.
  Points outline = {};            ///< A dashed line above them, 2 × m: what the curves should be.
  bool equal_units = false;       ///< One unit is as long on both axes.
  bool log_x = false;             ///< Decades on the x axis; what is not positive there is left out.
  bool from_zero = false;         ///< Both axes begin at 0, where nothing is below.
  Range shaded = {0, 0};          ///< Part of the x axis that is shaded from below to above; empty: none.
  std::string shaded_label = {};
};
/// Curves or points in the plane (each 2 × m), the axes as long as they need; what is not finite is left out.
/// \throws pathline::ArgumentError when nothing is left.
void graph(const std::filesystem::path& png, const std::vector<Points>& curves, const GraphOptions& options);

/// Curves over a logarithmic axis; the other is logarithmic where its numbers spread over more than a factor of 8.
struct LogGraph {
  std::string title = {}, x_label = {}, y_label = {};
  std::vector<Points> curves = {};  ///< 2 × m each, positive numbers.
  Points outline = {};              ///< A dashed line above them: what the curves should be.
};
/// Graphs beside each other, each with its own axes and legend; curves of the same place have the same colour.
void log_graphs(const std::filesystem::path& png, const std::vector<LogGraph>& row, const Style& style);

/// One square of a sheet: whatever of these is not empty, in this order from below.
struct Panel {
  Eigen::MatrixXd density = {};              ///< Rows × columns of cells that fill the sheet's ranges.
  std::vector<Eigen::MatrixXd> states = {};  ///< Paths as in trajectories(), 2 × n each, coloured by time.
  Eigen::MatrixXd points = {};               ///< 2 × n.
  bool learned = false;                      ///< Whether the points are of a model; they have its colour then.
  Points outline = {};                       ///< A dashed line, 2 × m: what the curves should be.
  std::vector<Points> curves = {};           ///< Lines, 2 × m each, in the colours of graph().
  std::vector<Points> discs = {};            ///< 2 × n each: the first kind golden, the next as the curves.
  std::string note = {};                     ///< In the upper left corner.
};
struct SheetOptions {
  Style style = {};                               ///< Width and height of one panel.
  Range x = {}, y = {};                           ///< Of every panel.
  std::vector<std::string> columns = {};          ///< What stands above the columns,
  std::vector<std::string> rows = {};             ///< and left of the rows.
  std::string x_label = {}, y_label = {};         ///< Names of the axes; with them numbers stand at the outer panels.
  std::string first_color = {}, last_color = {};  ///< What the two ends of a path's colours stand for.
  double disc_size = 2.2;                         ///< Of the first kind of discs.
  bool black_outlines = false;                    ///< Where grey ones would be lost among the curves.
};
/// Small panels, row by row, as papers show their toys. The labels of the first panel's outline, curves and discs make
/// the legend of all.
void sheet(const std::filesystem::path& png, const std::vector<std::vector<Panel>>& rows, const SheetOptions& options);

}  // namespace examples::plot
