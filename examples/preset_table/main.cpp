/// \file
/// The presets beside one another: each trained on each toy set, in a table with what it cost and a sheet of pictures
/// per set. Every cell is kept in a folder of its own below --out, so that a table that was broken off is gone on with.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>
#include <examples/preset_table/table.hpp>
#include <examples/toy/command_line.hpp>
#include <examples/toy/store.hpp>
#include <examples/toy/text.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/io/replace_file.hpp>
#include <pathline/train/progress_line.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace examples;
using namespace examples::preset_table;

struct Options {
  std::vector<std::string> sets{"8gaussians"}, presets = toy::preset_names();
  std::vector<std::uint64_t> seeds{1};
  bool full = false;
  toy::Index iterations = 0;  ///< 0: the schedule's.
  int threads = 0;
  std::filesystem::path out = "preset-table";
};

/// Ends the program after `--help` (status 0) and for a line that it cannot read.
[[nodiscard]] Options parse(int argc, char** argv) {
  Options options;
  bool all = false;
  CommandLine line(
      "Trains the flows of the literature on toy densities and writes a table of what they reach and cost, and a "
      "sheet\n"
      "of pictures per set. What is there already is not done again.",
      Bounds::hidden);
  line.add("--sets", options.sets, "with commas, of " + toy::listed(toy::set_names()))
      .with_commas()
      .one_of(toy::set_names())
      .type("A,B");
  line.add_flag("--all", all, "all of these sets");
  line.add("--presets", options.presets, "with commas").with_commas().one_of(toy::preset_names()).type("A,B");
  line.add("--seeds", options.seeds, "with commas; a run each").with_commas().type("N,M");
  line.add_flag("--full", options.full, "as many iterations as the papers' codes, in place of two minutes' worth");
  line.add("--iterations", options.iterations, "of each run, in place of those")
      .within(1, 10'000'000)
      .type("N")
      .without_default();
  line.add("--threads", options.threads, "threads; 0: all. Changes the time only, never a number")
      .within(0, 1024)
      .type("N");
  line.add("--out", options.out, "folder for results, made if missing").type("DIR");
  line.parse(argc, argv);
  if (all) options.sets = toy::set_names();
  return options;
}

[[nodiscard]] std::vector<Cell> cells_of(const Options& options) {
  std::vector<Cell> cells;
  for (const std::string& set : options.sets)
    for (const std::uint64_t seed : options.seeds)
      for (const std::string& preset : options.presets) {
        toy::Schedule schedule = options.full ? toy::paper_schedule(preset) : toy::quick_schedule(preset);
        if (options.iterations > 0) schedule.iterations = options.iterations;
        cells.push_back({.run = {.preset = preset,
                                 .density = pathline::toy_density_from_name(set),
                                 .seed = seed,
                                 .schedule = schedule,
                                 .threads = options.threads}});
      }
  return cells;
}

[[nodiscard]] std::string title(const toy::Run& run) {
  return toy::set_of(run) + " " + run.preset + " seed " + std::to_string(run.seed);
}

/// Fills in what is kept, then trains what is missing.
void fill(std::vector<Cell>& cells, const Options& options) {
  long kept = 0, total = 0;
  for (Cell& cell : cells) {
    cell.result = toy::stored(options.out / toy::name_of(cell.run));
    if (cell.result)
      ++kept;
    else
      total += cell.run.schedule.iterations;
  }
  if (kept > 0) std::cout << kept << " of " << cells.size() << " runs are there already\n" << std::flush;
  if (total == 0) return;
  pathline::ProgressLine progress(std::cerr, "training", total,
                                  {.terminal = pathline::is_terminal(std::cerr), .seconds_between_lines = 20});
  long done = 0;
  for (Cell& cell : cells) {
    if (cell.result) continue;
    try {
      cell.result = toy::train_and_judge(cell.run, [&](toy::Index iteration, double nll) {
        progress.update(done + iteration, title(cell.run) + toy::text("  NLL %.3f", nll));
      });
      toy::store(options.out / toy::name_of(cell.run), *cell.result);
    } catch (const pathline::Error& error) {
      cell.trouble = error.what();
    }
    done += cell.run.schedule.iterations;
  }
}

void draw_sheets(const std::vector<Cell>& cells, const Options& options) {
  for (const std::string& set : options.sets)
    for (const std::uint64_t seed : options.seeds) {
      std::vector<const Cell*> rows;
      for (const Cell& cell : cells)
        if (cell.result && cell.run.seed == seed && cell.run.density == pathline::toy_density_from_name(set))
          rows.push_back(&cell);
      if (rows.empty()) continue;
      const std::filesystem::path file = options.out / (set + "-seed" + std::to_string(seed) + ".png");
      draw_sheet(file, rows);
      std::cout << "pictures   " << file.string() << '\n';
    }
  if (!plot::gnuplot_available()) std::cerr << "preset_table: " << plot::gnuplot_advice() << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  std::vector<Cell> cells = cells_of(options);
  fill(cells, options);
  const std::string table = markdown(cells);
  std::cout << '\n' << table << '\n';
  std::filesystem::create_directories(options.out);
  const std::filesystem::path file = options.out / "table.md";
  pathline::io::replace_file("preset_table", file, [&](std::ostream& out) { out << table; });
  std::cout << "table      " << file.string() << '\n';
  draw_sheets(cells, options);
  const bool complete = std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return bool(cell.result); });
  return complete ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& error) {
  std::cerr << "preset_table: " << error.what() << '\n';
  return EXIT_FAILURE;
}
