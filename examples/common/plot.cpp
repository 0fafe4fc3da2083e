/// \file
/// The gnuplot scripts behind plot.hpp.
#include <examples/common/plot.hpp>

#include <pathline/core/errors.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <numbers>
#include <utility>

namespace examples::plot {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;

// Colours that stay apart for the colour-blind and in grey: data blue, what is learned orange, levels grey and green.
constexpr const char* data_color = "#2c6fa6";
constexpr const char* model_color = "#d95f02";
constexpr std::array<const char*, 5> line_colors{"#2c6fa6", "#d95f02", "#7a7a7a", "#1b9e77", "#7b3294"};

/// Viridis at eleven equal steps (Smith & van der Walt, 2015, released under CC0): perceptually uniform.
constexpr const char* viridis =
    "set palette defined (0 '#440154', 1 '#482475', 2 '#414487', 3 '#355f8d', 4 '#2a788e', 5 '#21918c', "
    "6 '#22a884', 7 '#44bf70', 8 '#7ad151', 9 '#bddf26', 10 '#fde725')\n";

/// Digits of what has a place on an axis: times in seconds of today differ in the seventh.
constexpr int place_digits = 12;

[[nodiscard]] std::string number(double value, int digits = 6) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

/// A string of gnuplot: single quotes are doubled, and nothing else is special within them.
[[nodiscard]] std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result += '\'';
    result += c == '\n' || c == '\r' ? ' ' : c;
  }
  return result + "'";
}

[[nodiscard]] std::string bracket(const Range& range) {
  return "[" + number(range.low, place_digits) + ":" + number(range.high, place_digits) + "]";
}

/// Four tics at most where their numbers are long, as those of times in seconds, which else run into each other.
[[nodiscard]] std::string long_tics(const Range& range) {
  const double length = range.high - range.low, largest = std::max(std::abs(range.low), std::abs(range.high));
  if (largest < 1e5 || length > 0.1 * largest) return "set xtics autofreq";
  const double decade = std::pow(10, std::floor(std::log10(length / 4)));
  for (const double step : {1, 2, 5})
    if (step * decade >= length / 4) return "set xtics " + number(step * decade);
  return "set xtics " + number(10 * decade);
}

/// At most four numbers on an axis of a small panel, none so close to its ends that it reaches into the next panel.
[[nodiscard]] std::string few_tics(const std::string& axis, const Range& range) {
  const double length = range.high - range.low, decade = std::pow(10, std::floor(std::log10(length / 4)));
  double step = 10 * decade;
  for (const double nice : {5, 2, 1})
    if (nice * decade >= length / 4) step = nice * decade;
  std::string places;
  for (double at = std::ceil((range.low + 0.04 * length) / step); at * step <= range.high - 0.1 * length; ++at)
    places += (places.empty() ? "" : ", ") + number(at * step, place_digits);
  return "set " + axis + " (" + places + ")";
}

/// A gnuplot script under construction. Data go into named blocks, so that the file can be run again as it is.
class Script {
 public:
  Script(const std::filesystem::path& png, const Style& style) : png_(png) {
    text_ = "# Draws " + png.filename().string() + ": gnuplot " + png.stem().string() + ".gp\n";
    line("set encoding utf8");
    line("set terminal pngcairo noenhanced size " + std::to_string(style.width) + "," + std::to_string(style.height) +
         " font 'DejaVu Sans,14' background '#ffffff' linewidth 1.3");
    line("set output " + quoted(png.filename().string()));
    line("set border 3 linecolor '#555555' linewidth 1");
    line("set tics nomirror out textcolor '#333333'");
    line("set format '%.10g'");  // gnuplot's own format keeps a place for the sign, and so shifts what has none
    line("set grid linecolor '#e3e3e3' linewidth 0.8 linetype 1");
    line("set key textcolor '#222222' reverse Left samplen 2 width 1");
  }

  Script& line(const std::string& command) {
    text_ += command + "\n";
    return *this;
  }
  Script& title(const std::string& text) {
    return line("set title " + quoted(text) + " font 'DejaVu Sans,18' textcolor '#222222' offset 0,0.4");
  }
  Script& axes(const std::string& x, const std::string& y) {
    return line("set xlabel " + quoted(x) + " textcolor '#222222'")
        .line("set ylabel " + quoted(y) + " textcolor '#222222'");
  }

  /// One row of the block per column of the matrix. \return the block's name.
  std::string points(const MatrixXd& positions) {
    const std::string name = open();
    for (Index j = 0; j < positions.cols(); ++j) row(positions.col(j));
    return close(name);
  }
  /// The matrix row by row, for `plot ... matrix`.
  std::string matrix(const MatrixXd& values) {
    const std::string name = open();
    for (Index i = 0; i < values.rows(); ++i) row(values.row(i), 5);
    return close(name);
  }
  /// Curves in one block, separated by a blank line.
  std::string curves(const std::vector<MatrixXd>& all) {
    const std::string name = open();
    for (const MatrixXd& curve : all) {
      for (Index j = 0; j < curve.cols(); ++j) row(curve.col(j));
      text_ += "\n";
    }
    return close(name);
  }

  /// Writes the script beside the picture and, where gnuplot is there, the picture.
  void draw() const;

