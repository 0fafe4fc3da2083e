/// \file
/// How an iteration of `Distributed` scales with the processes, beside a model of its cost (model.hpp) whose parameters
/// are measured here: benchmarks/run scaling.
///
///     scaling measure [ROWS] [SECONDS]   # by mpirun: appends what it measured to its output
///     scaling report [CORES] [LATENCY] [BYTES_A_SECOND] < WHAT_WAS_MEASURED
///
/// Strong scaling is of a mini-batch of ROWS rows in 8 shares, weak scaling of half as many, 4 shares, on each process.
/// Each time is the least of many iterations, of each the slowest process. An iteration is what `fit` does in one:
/// gather the rows, gradient, Adam. The report is for nodes of that many CORES, each as fast as one here, in a network
/// of this LATENCY and rate.
#include <benchmarks/scaling/model.hpp>

#include <pathline/core/fingerprint.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/mpi.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/optimizer.hpp>

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

constexpr Index shares = 8, weak_shares = 4, steps = 8;  // weak: on each rank, of as many rows

int cores_here() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/// The least time of `work` in seconds, of each run the slowest rank, which begin together. Collective.
template <class Work>
double fastest(double seconds, const Work& work) {
  double best = std::numeric_limits<double>::infinity(), spent = 0;
  for (int run = 0; run < 4 || (spent < seconds && run < 100'000); ++run) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    work();
    double time = MPI_Wtime() - start;
    MPI_Allreduce(MPI_IN_PLACE, &time, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    spent += time;
    if (run > 0) best = std::min(best, time);  // the first one sizes the memory
  }
  return best;
}

auto make_flow() {
  Rng rng(1);
  return Cnf(Mlp<float, Tanh>(2, {64, 64, 64}, rng), Hutchinson<Rademacher>{}, Rk4{}, FixedSteps(steps), Threads{1});
}
using Flow = decltype(make_flow());

/// A training run of a flow of the plane, rows of which are gathered as `fit` does.
class Run {
 public:
  Run() : flow_(make_flow()), X_(2, 1 << 16) { fill<Gaussian>(Draw{2, 0}, 0, X_); }

  Flow& flow() { return flow_; }

  /// Of n rows.
  const Batch<float>& gather(Index n) {
    rows_.resize(2, n);
    ids_.resize(std::size_t(n));
    for (Index j = 0; j < n; ++j) {
      ids_[std::size_t(j)] = j * 40'503 % X_.cols();
      rows_.col(j) = X_.col(ids_[std::size_t(j)]);
    }
    return rows_;
  }
  template <class Model>
  void gradient(Model& model, typename Model::Memory& memory) {
    model.value_and_gradient(rows_, ids_, Draw{3, 0}, memory, loss_);
  }
  void step() { optimizer_.step(Adam{.learning_rate = 1e-6}, loss_.gradient, flow_.parameters()); }
  [[nodiscard]] std::uint64_t fingerprint_of_rows() const {
    return detail::fingerprint(ids_.data(), ids_.size() * sizeof(Index)) +
           detail::fingerprint(rows_.data(), std::size_t(rows_.size()) * sizeof(float));
  }

 private:
  Flow flow_;
  Batch<float> X_, rows_;
  std::vector<Index> ids_;
  TrainingLoss<float> loss_;
  OptimizerState<float> optimizer_;
};

void say(const std::string& name, double value) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) std::cout << name << ' ' << value << '\n' << std::flush;
}

/// What a share costs alone, and what each rank does for the whole mini-batch. On one rank.
void measure_parts(Run& run, Index rows, double seconds) {
  Flow& flow = run.flow();
  Flow::Memory memory;
  const auto time_of = [&](Index n) {
    run.gather(n);
    return fastest(seconds, [&] { run.gradient(flow, memory); });
  };
  const double few = time_of(rows / shares), many = time_of(rows);
  const double row = (many - few) / double(rows - rows / shares);
  say("row", row);
  say("share_fixed", std::max(0.0, few - row * double(rows / shares)));

  std::uint64_t sum = 0;
  const Index most = 1 << 15;
  say("whole_row", fastest(seconds / 4, [&] {
                     run.gather(most);
                     sum += run.fingerprint_of_rows();
                   }) / double(most));
  const auto p = flow.parameters().size();
  Vector<float> theta = flow.parameters(), other = theta;
  run.gather(1);
  run.gradient(flow, memory);
  say("parameter", fastest(seconds / 4, [&] {
                     for (int i = 0; i < 20; ++i) {
                       sum += detail::fingerprint(theta.data(), std::size_t(p) * sizeof(float), sum);
                       run.step();
                     }
                   }) / double(20 * p));
  say("addition", fastest(seconds / 4, [&] {
                    for (int i = 0; i < 100; ++i) theta += other;
                    sum += std::uint64_t(theta(0) > 0);
                  }) / double(100 * p));
  say("parameters", double(p));
  say("gradient_bytes", double(p) * sizeof(float));
  // Of the matrix products: value and tangent on the way, and twice as many on the way back.
  const double weights = 64 * (2 + 64 + 64 + 2);
  say("flops_a_row", 12 * weights * 4 * double(steps));
  if (sum == 1) std::cout << '\n';  // so that nothing is left out
}

