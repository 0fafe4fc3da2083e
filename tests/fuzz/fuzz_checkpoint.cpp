/// \file
/// Arbitrary bytes as the checkpoint of a run: training goes on from it, or refuses it and leaves the flow as it was.
/// A program of its own, which tests/fuzz/run builds when it is asked for: `fit` takes long to compile.
#include <fuzz/fuzz.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/fit.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <random>
#include <string>

using namespace pathline;
using Flow = Cnf<Mlp<float, Tanh>, FixedSteps>;

namespace {

Flow fresh_flow() {
  Rng rng(3);
  return Flow(Mlp<float, Tanh>(2, {2}, rng), FixedSteps(1));
}

FitReport train(Flow& flow, const std::filesystem::path& path) {
  Batch<float> data(2, 4);
  data << 1, -2, 0, 2, -1, 0, 2, 1;
  Rng rng(5);
  return fit(flow, data, data, {.epochs = 2, .batch = 4}, rng, Adam{}, EarlyStopping{.patience = 1},
             io::Checkpoint{path});
}

}  // namespace

/// PATHLINE_SEED names a file for the checkpoint of a run to begin with: made anew, since a run of other settings than
/// today's is refused before its numbers are read.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* const seed = std::getenv("PATHLINE_SEED");
  if (seed == nullptr) return 0;
  Flow flow = fresh_flow();
  (void)train(flow, seed);
  std::_Exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Flow fresh = fresh_flow();
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("pathline-fuzz-" + std::to_string(std::random_device{}()));
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes), std::streamsize(size));
  Flow flow = fresh;
  try {
    const FitReport report = train(flow, path);
    fuzz::require(flow.parameters().allFinite(), "finite parameters");
    fuzz::require(report.epochs.size() <= 2, "no more epochs than were asked for");
  } catch (const Error&) {
    fuzz::require(flow.parameters() == fresh.parameters(), "a refused file changes nothing");
  }
  std::filesystem::remove(path);
  return 0;
}