 private:
  std::string open() {
    std::string name = "$data" + std::to_string(blocks_++);
    text_ += name + " << EOD\n";
    return name;
  }
  std::string close(std::string name) {
    text_ += "EOD\n";
    return name;
  }
  template <class Derived>
  void row(const Eigen::MatrixBase<Derived>& values, int digits = place_digits) {
    for (Index i = 0; i < values.size(); ++i) {
      if (i > 0) text_ += ' ';
      text_ += number(values(i), digits);
    }
    text_ += '\n';
  }

  std::filesystem::path png_;
  std::string text_;
  int blocks_ = 0;
};

void Script::draw() const {
  std::filesystem::path script = png_;
  script.replace_extension(".gp");
  std::ofstream file(script);
  file << text_;
  file.close();
  if (!file) throw pathline::FileError("plot: cannot write " + script.string() + "; is its folder there and writable?");
  if (!gnuplot_available()) return;

  // A gnuplot that dies early must be an error here, not a signal that ends the program.
  const auto previous = std::signal(SIGPIPE, SIG_IGN);
  std::FILE* const pipe = popen("gnuplot", "w");
  int status = -1;
  if (pipe != nullptr) {
    // The script names its picture without a folder; the pipe goes there first.
    const std::filesystem::path folder = png_.has_parent_path() ? png_.parent_path() : ".";
    const std::string all = "cd " + quoted(folder.string()) + "\n" + text_ + "unset output\n";
    std::fwrite(all.data(), 1, all.size(), pipe);
    status = pclose(pipe);
  }
  std::signal(SIGPIPE, previous);
  if (status != 0)
    throw pathline::FileError("plot: gnuplot could not draw " + png_.string() + "; run `gnuplot " + script.string() +
                              "` to see why");
}

/// Counts of equal bins as (centre, density), so that the bars have area 1.
[[nodiscard]] MatrixXd histogram(const Eigen::Ref<const Eigen::RowVectorXd>& values, const Range& range, Index bins) {
  MatrixXd result = MatrixXd::Zero(2, bins);
  const double width = (range.high - range.low) / double(bins);
  for (Index b = 0; b < bins; ++b) result(0, b) = range.low + (double(b) + 0.5) * width;
  for (Index j = 0; j < values.size(); ++j) {
    const double place = (values(j) - range.low) / width;
    if (place >= 0 && place < double(bins)) result(1, Index(place)) += 1 / (width * double(values.size()));
  }
  return result;
}

/// As many bins as a histogram of n values bears (Rice's rule), and not more than can be drawn.
[[nodiscard]] Index bin_count(Index values) {
  return std::clamp(Index(std::lround(2 * std::cbrt(double(values)))), Index(8), Index(60));
}

[[nodiscard]] MatrixXd circle(double radius) {
  constexpr Index points = 121;
  MatrixXd result(2, points);
  for (Index j = 0; j < points; ++j) {
    const double angle = 2 * std::numbers::pi * double(j) / double(points - 1);
    result.col(j) << radius * std::cos(angle), radius * std::sin(angle);
  }
  return result;
}

/// Points grow smaller and more transparent as they become many.
[[nodiscard]] std::string point_size(Index count, double scale = 1) {
  return number(scale * std::clamp(14 / std::sqrt(double(std::max(count, Index(1)))), 0.35, 1.0), 3);
}

[[nodiscard]] std::string translucent(const char* color, Index count) {
  const int alpha = std::clamp(int(std::lround(25 * std::log10(double(std::max(count, Index(10))) / 10))), 0x30, 0xa0);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "'#%02x%s'", unsigned(alpha), color + 1);
  return text.data();
}

/// Widens the shorter range, so that equal units on both axes leave the frame full. \param aspect  Its width / height.
void widen(Range& x, Range& y, double aspect) {
  const double grow_x = aspect * (y.high - y.low) - (x.high - x.low);
  const double grow_y = (x.high - x.low) / aspect - (y.high - y.low);
  if (grow_x > 0) x = {x.low - grow_x / 2, x.high + grow_x / 2};
  if (grow_y > 0) y = {y.low - grow_y / 2, y.high + grow_y / 2};
}

[[nodiscard]] std::string name_of(const std::vector<std::string>& names, Index i) {
  return i < Index(names.size()) ? names[std::size_t(i)] : "column " + std::to_string(i + 1);
}

[[nodiscard]] MatrixXd finite_columns(const MatrixXd& points) {
  MatrixXd result(points.rows(), points.cols());
  Index kept = 0;
  for (Index j = 0; j < points.cols(); ++j)
    if (points.col(j).allFinite()) result.col(kept++) = points.col(j);
  result.conservativeResize(Eigen::NoChange, kept);
  return result;
}

}  // namespace

bool gnuplot_available() {
  static const bool available =
      std::system("gnuplot -e 'set terminal pngcairo' > /dev/null 2> /dev/null") == 0;  // NOLINT: a fixed command
  return available;
}

std::string gnuplot_advice() {
  return "gnuplot with its pngcairo terminal is missing: `apt-get install gnuplot-nox` (Debian, Ubuntu), `brew install "
         "gnuplot` (macOS), then draw each picture by `gnuplot NAME.gp`";
}

Range range_of(const Eigen::Ref<const MatrixXd>& values, double margin) {
  if (values.size() == 0) return {};
  const double low = values.minCoeff(), high = values.maxCoeff();
  const double length = high > low ? high - low : 1;
  return {low - margin * length, high + margin * length};
}