/// λ and β: half of the way there and back, of messages of eight bytes and of a megabyte.
void measure_messages(double seconds) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::vector<char> message(1 << 20);
  const auto time_of = [&](int bytes, int times) {
    return fastest(seconds / 4,
                   [&] {
                     for (int i = 0; i < times; ++i) {
                       if (rank == 0) MPI_Send(message.data(), bytes, MPI_CHAR, 1, 0, MPI_COMM_WORLD);
                       if (rank <= 1)
                         MPI_Recv(message.data(), bytes, MPI_CHAR, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                       if (rank == 1) MPI_Send(message.data(), bytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
                     }
                   }) /
           (2 * times);
  };
  const double latency = time_of(8, 200), large = time_of(int(message.size()), 10);
  say("latency", latency);
  say("bytes_a_second", double(message.size()) / std::max(large - latency, 1e-9));
}

void measure(Index rows, double seconds) {
  Run run;
  const int cores = cores_here();
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  say("cores", cores);
  if (ranks == 1) measure_parts(run, rows, seconds);
  if (ranks == 2 && cores >= 2) measure_messages(seconds);
  if (ranks > 1 && ranks <= cores) {  // all at once, each for itself
    Flow::Memory memory;
    run.gather(rows / shares);
    say("share_of " + std::to_string(ranks), fastest(seconds, [&] { run.gradient(run.flow(), memory); }));
  }
  for (const bool weak : {false, true}) {
    Distributed distributed(run.flow(), MPI_COMM_WORLD, weak ? weak_shares * ranks : shares);
    Distributed<Flow>::Memory memory;
    const Index n = weak ? rows / 2 * ranks : rows;
    const double time = fastest(seconds, [&] {
      run.gather(n);
      run.gradient(distributed, memory);
      run.step();
    });
    say((weak ? "weak " : "strong ") + std::to_string(ranks) + ' ' + std::to_string(n), time);
  }
}

struct Measured {
  int ranks;
  double rows, time;
};

/// Everything from the standard input.
struct Input {
  scaling::Costs costs;
  int cores = 1;
  std::map<std::string, std::vector<Measured>> runs;
  double rows = 0;

  Input() {
    std::map<std::string, double> numbers;
    std::map<int, double> share_of;
    for (std::string name; std::cin >> name;) {
      if (name == "strong" || name == "weak") {
        Measured run{};
        std::cin >> run.ranks >> run.rows >> run.time;
        runs[name].push_back(run);
      } else if (name == "share_of") {
        int ranks = 0;
        std::cin >> ranks >> share_of[ranks];
      } else {
        std::cin >> numbers[name];
      }
    }
    for (const char* name : {"cores", "row", "share_fixed", "whole_row", "parameter", "addition", "parameters",
                             "gradient_bytes", "flops_a_row", "latency", "bytes_a_second"})
      if (!numbers.contains(name)) throw DataError(std::string("report: ") + name + " was not measured");
    if (runs["strong"].empty() || runs["weak"].empty()) throw DataError("report: no runs were measured");
    cores = int(numbers["cores"]);
    rows = runs["strong"].front().rows;
    costs.share_fixed = numbers["share_fixed"], costs.row = numbers["row"];
    costs.whole_row = numbers["whole_row"], costs.parameter = numbers["parameter"];
    costs.latency = numbers["latency"], costs.bytes_a_second = numbers["bytes_a_second"];
    costs.addition = numbers["addition"], costs.parameters = numbers["parameters"];
    costs.gradient_bytes = numbers["gradient_bytes"], costs.flops_a_row = numbers["flops_a_row"];
    for (const auto& [ranks, time] : share_of)
      costs.slower[ranks] = time / (costs.share_fixed + costs.row * rows / double(shares));
  }
};

void print_costs(const Input& input) {
  const scaling::Costs& costs = input.costs;
  std::printf(
      "%.0f parameters; of a row %.3g Mflop, %.3g us (%.3g Gflop/s), of a share %.3g us more\n"
      "on every rank: %.3g ns a row of the mini-batch, %.3g ns a parameter\n"
      "a message: %.3g us and %.3g GB/s; the gradient has %.3g kB and is added in %.3g us\n",
      costs.parameters, costs.flops_a_row * 1e-6, costs.row * 1e6, costs.flops_a_row / costs.row * 1e-9,
      costs.share_fixed * 1e6, costs.whole_row * 1e9, costs.parameter * 1e9, costs.latency * 1e6,
      costs.bytes_a_second * 1e-9, costs.gradient_bytes * 1e-3, costs.parameters * costs.addition * 1e6);
  for (const auto& [ranks, slower] : costs.slower)
    std::printf("while %d work at once, each takes %.3f times as long\n", ranks, slower);
}

void print_runs(const Input& input, const std::string& kind) {
  const std::vector<Measured>& runs = input.runs.at(kind);
  const bool weak = kind == "weak";
  std::printf("\n%s scaling: %d cores, %td shares%s\n", kind.c_str(), input.cores, weak ? weak_shares : shares,
              weak ? " on each process" : "");
  std::printf("processes    rows   measured ms  predicted ms  measured / predicted   rows a second over one process\n");
  for (const Measured& run : runs) {
    const auto cut = double(weak ? weak_shares * run.ranks : shares);
    const double predicted = scaling::on_one_machine(input.costs, run.ranks, input.cores, run.rows, cut).total();
    std::printf("%9d %7.0f %13.3f %13.3f %21.3f %22.2fx\n", run.ranks, run.rows, run.time * 1e3, predicted * 1e3,
                run.time / predicted, run.rows / run.time * runs.front().time / runs.front().rows);
  }
}

void print_nodes(const scaling::Costs& costs, int cores, bool weak) {
  const double strong_rows = 65'536, rows_a_node = 4096;
  std::printf("\n%s scaling, predicted: nodes of %d cores, %.3g us and %.3g GB/s between them, %s\n",
              weak ? "weak" : "strong", cores, costs.latency * 1e6, costs.bytes_a_second * 1e-9,
              weak ? "4,096 rows a node" : "a mini-batch of 65,536 rows");
  std::printf("nodes   ms an iteration   work ms   on every rank ms   messages ms   efficiency\n");
  const auto rows = [&](int nodes) { return weak ? rows_a_node * nodes : strong_rows; };
  const auto time = [&](int nodes) { return scaling::on_nodes(costs, nodes, cores, rows(nodes)); };
  const auto efficiency = [&](int nodes) {
    return rows(nodes) / time(nodes).total() / nodes * time(1).total() / rows(1);
  };
  for (int nodes = 1; nodes <= 1024; nodes *= 2) {
    const scaling::Time at = time(nodes);
    std::printf("%5d %17.3f %9.3f %18.3f %13.3f %11.0f%%\n", nodes, at.total() * 1e3, at.work * 1e3, at.whole * 1e3,
                at.messages * 1e3, 100 * efficiency(nodes));
  }
  int half = 1;
  while (half < 100'000 && efficiency(half) >= 0.5) ++half;
  const scaling::Time at = time(half);
  if (half == 100'000) {
    std::printf("more than half of each node counts up to 100,000 of them\n");
    return;
  }
  // What does not shrink with the nodes: a share's own cost, the whole mini-batch on every rank, messages.
  const double fixed = costs.share_fixed;
  const char* const why = at.messages > std::max(at.whole, fixed) ? "the messages of the gradients' tree"
                          : at.whole > fixed ? "what every rank does for the whole mini-batch and all parameters"
                                             : "what a share costs whatever its rows";
  std::printf("less than half of each node counts from %d nodes on; most of what does not shrink there is %s\n", half,
              why);
}

void report(int cores, double latency, double bytes_a_second) {
  const Input input;
  print_costs(input);
  print_runs(input, "strong");
  print_runs(input, "weak");
  scaling::Costs costs = input.costs;
  costs.latency = latency, costs.bytes_a_second = bytes_a_second;
  print_nodes(costs, cores, false);
  print_nodes(costs, cores, true);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string mode = argc > 1 ? argv[1] : "";
  const auto number = [&](int i, double otherwise) { return argc > i ? std::atof(argv[i]) : otherwise; };
  if (mode == "report") {
    report(int(number(2, 32)), number(3, 2e-6), number(4, 12e9));
    return EXIT_SUCCESS;
  }
  const auto rows = Index(number(2, 1024));
  const double seconds = number(3, 3);
  if (mode != "measure" || rows < shares || rows % shares != 0 || rows > 8192) {
    std::cerr << "scaling measure [ROWS: a multiple of 8, at most 8192] [SECONDS], or scaling report [CORES] [LATENCY] "
                 "[BYTES_A_SECOND]\n";
    return EXIT_FAILURE;
  }
  return run_ranks(argc, argv, [&] { measure(rows, seconds); });
} catch (const std::exception& error) {
  std::cerr << "scaling: " << error.what() << '\n';
  return EXIT_FAILURE;
}
