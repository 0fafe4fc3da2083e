/// \file
/// Lines of text, and from matrices to plot.hpp.
#include <examples/cnf_toy/report.hpp>

#include <examples/common/plot.hpp>
#include <examples/toy/text.hpp>

namespace examples::cnf_toy {

namespace {

using toy::set_of;
using toy::text;

}  // namespace

void print_run(std::ostream& out, const toy::Run& run) {
  out << "data      " << set_of(run) << "\nflow      " << run.preset << ", seed " << run.seed << "\ntraining  "
      << run.schedule.iterations << " iterations of Adam on " << run.schedule.batch << " fresh samples, rate "
      << text("%.3g", run.schedule.rate(0)) << " to " << text("%.3g", run.schedule.rate(run.schedule.iterations - 1))
      << '\n'
      << std::flush;
}

void print_judgement(std::ostream& out, const toy::Run& run, const toy::Judgement& j) {
  out << "          " << text("%.1f", j.seconds) << " s, " << text("%.1f", j.training_evaluations)
      << " evaluations of the field per forward solve\n"
         "judged by Dormand and Prince's solver at a tolerance of 1e-5, exact trace, fresh samples\n"
         "  negative log-likelihood  "
      << text(j.nll) << " nats; the truth's entropy is " << text("%.4f", pathline::toy_entropy(run.density))
      << "\n  KL(truth, flow)          " << text(j.kl) << " nats\n  squared MMD              " << text("%.2e", j.mmd)
      << "\n  evaluations per solve    " << text("%.1f", j.testing_evaluations) << "\n  straightness of paths    "
      << text("%.4f", j.straightness) << " (1: straight)"
      << "\n  inverse error            " << text("%.1e", j.inverse_error) << "\n  transport cost           "
      << text("%.3f", j.transport_cost) << '\n';
}

std::vector<std::filesystem::path> draw_pictures(const toy::Run& run, const toy::Result& result,
                                                 const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> written;
  const auto file = [&](const char* name) { return written.emplace_back(folder / name); };
  const toy::Shown& shown = result.shown;
  const std::string title = run.preset + " on " + set_of(run);
  const plot::Range square{-toy::half_width, toy::half_width};
  plot::side_by_side(
      file("samples.png"), {shown.data, std::to_string(shown.data.cols()) + " points of the truth"},
      {shown.samples, std::to_string(shown.samples.cols()) + " samples of the flow"},
      {.style = {.title = title, .width = 1400, .height = 760}, .names = {"x", "y"}, .equal_units = true});
  plot::density_map(file("density.png"), shown.density, {},
                    {.style = {.title = "Density of " + title, .width = 980},
                     .x = square,
                     .y = square,
                     .x_label = "x",
                     .y_label = "y"});
  plot::trajectories(
      file("trajectories.png"), shown.paths, shown.times,
      {.style = {.title = "Paths of " + title + ", from the data to the base density"}, .names = {"x", "y"}});
  plot::losses(file("loss.png"), {{shown.losses, "training batches"}},
               {.style = {.title = "Training of " + title},
                .x_label = "iteration",
                .levels = {{pathline::toy_entropy(run.density), "entropy of the truth"}}});
  return written;
}

}  // namespace examples::cnf_toy