void density_map(const std::filesystem::path& png, const MatrixXd& density, const std::vector<Points>& data,
                 const DensityOptions& options) {
  Script script(png, options.style);
  script.title(options.style.title).axes(options.x_label, options.y_label);
  script.line(viridis).line("unset grid").line("set border 15");
  script.line("set cblabel " + quoted(options.color_label) + " textcolor '#222222'").line("set cbrange [0:*]");
  script.line("set colorbox user origin 0.852,0.105 size 0.022,0.805").line("set cbtics out");
  script.line("set lmargin at screen 0.095").line("set rmargin at screen 0.835");
  script.line("set bmargin at screen 0.105").line("set tmargin at screen 0.91");
  script.line("set xrange " + bracket(options.x)).line("set yrange " + bracket(options.y));
  script.line("set key inside top left textcolor '#ffffff' samplen 1 spacing 1.1");
  const double dx = (options.x.high - options.x.low) / double(density.cols());
  const double dy = (options.y.high - options.y.low) / double(density.rows());
  // Lines of equal density at shares of the greatest: the tails do not show in a linear palette.
  const std::string grid = script.matrix(density);
  const std::string place = " matrix using (" + number(options.x.low, 12) + " + ($1 + 0.5) * " + number(dx, 12) +
                            "):(" + number(options.y.low, 12) + " + ($2 + 0.5) * " + number(dy, 12) + "):3";
  const double peak = density.maxCoeff();
  script.line("set contour base").line("unset surface").line("set cntrparam bspline points 6");
  std::string levels;
  for (const double share : {0.02, 0.1, 0.3, 0.6}) levels += (levels.empty() ? "" : ", ") + number(share * peak);
  script.line("set cntrparam levels discrete " + levels).line("set table $contours");
  script.line("splot " + grid + place).line("unset table").line("unset contour").line("set surface");
  std::string command = "plot " + grid + place + " with image notitle, $contours using 1:2 with lines linewidth 0.8 " +
                        "linecolor '#70ffffff' notitle";
  const std::array<std::string, 2> looks{"pointtype 7 linecolor '#ffffff'", "pointtype 7 linecolor '#ff8c42'"};
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i].positions.cols() == 0) continue;
    const std::string block = script.points(data[i].positions.topRows(2));
    const double scale = 0.9 * std::stod(point_size(data[i].positions.cols()));
    // A dark rim keeps a point visible on the bright end of the palette.
    command += ", " + block + " using 1:2 with points pointtype 7 linecolor '#101010' pointsize " +
               number(scale + 0.22, 3) + " notitle";
    command += ", " + block + " using 1:2 with points " + looks[std::min(i, std::size_t(1))] + " pointsize " +
               number(scale, 3) + " title " + quoted(data[i].label);
  }
  script.line(command).draw();
}

void density_curve(const std::filesystem::path& png, const std::vector<Points>& curves, const Points& data,
                   const CurveOptions& options) {
  Script script(png, options.style);
  script.title(options.style.title).axes(options.x_label, options.y_label);
  const Range range = range_of(data.positions, 0);
  const MatrixXd counts = histogram(data.positions.row(0), {range.low, range.high + 1e-9 * (range.high - range.low)},
                                    2 * bin_count(data.positions.cols()));
  Range x = range;
  double peak = counts.row(1).maxCoeff();
  for (const Points& curve : curves) {
    x = {std::min(x.low, curve.positions.row(0).minCoeff()), std::max(x.high, curve.positions.row(0).maxCoeff())};
    peak = std::max(peak, curve.positions.row(1).maxCoeff());
  }
  script.line("set xrange " + bracket(x)).line("set yrange " + bracket({0, 1.12 * peak}));
  const std::string bars = script.points(counts);
  script.line("set boxwidth 1 relative");
  script.line("set key inside top right");
  std::string command = "plot " + bars + " using 1:2 with boxes fillstyle solid 0.35 border rgb '#ffffff' linecolor '" +
                        data_color + "' title " + quoted(data.label);
  for (std::size_t i = 0; i < curves.size(); ++i)
    command += ", " + script.points(curves[i].positions) + " using 1:2 with lines linewidth " +
               (i == 0 ? "2.5" : "1.5 dashtype '-'") + " linecolor '" + line_colors[std::min(i + 1, std::size_t(3))] +
               "' title " + quoted(curves[i].label);
  script.line(command).draw();
}

