/// \file
/// One flow trained on several processes or machines: it learns a toy density of the plane, by mini-batches that are
/// shared out over the ranks, and ends with the same numbers on any number of them. Rank 0 prints the progress and
/// keeps the run in a checkpoint; started again, the program goes on, also on another number of ranks. Takes about a
/// minute on two cores.
///
///     mpirun -n 2 mpi_train
///     sbatch examples/mpi_train/train.slurm     # on a cluster
#include <examples/command_line/command_line.hpp>
#include <examples/common/warnings.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/mpi.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

using namespace pathline;

namespace {

struct Options {
  std::string data = "pinwheel";
  Index rows = 20'000, width = 64, epochs = 20, batch = 1024, shares = 8;
  double learning_rate = 3e-3;
  std::uint64_t seed = 7;
  int threads = 1;
  std::filesystem::path checkpoint = "mpi_train.checkpoint";
};

Options parse(int argc, char** argv) {
  Options options;
  examples::CommandLine line("Trains a flow on a toy density of the plane, on all ranks that mpirun or srun starts.");
  line.add("--data", options.data, "pinwheel, moons, checkerboard and others of the library").type("SET");
  line.add("--rows", options.rows, "to train on; a tenth as many choose the best parameters").within(100, 100'000'000);
  line.add("--width", options.width, "units in each of two hidden layers").within(1, 4096);
  line.add("--epochs", options.epochs, "passes over the training rows").within(1, 1'000'000);
  line.add("--batch", options.batch, "rows in a mini-batch").within(1, 10'000'000);
  line.add("--shares", options.shares,
           "that a mini-batch is cut into, one for each rank at least. Runs with as many have the same numbers")
      .within(1, 1'000'000);
  line.add("--learning-rate", options.learning_rate, "of Adam").positive();
  line.add("--seed", options.seed, "of all random numbers");
  line.add("--threads", options.threads, "of each rank; 0: all. Changes the time only, never a number").within(0, 1024);
  line.add("--checkpoint", options.checkpoint, "file of this run, which goes on from there; another run needs another")
      .type("FILE");
  line.parse(argc, argv);
  return options;
}

/// Every rank runs this with the same options, and so with the same data and flow.
void train(const Options& options) {
  const ToyDensity kind = toy_density_from_name(options.data);
  Rng rng(options.seed);
  const Batch<float> X = sample_toy<float>(kind, options.rows, rng.draw());
  const Batch<float> held_out = sample_toy<float>(kind, options.rows / 10, rng.draw());
  Cnf flow(Mlp<float, Tanh>(2, {options.width, options.width}, rng), Rk4{}, FixedSteps(8), Standardize(X),
           Threads{options.threads});
  Distributed distributed(flow, MPI_COMM_WORLD, options.shares);
  const bool tells = distributed.rank() == 0;
  if (tells)
    std::printf("%d ranks, %td parameters, %td rows of %s, mini-batches of %td in %td shares\n", distributed.ranks(),
                flow.parameters().size(), options.rows, options.data.c_str(), options.batch, options.shares);

  const FitOptions fit_options{.epochs = options.epochs, .batch = options.batch};
  const Adam adam{.learning_rate = options.learning_rate};
  const FitReport report = fit(distributed, X, held_out, fit_options, rng, adam, on_rank_0(PrintProgress{}),
                               on_rank_0(io::Checkpoint{.path = options.checkpoint}));

  const Estimate kl = kl_estimate(toy_log_density(kind, held_out.cast<double>()), distributed.log_prob(held_out));
  const Batch<float> samples = distributed.sample(1000, rng);
  if (!tells) return;
  examples::print_warnings(std::cout, report.warnings);
  std::printf("KL from the truth %.4f +- %.4f nats on held-out rows; mean of 1000 samples (%.4f, %.4f)\n", kl.value,
              kl.standard_error, double(samples.row(0).mean()), double(samples.row(1).mean()));
  const EpochReport& last = report.epochs.back();
  std::printf("%.2f ms an iteration in the last epoch\n", 1e3 * last.seconds / double(last.steps));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  return run_ranks(argc, argv, [&] { train(options); });
}
