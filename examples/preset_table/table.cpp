/// \file
/// Text and pictures of the table.
#include <examples/preset_table/table.hpp>

#include <examples/common/plot.hpp>
#include <examples/toy/text.hpp>

#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

namespace examples::preset_table {

namespace {

using toy::set_of;
using toy::text;

[[nodiscard]] std::string today() {
  const std::time_t now = std::time(nullptr);
  char buffer[16];
  std::strftime(buffer, sizeof buffer, "%Y-%m-%d", std::gmtime(&now));
  return buffer;
}

[[nodiscard]] std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "a processor of unknown name";
}

}  // namespace

std::string markdown(const std::vector<Cell>& cells) {
  std::ostringstream out;
  out << "Written on " << today() << "; machine: " << processor() << ", " << std::thread::hardware_concurrency()
      << " hardware threads. Judged by Dormand and Prince's solver at a tolerance of 1e-5 with the exact trace, on "
         "fresh samples; evaluations of the field are per forward solve, straightness is 1 for straight paths.\n\n"
         "| set (entropy) | preset | seed | iterations × batch | NLL / nats | KL / nats | MMD² | evaluations, training "
         "| evaluations, testing | straightness | inverse error | transport cost | time / s |\n"
         "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Cell& cell : cells) {
    const toy::Run& run = cell.run;
    out << "| " << set_of(run) << " (" << text("%.4f", pathline::toy_entropy(run.density)) << ") | " << run.preset
        << " | " << run.seed << " | " << run.schedule.iterations << " × " << run.schedule.batch << " | ";
    if (!cell.result) {
      out << cell.trouble << " | | | | | | | | |\n";
      continue;
    }
    const toy::Judgement& j = cell.result->judgement;
    out << text(j.nll) << " | " << text(j.kl) << " | " << text("%.1e", j.mmd) << " | "
        << text("%.1f", j.training_evaluations) << " | " << text("%.1f", j.testing_evaluations) << " | "
        << text("%.4f", j.straightness) << " | " << text("%.1e", j.inverse_error) << " | "
        << text("%.3f", j.transport_cost) << " | " << text("%.0f", j.seconds) << " |\n";
  }
  return out.str();
}

void draw_sheet(const std::filesystem::path& png, const std::vector<const Cell*>& cells) {
  std::vector<std::vector<plot::Panel>> rows;
  plot::SheetOptions options{.style = {.title = {}, .width = 300, .height = 300},
                             .x = {-toy::half_width, toy::half_width},
                             .y = {-toy::half_width, toy::half_width},
                             .columns = {"data", "samples", "density", "trajectories"},
                             .first_color = "trajectories: data, t = 0",
                             .last_color = "base density, t = 1"};
  for (const Cell* const cell : cells) {
    const toy::Shown& shown = cell->result->shown;
    options.rows.push_back(cell->run.preset);
    rows.push_back({{.points = shown.data},
                    {.points = shown.samples, .learned = true},
                    {.density = shown.density},
                    {.states = shown.paths}});
  }
  options.style.title = set_of(cells.front()->run) + ", seed " + std::to_string(cells.front()->run.seed);
  plot::sheet(png, rows, options);
}

}  // namespace examples::preset_table