void trajectories(const std::filesystem::path& png, const std::vector<MatrixXd>& states,
                  const std::vector<double>& times, const TrajectoryOptions& options) {
  if (states.empty() || states.size() != times.size())
    throw pathline::ArgumentError("plot::trajectories: number of states", std::to_string(states.size()),
                                  "the number of times, " + std::to_string(times.size()));
  const Index samples = states.front().cols(), rows = states.front().rows();
  const Index steps = Index(states.size());
  std::vector<MatrixXd> paths(std::size_t(samples), MatrixXd(3, steps));
  for (Index j = 0; j < samples; ++j)
    for (Index k = 0; k < steps; ++k) {
      const MatrixXd& state = states[std::size_t(k)];
      const double time = times[std::size_t(k)];
      paths[std::size_t(j)].col(k) << (rows > 1 ? state(0, j) : time), (rows > 1 ? state(1, j) : state(0, j)), time;
    }
  MatrixXd first(2, samples), last(2, samples);
  for (Index j = 0; j < samples; ++j) {
    first.col(j) = paths[std::size_t(j)].col(0).head(2);
    last.col(j) = paths[std::size_t(j)].col(steps - 1).head(2);
  }

  Script script(png, options.style);
  script.title(options.style.title).line(viridis);
  script.line("set cbrange " + bracket({times.front(), times.back()}));
  script.line("set cblabel 'time t' textcolor '#222222'").line("set cbtics out");
  script.line("set bmargin 5.5").line("set key at graph 0.5, screen 0.035 center horizontal samplen 2");
  const std::string curves = script.curves(paths), start = script.points(first), end = script.points(last);
  std::string command = "plot ";
  if (rows > 1) {
    script.axes(name_of(options.names, 0), name_of(options.names, 1)).line("set size ratio -1");
    MatrixXd all(2, 2 * samples + 2);
    all << first, last, Eigen::Vector2d::Constant(-3.2), Eigen::Vector2d::Constant(3.2);
    Range x = range_of(all.row(0), 0.04), y = range_of(all.row(1), 0.04);
    widen(x, y, 1.28);  // a frame of 4 : 3
    script.line("set xrange " + bracket(x)).line("set yrange " + bracket(y));
    const std::string rings = script.curves({circle(1), circle(2), circle(3)});
    command += rings + " using 1:2 with lines dashtype '-' linecolor '#9a9a9a' title 'base: 1, 2, 3 deviations', ";
  } else {
    script.axes("time t", name_of(options.names, 0))
        .line("set xrange [" + number(times.front() - 0.02) + ":" + number(times.back() + 0.02) + "]");
  }
  command +=
      curves + " using 1:2:3 with lines linewidth 1.1 linecolor palette notitle, " + start +
      " using 1:2 with points pointtype 7 pointsize 0.85 linecolor '#440154' title 'data, t = " +
      number(times.front()) + "', " + end +
      " using 1:2 with points pointtype 7 pointsize 1.1 linecolor '#b59d00' notitle, " + end +
      " using 1:2 with points pointtype 7 pointsize 0.85 linecolor '#fde725' title 'base, t = " + number(times.back()) +
      "'";
  script.line(command).draw();
}

void side_by_side(const std::filesystem::path& png, const Points& data, const Points& samples,
                  const SamplesOptions& options) {
  Script script(png, options.style);
  const bool plane = data.positions.rows() > 1;
  script.line("set multiplot layout 1,2 title " + quoted(options.style.title) +
              " font 'DejaVu Sans,18' offset 0,-0.3 margins 0.075,0.98,0.11,0.86 spacing 0.075,0.1");
  script.line("unset key");
  MatrixXd both(data.positions.rows(), data.positions.cols() + samples.positions.cols());
  both << data.positions, samples.positions;
  Range x = range_of(both.row(0), 0.04), y = plane ? range_of(both.row(1), 0.04) : Range{};
  if (plane && options.equal_units) widen(x, y, 0.415 * options.style.width / (0.75 * options.style.height));
  const std::array<const Points*, 2> panels{&data, &samples};
  const std::array<const char*, 2> colors{data_color, model_color};
  std::array<MatrixXd, 2> bars;
  if (!plane) {
    const Index bins = bin_count(data.positions.cols());
    for (std::size_t i = 0; i < 2; ++i) bars[i] = histogram(panels[i]->positions.row(0), x, bins);
  }
  script.line("set xrange " + bracket(x)).line(long_tics(x));
  script.line("set yrange " +
              bracket(plane ? y : Range{0, 1.08 * std::max(bars[0].row(1).maxCoeff(), bars[1].row(1).maxCoeff())}));
  for (std::size_t i = 0; i < 2; ++i) {
    script.line("set title " + quoted(panels[i]->label) + " font 'DejaVu Sans,15' textcolor '#222222' offset 0,-0.3");
    script.axes(name_of(options.names, 0), plane ? name_of(options.names, 1) : "density");
    if (plane) {
      const std::string block = script.points(panels[i]->positions.topRows(2));
      script.line("plot " + block + " using 1:2 with points pointtype 7 pointsize " +
                  point_size(panels[i]->positions.cols(), 1.2) + " linecolor rgb " +
                  translucent(colors[i], panels[i]->positions.cols()));
    } else {
      script.line("set boxwidth 1 relative");
      script.line("plot " + script.points(bars[i]) +
                  " using 1:2 with boxes fillstyle solid 0.6 border rgb '#ffffff' linecolor '" + colors[i] + "'");
    }
  }
  script.line("unset multiplot").draw();
}

