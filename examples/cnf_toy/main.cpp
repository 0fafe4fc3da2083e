/// \file
/// Trains a flow of the literature (FFJORD, RNODE, STEER, OT-Flow) on a toy density of the plane, for two minutes at
/// most unless told otherwise, and judges it by the exact density. Writes samples.png, density.png, trajectories.png
/// and loss.png.
#include <examples/cnf_toy/report.hpp>
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>
#include <examples/toy/command_line.hpp>
#include <examples/toy/text.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/train/progress_line.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

namespace {

using namespace examples;
using namespace examples::cnf_toy;

struct Options {
  toy::Run run;
  std::filesystem::path out = "cnf-toy-pictures";
};

/// Ends the program after `--help` (status 0) and for a line that it cannot read.
[[nodiscard]] Options parse(int argc, char** argv) {
  Options options;
  toy::Schedule& schedule = options.run.schedule;
  std::string data = "8gaussians";
  bool full = false;
  CommandLine line(
      "Trains a flow of the literature on a toy density of the plane, judges it by the exact density, and draws what\n"
      "it has learned.",
      Bounds::hidden);
  line.add("--preset", options.run.preset, toy::listed(toy::preset_names())).one_of(toy::preset_names()).type("NAME");
  line.add("--data", data, toy::listed(toy::set_names())).one_of(toy::set_names()).type("SET");
  line.add("--seed", options.run.seed, "of all random numbers: the same seed gives the same results").type("N");
  line.add_flag("--full", full, "as many iterations as the paper's code");
  const auto iterations =
      line.add("--iterations", schedule.iterations, "steps of Adam; two minutes' worth if not given")
          .within(1, 10'000'000)
          .type("N")
          .without_default();
  const auto batch = line.add("--batch", schedule.batch, "fresh samples in each iteration")
                         .within(1, 1'000'000)
                         .type("N")
                         .without_default();
  const auto rate = line.add("--learning-rate", schedule.learning_rate, "of Adam, in the beginning")
                        .positive()
                        .type("RATE")
                        .without_default();
  line.add("--threads", options.run.threads, "threads; 0: all. Changes the time only, never a number")
      .within(0, 1024)
      .type("N");
  line.add("--out", options.out, "folder for pictures and their gnuplot scripts, made if missing").type("DIR");
  line.parse(argc, argv);
  options.run.density = pathline::toy_density_from_name(data);
  const toy::Schedule asked = schedule;
  schedule = full ? toy::paper_schedule(options.run.preset) : toy::quick_schedule(options.run.preset);
  if (iterations.given()) schedule.iterations = asked.iterations;
  if (batch.given()) schedule.batch = asked.batch;
  if (rate.given()) schedule.learning_rate = asked.learning_rate;
  return options;
}

/// Before training, so that minutes are not lost on a wrong name.
void make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    throw pathline::FileError("cannot make the folder " + folder.string() + " (" + problem.message() +
                              "); choose another with --out");
}

[[nodiscard]] toy::Result train(const toy::Run& run) {
  pathline::ProgressLine progress(std::cerr, "training", run.schedule.iterations);
  return toy::train_and_judge(
      run, [&](toy::Index iteration, double nll) { progress.update(iteration, toy::text("NLL %.3f", nll)); });
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  make_folder(options.out);
  print_run(std::cout, options.run);
  const toy::Result result = train(options.run);
  print_judgement(std::cout, options.run, result.judgement);
  const auto written = draw_pictures(options.run, result, options.out);
  const bool drawn = plot::gnuplot_available();
  std::cout << (drawn ? "pictures " : "scripts  ");
  for (std::filesystem::path file : written)
    std::cout << ' ' << (drawn ? file : file.replace_extension(".gp")).string();
  std::cout << '\n';
  if (!drawn) std::cerr << "cnf_toy: " << plot::gnuplot_advice() << '\n';
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::cerr << "cnf_toy: " << error.what() << '\n';
  return EXIT_FAILURE;
}
