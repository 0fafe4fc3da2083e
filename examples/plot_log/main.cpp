/// \file
/// Draws the log of a training run that `io::WriteLog` wrote, as CSV or as JSON lines, also while it is being written:
/// a last line that is not complete is left out.
///
/// The first picture shows the losses of training and validation over the epochs, with the best validation marked; the
/// second the learning rate, the norm of the gradient, field evaluations a solve and seconds of each epoch, as parts of
/// their largest. Without options it draws examples/data/moons_log.csv (examples/data/SOURCE.md), in a second.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;
namespace plot = examples::plot;

namespace {

/// The cells of a line: of CSV as they are, of a JSON object "name": value.
std::vector<std::string> cells_of(std::string line) {
  line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c == '{' || c == '}' || c == ' '; }),
             line.end());
  std::vector<std::string> cells;
  for (std::size_t end; (end = line.find(',')) != std::string::npos; line.erase(0, end + 1))
    cells.push_back(line.substr(0, end));
  cells.push_back(line);
  return cells;
}

double number_of(const std::string& cell) {
  char* end = nullptr;
  const double x = std::strtod(cell.c_str(), &end);
  return cell.empty() || *end != '\0' ? std::numeric_limits<double>::quiet_NaN() : x;
}

/// Columns by name; NaN where a cell is empty.
std::map<std::string, std::vector<double>> read_log(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw FileError("plot_log: cannot read " + path.string());
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text.resize(text.rfind('\n') + 1);  // none: to nothing, since npos + 1 is 0
  std::istringstream lines(text);
  std::map<std::string, std::vector<double>> log;
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    const bool json = line.starts_with("{");
    const std::vector<std::string> cells = cells_of(line);
    if (!json && names.empty()) {
      names = cells;
      continue;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t colon = json ? cells[i].find(':') : 0;
      if (json ? colon == std::string::npos || colon < 2 : i >= names.size()) continue;
      log[json ? cells[i].substr(1, colon - 2) : names[i]].push_back(
          number_of(json ? cells[i].substr(colon + 1) : cells[i]));
    }
  }
  if (log["epoch"].empty() || log["loss"].size() != log["epoch"].size())
    throw DataError("plot_log: " + path.string() + " has no epochs, expected what io::WriteLog writes");
  return log;
}

/// Epochs and the numbers of a column that are finite.
plot::Points curve(const std::map<std::string, std::vector<double>>& log, const std::string& name,
                   const std::string& label) {
  const std::vector<double>& epochs = log.at("epoch");
  plot::Points result{Eigen::MatrixXd(2, 0), label};
  const auto column = log.find(name);
  if (column == log.end()) return result;
  for (std::size_t i = 0; i < std::min(epochs.size(), column->second.size()); ++i) {
    if (!std::isfinite(column->second[i])) continue;
    result.positions.conservativeResize(2, result.positions.cols() + 1);
    result.positions.rightCols(1) << epochs[i], column->second[i];
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  std::filesystem::path log_file = std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "moons_log.csv", out = ".";
  examples::CommandLine line("Draws the log of a training run that io::WriteLog wrote");
  line.add("--log", log_file, "the file, CSV or JSON lines");
  line.add("--out", out, "folder of the pictures");
  line.parse(argc, argv);
  const auto log = read_log(log_file);
  std::filesystem::create_directories(out);

  std::vector<plot::Points> losses{curve(log, "loss", "training")};
  plot::LossOptions options{.y_label = "loss"};
  if (plot::Points validation = curve(log, "validation", "validation"); validation.positions.cols() > 0) {
    Index best = 0;
    validation.positions.row(1).minCoeff(&best);
    options.best_epoch = validation.positions(0, best);
    std::cout << "best validation " << validation.positions(1, best) << " after epoch " << options.best_epoch << '\n';
    losses.push_back(std::move(validation));
  }
  options.style.title = "losses of " + log_file.filename().string();
  plot::losses(out / "losses.png", losses, options);

  std::vector<plot::Points> steps;
  for (const auto& [name, title] : {std::pair("learning_rate", "learning rate"),
                                    {"gradient_norm", "gradient norm"},
                                    {"evaluations", "evaluations a solve"},
                                    {"seconds", "seconds of an epoch"}}) {
    plot::Points points = curve(log, name, title);
    const double largest = points.positions.cols() > 0 ? points.positions.row(1).maxCoeff() : 0;
    if (!(largest > 0)) continue;
    points.positions.row(1) /= largest;
    std::ostringstream label;
    label << title << ", at most " << std::setprecision(3) << largest;
    points.label = label.str();
    steps.push_back(std::move(points));
  }
  plot::graph(out / "steps.png", steps,
              {.style = {.title = "steps of " + log_file.filename().string()},
               .x_label = "epoch",
               .y_label = "part of the largest value"});
  std::cout << log.at("epoch").size() << " epochs, drawn in losses.png and steps.png\n";
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
} catch (const std::exception& error) {
  std::cerr << "plot_log: " << error.what() << '\n';
  return EXIT_FAILURE;
}