void pairs(const std::filesystem::path& png, const Points& data, const Points& samples, const SamplesOptions& options) {
  const Index shown = std::min(data.positions.rows(), most_paired);
  const std::string side = std::to_string(shown);
  Script script(png, options.style);
  script.line("set multiplot layout " + side + "," + side + " title " + quoted(options.style.title) +
              " font 'DejaVu Sans,18' offset 0,-0.3 margins 0.085,0.985,0.085,0.92 spacing 0.014,0.018");
  script.line("unset key").line("set border 15").line("set boxwidth 1 relative").line("unset grid");
  script.line("set tics font 'DejaVu Sans,10' scale 0.5");
  const std::array<const Points*, 2> sets{&data, &samples};
  const std::array<const char*, 2> colors{data_color, model_color};
  const std::array<std::string, 2> blocks{script.points(data.positions.topRows(shown)),
                                          script.points(samples.positions.topRows(shown))};
  std::vector<Range> ranges;
  for (Index i = 0; i < shown; ++i) ranges.push_back(range_of(data.positions.row(i), 0.08));
  for (Index i = 0; i < shown; ++i)
    for (Index j = 0; j < shown; ++j) {
      const bool bottom = i == shown - 1, left = j == 0;
      const Range& x = ranges[std::size_t(j)];
      // Not by xlabel and ylabel, whose places depend on the length of the numbers between.
      const std::string below = "set label 1 " + quoted(name_of(options.names, j)) + " at graph 0.5, screen 0.018";
      const std::string beside = "set label 2 " + quoted(name_of(options.names, i)) + " at screen 0.015, graph 0.5";
      script.line(bottom ? below + " center textcolor '#222222'" : "unset label 1");
      script.line(left ? beside + " center rotate by 90 textcolor '#222222'" : "unset label 2");
      script.line("set xrange " + bracket(x)).line(few_tics("xtics", x));
      script.line(bottom ? "set format x '%.10g'" : "set format x ''");
      if (i == j) {
        const Index bins = 2 * bin_count(data.positions.cols());
        const MatrixXd bars = histogram(data.positions.row(i), x, bins);
        const MatrixXd steps = histogram(samples.positions.row(i), x, bins);
        // The axis of a diagonal panel is a density: its numbers would be read as those of the panels beside it.
        script.line("unset ytics");
        script.line("set yrange " + bracket({0, 1.1 * std::max(bars.row(1).maxCoeff(), steps.row(1).maxCoeff())}));
        const std::string first = script.points(bars), second = script.points(steps);
        script.line("plot " + first + " using 1:2 with boxes fillstyle solid 0.45 noborder linecolor '" + data_color +
                    "', " + second + " using 1:2 with histeps linewidth 1.6 linecolor '" + model_color + "'");
      } else {
        const std::size_t which = j > i ? 1 : 0;  // data below the diagonal, samples above
        const Index count = sets[which]->positions.cols();
        script.line("set ytics nomirror out scale 0.5 font 'DejaVu Sans,10'")
            .line(few_tics("ytics", ranges[std::size_t(i)]))
            .line(left ? "set format y '%.10g'" : "set format y ''");
        script.line("set yrange " + bracket(ranges[std::size_t(i)]));
        script.line("plot " + blocks[which] + " using " + std::to_string(j + 1) + ":" + std::to_string(i + 1) +
                    " with points pointtype 7 pointsize " + point_size(count, 0.8) + " linecolor rgb " +
                    translucent(colors[which], count));
      }
    }
  script.line("unset multiplot").draw();
}

void image_sheets(const std::filesystem::path& png, const std::vector<ImageSheet>& all,
                  const ImageSheetOptions& options) {
  if (all.empty() || all.front().images.empty() || options.columns < 1)
    throw pathline::ArgumentError("plot::image_sheets: images", "none", "at least one, in at least one column");
  const Index h = all.front().images.front().rows(), w = all.front().images.front().cols();
  const Index columns = options.columns, rows = (Index(all.front().images.size()) + columns - 1) / columns;
  const Index width = columns * (w + 1) - 1, between = w / 2 + 1;  // of a sheet, with a cell of paper between images
  // Paper between the images is a shade of its own below the ink, because gnuplot warns of missing cells.
  const double step = (options.ink.high - options.ink.low) / 10;
  MatrixXd cells =
      MatrixXd::Constant(rows * (h + 1) - 1, Index(all.size()) * (width + between) - between, options.ink.low - step);
  Script script(png, options.style);
  script.title(options.style.title).line("unset grid").line("unset border").line("unset key").line("unset colorbox");
  script.line("set palette defined (0 '#ffffff', 0.5 '#ffffff', 0.5 '#f0f0ec', 1 '#f0f0ec', 11 '#111111')");
  script.line("set cbrange " + bracket({options.ink.low - step, options.ink.high}));
  script.line("set size ratio -1").line("unset xtics").line("set lmargin 5");
  for (std::size_t s = 0; s < all.size(); ++s) {
    const Index left = Index(s) * (width + between);
    for (std::size_t k = 0; k < all[s].images.size(); ++k) {
      const MatrixXd& image = all[s].images[k];
      pathline::require_rows("plot::image_sheets: image", image.rows(), h);
      pathline::require_columns("plot::image_sheets: image", image.cols(), w);
      const Index row = Index(k) / columns, column = Index(k) % columns;
      if (row < rows) cells.block(row * (h + 1), left + column * (w + 1), h, w) = image;
    }
    script.line("set label " + std::to_string(s + 1) + " " + quoted(all[s].label) + " at first " +
                number(double(left) + 0.5 * double(width - 1)) + ", graph 1 center offset 0,0.7 textcolor '#222222'");
  }
  std::string tics;
  for (Index row = 0; row < std::min(rows, Index(options.row_labels.size())); ++row)
    tics += (row == 0 ? "" : ", ") + quoted(options.row_labels[std::size_t(row)]) + " " +
            number(double(row * (h + 1)) + 0.5 * double(h - 1));
  script.line("set ytics scale 0 (" + tics + ")");
  script.line("set xrange [-0.5:" + number(double(cells.cols()) - 0.5) + "]");
  script.line("set yrange [" + number(double(cells.rows()) - 0.5) + ":-0.5]");
  script.line("plot " + script.matrix(cells) + " matrix with image").draw();
}

