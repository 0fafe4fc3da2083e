/// \file
/// Training on more rows than a program should hold: the rate of mini-batches from a numpy file of 10⁸ rows of 8 floats
/// (3.2 GB) beside that of rows in memory, and the memory that the process takes: benchmarks/run rows.
///
///     rows [ROWS] [FOLDER]   # 100000000, and the system's temporary folder, in which the file is made and deleted
///
/// Each rate is the best of 7 runs of `fit` in turns, of as many mini-batches of 256 rows, by processor time: that
/// of the system for reading counts, that of other programs does not. In memory are the first rows of the file, one for
/// each that an epoch draws.
#include <pathline/flow/cnf.hpp>
#include <pathline/io/format/npy_header.hpp>
#include <pathline/io/npy_rows.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/source/hold_out.hpp>
#include <pathline/train/source/shuffled_source.hpp>
#include <pathline/train/source/standardize_rows.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>

using namespace pathline;

namespace {

constexpr Index dim = 8, batch = 256;

struct TemporaryFile {
  std::filesystem::path path;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

/// Correlated Gaussians, whose first component grows with the row: neighbours are alike, as in sorted files.
void write_rows(const std::filesystem::path& path, Index rows) {
  std::ofstream out(path, std::ios::binary);
  out << io::detail::npy_header("<f4", rows, dim);
  Batch<float> X(dim, 10'000);
  for (Index first = 0; first < rows && out; first += X.cols()) {
    const Index count = std::min(X.cols(), rows - first);
    fill<Gaussian>(Draw{1, 0}, first, X);
    X.row(1) += 0.5F * X.row(2);
    X.row(0).array() += 2 * float(double(first) / double(rows));
    out.write(reinterpret_cast<const char*>(X.data()), std::streamsize(std::size_t(count * dim) * sizeof(float)));
  }
  out.close();
  if (!out) throw FileError("rows: " + path.string() + " cannot be written; 32 bytes a row must be free there");
}

/// Megabytes, from /proc/self/status: "VmHWM" is the most that was resident, "VmRSS" what is.
double megabytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::strtod(line.c_str() + name.size() + 1, nullptr) * 1024 / 1e6;
  return 0;
}

/// Seconds of the process on the processor, in the system's code too.
double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Rows a second of one epoch.
template <class Model, class Source>
double rate(Model& model, const Source& source, const Batch<float>& validation, Index epoch) {
  Rng rng(3);
  const double start = processor_seconds();
  fit(model, source, validation, {.epochs = 1, .batch = batch, .solver_check_rows = 0}, rng,
      Adam{.learning_rate = 1e-3});
  return double(epoch) / (processor_seconds() - start);
}

void run(Index count, const std::filesystem::path& folder) {
  const TemporaryFile file{folder / "pathline-rows.npy"};
  const auto start = std::chrono::steady_clock::now();
  write_rows(file.path, count);
  std::printf("%ld rows of %ld floats written in %.1f s, %.2f GB\n", long(count), long(dim), seconds_since(start),
              double(count * dim) * 4e-9);

  const io::NpyRows<float> rows(file.path);
  Rng rng(7);
  const auto parts = hold_out(rows, std::min<Index>(1000, count / 10), rng);
  const auto pass = std::chrono::steady_clock::now();
  const auto standard = standardize(parts.rest);
  std::printf("standardised in one pass of %.1f s; mean of the first component %.4f, deviation of the second %.4f\n",
              seconds_since(pass), standard.mean()(0), standard.deviation()(1));
  const Batch<float> validation = all_of(parts.held_out);

  const Mlp<float, Tanh> field(dim, {64, 64}, rng);
  Cnf flow(field, Kutta38{}, FixedSteps(3), standard, Threads{1});
  Cnf matched(field, standard, Threads{1});
  FlowMatching matching(matched, ByMatchingLoss{});
  struct Workload {
    const char* name;
    Index epoch;
    double file = 0, memory = 0;
  };
  Workload likelihood{"likelihood", std::min<Index>(100 * batch, count / 2)};
  Workload by_matching{"flow matching", std::min<Index>(5000 * batch, count / 2)};
  // From the file alone first, so that the peak is of this.
  (void)rate(flow, ShuffledSource(parts.rest, {.epoch = likelihood.epoch}), validation, likelihood.epoch);
  (void)rate(matching, ShuffledSource(parts.rest, {.epoch = by_matching.epoch}), validation, by_matching.epoch);
  std::printf("resident at most %.0f MB so far\n", megabytes("VmHWM"));

  const auto compare = [&](auto& model, Workload& workload) {
    const ShuffledSource source(parts.rest, {.epoch = workload.epoch});
    Batch<float> X(dim, workload.epoch);
    rows.read(0, X);
    for (int repetition = 0; repetition < 7; ++repetition) {
      workload.file = std::max(workload.file, rate(model, source, validation, workload.epoch));
      workload.memory = std::max(workload.memory, rate(model, X, validation, workload.epoch));
    }
    std::printf("%-14s %8.0f rows a second from the file, %8.0f from memory: ratio %.3f (%ld mini-batches)\n",
                workload.name, workload.file, workload.memory, workload.file / workload.memory,
                long(workload.epoch / batch));
  };
  compare(flow, likelihood);
  compare(matching, by_matching);
}

}  // namespace

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Index rows = argc > 1 ? Index(std::strtod(argv[1], nullptr)) : 100'000'000;
  if (rows < 1000) throw ArgumentError("rows: ROWS", rows, "at least 1000");
  run(rows, argc > 2 ? std::filesystem::path(argv[2]) : std::filesystem::temp_directory_path());
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return EXIT_FAILURE;
}