void losses(const std::filesystem::path& png, const std::vector<Points>& curves, const LossOptions& options) {
  Script script(png, options.style);
  script.title(options.style.title).axes(options.x_label, options.y_label);
  // The first epochs may lie far above all that matters: the frame shows the lower nine tenths and all levels.
  std::vector<double> values;
  double low = std::numeric_limits<double>::infinity(), high = -low, last = 1;
  std::vector<MatrixXd> kept;
  for (const Points& curve : curves) {
    kept.push_back(finite_columns(curve.positions));
    for (Index j = 0; j < kept.back().cols(); ++j) values.push_back(kept.back()(1, j));
    if (kept.back().cols() > 0) last = std::max(last, kept.back().row(0).maxCoeff());
  }
  if (!values.empty()) {
    std::sort(values.begin(), values.end());
    low = values.front();
    high = values[std::size_t(0.95 * double(values.size() - 1))];
  }
  for (const Level& level : options.levels) {
    if (!std::isfinite(level.value)) continue;
    low = std::min(low, level.value);
    high = std::max(high, level.value);
  }
  if (!(high >= low)) low = 0, high = 1;
  const double margin = 0.06 * std::max(high - low, 1e-3);
  script.line("set yrange " + bracket({low - margin, high + margin})).line("set xrange [0:" + number(last) + "]");
  script.line("set bmargin 7").line("set key at graph 0.5, screen 0.05 center horizontal maxrows 2");
  std::string command = "plot ";
  if (options.best_epoch > 0) {
    script.line("set arrow 1 from " + number(options.best_epoch) + ", graph 0 to " + number(options.best_epoch) +
                ", graph 1 nohead dashtype '-' linecolor '#999999'");
    script.line("set label 1 ' best epoch' at " + number(options.best_epoch) + ", graph 0.03 " +
                (options.best_epoch > 0.8 * last ? "right offset -1,0" : "left") + " textcolor '#555555'");
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].cols() == 0) continue;
    command += (command.back() == ' ' ? "" : ", ") + script.points(kept[i]) +
               " using 1:2 with lines linewidth 2 linecolor '" + line_colors[i % line_colors.size()] + "' title " +
               quoted(curves[i].label);
  }
  for (std::size_t i = 0; i < options.levels.size(); ++i) {
    if (!std::isfinite(options.levels[i].value)) continue;
    command += (command.back() == ' ' ? "" : ", ") + number(options.levels[i].value, 8) +
               " with lines linewidth 1.6 dashtype '-' linecolor '" +
               line_colors[(kept.size() + i) % line_colors.size()] + "' title " + quoted(options.levels[i].label);
  }
  script.line(command).draw();
}

void graph(const std::filesystem::path& png, const std::vector<Points>& curves, const GraphOptions& options) {
  Script script(png, options.style);
  script.title(options.style.title).axes(options.x_label, options.y_label);
  MatrixXd all(2, 0);
  std::string command = "plot ";
  const auto add = [&](const Points& some, const std::string& look) {
    MatrixXd kept = some.positions;
    if (options.log_x)
      for (Index j = 0; j < kept.cols(); ++j)
        if (!(kept(0, j) > 0)) kept(0, j) = std::nan("");
    kept = finite_columns(kept);
    if (kept.cols() == 0) return;
    all.conservativeResize(2, all.cols() + kept.cols());
    all.rightCols(kept.cols()) = kept;
    command += (command.back() == ' ' ? "" : ", ") + script.points(kept) + " using 1:2 with " + look + " title " +
               quoted(some.label);
  };
  const auto points = [](const Points& some, const std::string& color) {
    return "points pointtype 7 pointsize " + point_size(some.positions.cols()) + " linecolor '" + color + "'";
  };
  // A few points are seen over the curves, many leave the curves to be seen.
  const auto few = [](const Points& some) { return some.positions.cols() <= 30; };
  for (const Points& some : options.dots)
    if (!few(some)) add(some, points(some, "#b0b0b0"));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const std::string color = line_colors[i % line_colors.size()];
    add(curves[i], options.points ? points(curves[i], color) : "lines linewidth 2 linecolor '" + color + "'");
  }
  add(options.outline, "lines linewidth 1.5 dashtype '-' linecolor '#222222'");
  for (const Points& some : options.dots)
    if (few(some)) add(some, "points pointtype 7 pointsize 1.4 linecolor '#606060'");
  if (all.cols() == 0) throw pathline::ArgumentError("graph: number of finite points", "0", "at least 1");
  Range x = range_of(all.row(0), options.points && !options.log_x ? 0.03 : 0), y = range_of(all.row(1), 0.05);
  if (options.from_zero)
    for (Range* const range : {&x, &y}) range->low = std::min(range->low, 0.0);
  script.line("set xrange " + bracket(x)).line("set yrange " + bracket(y));
  if (options.log_x) script.line("set logscale x").line("set format x '1e%T'");
  if (options.shaded.low < options.shaded.high) {
    script.line("set object rectangle from first " + number(options.shaded.low, place_digits) + ", graph 0 to first " +
                number(options.shaded.high, place_digits) + ", graph 1 behind fillcolor '#eef3e6' linewidth 0");
    command += ", keyentry with boxes fillstyle solid linecolor '#eef3e6' title " + quoted(options.shaded_label);
  }
  if (options.equal_units) script.line("set size ratio -1");
  const bool legend = std::any_of(curves.begin(), curves.end(), [](const Points& one) { return !one.label.empty(); });
  if (legend)
    script.line("set bmargin 7").line("set key at graph 0.5, screen 0.05 center horizontal maxrows 2");
  else
    script.line("unset key");
  script.line(command).draw();
}

void log_graphs(const std::filesystem::path& png, const std::vector<LogGraph>& row, const Style& style) {
  constexpr std::array<const char*, 7> colors{"#2c6fa6", "#7fb2d9", "#d95f02", "#e6ab02",
                                              "#1b9e77", "#7b3294", "#7a7a7a"};
  Script script(png, style);
  script.line("set multiplot layout 1," + std::to_string(row.size()) +
              " margins 0.055,0.985,0.345,0.84 spacing 0.08,0 " + "title " + quoted(style.title) +
              " font 'DejaVu Sans,18' offset 0,-0.6");
  script.line("set logscale x 4").line("set format '%g'").line("set autoscale noextend");
  script.line("set key at graph 0.5, graph -0.28 center top vertical maxrows 4");
  for (const LogGraph& graph : row) {
    script.title(graph.title).axes(graph.x_label, graph.y_label);
    double low = std::numeric_limits<double>::infinity(), high = 0;
    std::string command;
    const auto add = [&](const Points& some, const std::string& look) {
      if (some.positions.cols() == 0) return;
      low = std::min(low, some.positions.row(1).minCoeff());
      high = std::max(high, some.positions.row(1).maxCoeff());
      command += (command.empty() ? "plot " : ", ") + script.points(some.positions) + " using 1:2 with " + look +
                 " title " + quoted(some.label);
    };
    for (std::size_t i = 0; i < graph.curves.size(); ++i)
      add(graph.curves[i], "linespoints pointtype 7 pointsize 0.8 linewidth 2 linecolor '" +
                               std::string(colors[i % colors.size()]) + "'");
    add(graph.outline, "lines linewidth 1.5 dashtype '-' linecolor '#222222'");
    // Numbers at factors of ten or two; an axis on which there would be two of them is not logarithmic.
    script.line(high < 8 * low ? "unset logscale y" : high < 100 * low ? "set logscale y 2" : "set logscale y 10");
    const std::string below = high < 8 * low ? "0" : "0.05";
    script.line(high < 8 * low ? "set yrange [0:*]" : "set yrange [*:*]");
    script.line("set offsets graph 0, graph 0, graph 0.05, graph " + below);
    script.line(command);
  }
  script.line("unset multiplot").draw();
}

void sheet(const std::filesystem::path& png, const std::vector<std::vector<Panel>>& rows, const SheetOptions& options) {
  std::size_t columns = 1;
  bool legend = false;
  for (const auto& row : rows) {
    columns = std::max(columns, row.size());
    for (const Panel& panel : row) legend = legend || !panel.curves.empty() || !panel.discs.empty();
  }
  const bool axes = !options.x_label.empty() || !options.y_label.empty(), colors = !options.first_color.empty();
  constexpr int title = 40, strip = 52;  // pixels, as all here; a strip below the panels for each of three things
  const int gap = axes ? 24 : 10, left = (options.rows.empty() ? 12 : 56) + (axes ? 92 : 0);
  const int top = options.columns.empty() ? 12 : 56, bottom = strip * (int(axes) + int(colors) + int(legend));
  const int width = options.style.width, height = options.style.height;
  const int page_width = left + int(columns) * (width + gap),
            page_height = title + top + int(rows.size()) * (height + gap) + bottom;
  Script script(png, {.title = {}, .width = page_width, .height = page_height});
  const auto across = [&](double pixels) { return number(pixels / page_width); };
  const auto up = [&](double pixels) { return number(1 - pixels / page_height); };  // counted from above
  const auto label = [&](const std::string& text, const std::string& x, const std::string& y, const std::string& more) {
    return "set label " + quoted(text) + " at screen " + x + ", screen " + y + " center textcolor '#222222' " + more;
  };
  script.line("set multiplot").line("unset tics").line("unset grid").line("unset colorbox");
  script.line("set border 15 linecolor '#999999'").line(viridis);
  script.line("set xrange " + bracket(options.x)).line("set yrange " + bracket(options.y));
  script.line(label(options.style.title, "0.5", up(title * 0.6), "font 'DejaVu Sans,17'"));
  const auto middle = [&](std::size_t j) { return across(left + int(j) * (width + gap) + width / 2); };
  for (std::size_t j = 0; j < std::min(columns, options.columns.size()); ++j)
    script.line(label(options.columns[j], middle(j), up(title + top * 0.55), "font 'DejaVu Sans,15'"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string y = up(title + top + int(i) * (height + gap) + height / 2);
    if (i < options.rows.size())
      script.line(label(options.rows[i], across(28), y, "rotate by 90 font 'DejaVu Sans,15'"));
    if (axes) script.line(label(options.y_label, across(left - 76), y, "rotate by 90"));
  }
  const int below = page_height - bottom - gap;  // where the strips begin
  if (axes)
    for (std::size_t j = 0; j < columns; ++j) script.line(label(options.x_label, middle(j), up(below + 60), ""));
  if (colors) {
    // A box of its own, for gnuplot would draw one beside every panel.
    const int y = below + gap + strip * int(axes) + 14, half = 90;
    const std::string edge = across(page_width / 2.0 - half), other = across(page_width / 2.0 + half);
    script.line("set colorbox horizontal user origin " + edge + ", " + up(y + 14) + " size " + across(2 * half) + ", " +
                number(14.0 / page_height) + " front");
    script.line("set label " + quoted(options.first_color) + " at screen " + across(page_width / 2.0 - half - 10) +
                ", screen " + up(y + 7) + " right textcolor '#222222'");
    script.line("set label " + quoted(options.last_color) + " at screen " + across(page_width / 2.0 + half + 10) +
                ", screen " + up(y + 7) + " left textcolor '#222222'");
  }
  bool box_drawn = !colors;
  script.line("unset key");
  std::string keys;  // of the first panel
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      const Panel& panel = rows[i][j];
      const int x = left + int(j) * (width + gap), y = title + top + int(i) * (height + gap);
      script.line("set lmargin at screen " + across(x)).line("set rmargin at screen " + across(x + width));
      script.line("set tmargin at screen " + up(y)).line("set bmargin at screen " + up(y + height));
      const bool first = i == 0 && j == 0;
      std::vector<std::string> layers;
      const auto with_key = [&](const Points& of, const std::string& look) {
        if (first && !of.label.empty()) keys += ", keyentry" + look + " title " + quoted(of.label);
        layers.push_back(script.points(of.positions) + " using 1:2" + look + " notitle");
      };
      if (axes) {
        script.line(i + 1 == rows.size() ? "set xtics out nomirror textcolor '#333333'" : "unset xtics");
        script.line(j == 0 ? "set ytics out nomirror textcolor '#333333'" : "unset ytics");
      }
      if (panel.density.size() > 0) {
        const double dx = (options.x.high - options.x.low) / double(panel.density.cols());
        const double dy = (options.y.high - options.y.low) / double(panel.density.rows());
        script.line("set cbrange [0:" + number(panel.density.maxCoeff()) + "]");
        layers.push_back(script.matrix(panel.density) + " matrix using (" + number(options.x.low, 12) +
                         " + ($1 + 0.5) * " + number(dx, 12) + "):(" + number(options.y.low, 12) + " + ($2 + 0.5) * " +
                         number(dy, 12) + "):3 with image notitle");
      }
      if (!panel.states.empty()) {
        const Index steps = Index(panel.states.size()), samples = panel.states.front().cols();
        std::vector<MatrixXd> paths(std::size_t(samples), MatrixXd(3, steps));
        for (Index sample = 0; sample < samples; ++sample)
          for (Index k = 0; k < steps; ++k)
            paths[std::size_t(sample)].col(k) << panel.states[std::size_t(k)].col(sample).head(2),
                double(k) / double(std::max<Index>(steps - 1, 1));
        script.line("set cbrange [0:1]");
        layers.push_back(script.curves(paths) + " using 1:2:3 with lines linewidth 1 linecolor palette notitle");
        layers.push_back(script.points(panel.states.front()) +
                         " using 1:2 with points pointtype 7 pointsize 0.45 linecolor '#440154' notitle");
        layers.push_back(script.points(panel.states.back()) +
                         " using 1:2 with points pointtype 7 pointsize 0.45 linecolor '#fde725' notitle");
      }
      if (panel.points.cols() > 0)
        layers.push_back(script.points(panel.points) +
                         " using 1:2 with points pointtype 7 pointsize 0.25 linecolor rgb " +
                         translucent(panel.learned ? model_color : data_color, panel.points.cols()) + " notitle");
      if (panel.outline.positions.cols() > 0)
        with_key(panel.outline, options.black_outlines ? " with lines linewidth 2.5 dashtype '-' linecolor '#000000'"
                                                       : " with lines linewidth 1.2 dashtype '-' linecolor '#8a8a8a'");
      const auto color = [](std::size_t k) { return std::string("'") + line_colors[k % line_colors.size()] + "'"; };
      for (std::size_t k = 0; k < panel.curves.size(); ++k)
        with_key(panel.curves[k], " with lines linewidth 1.4 linecolor " + color(k));
      for (std::size_t k = 0; k < panel.discs.size(); ++k)
        with_key(panel.discs[k],
                 " with points pointtype 7 pointsize " +
                     (k == 0 ? number(options.disc_size) + " linecolor '#e6a817'" : "1.3 linecolor " + color(k - 1)));
      std::string command = "plot ";
      for (const std::string& layer : layers) command += (command.size() > 5 ? ", " : "") + layer;
      if (!panel.note.empty())
        script.line("set label 99 " + quoted(panel.note) + " at graph 0.03, graph 0.95 left textcolor '#222222'");
      script.line(layers.empty() ? "plot NaN notitle" : command);
      // What stands outside of the panels is drawn once.
      if (first) script.line("unset label");
      if (!panel.note.empty()) script.line("unset label 99");
      if (!box_drawn && !panel.states.empty()) box_drawn = true, script.line("unset colorbox");
    }
  if (!keys.empty()) {
    // A plot of nothing, as wide as the page: the key of a panel has no more room than the panel.
    script.line("unset border").line("unset xtics").line("unset ytics").line("set bmargin at screen 0");
    script.line("set lmargin at screen 0").line("set rmargin at screen 1");
    script.line("set tmargin at screen " + number(double(strip) / page_height));
    script.line("set key inside center center horizontal maxrows 1 width 0").line("plot NaN notitle" + keys);
  }
  script.line("unset multiplot").draw();
}

}  // namespace examples::plot
