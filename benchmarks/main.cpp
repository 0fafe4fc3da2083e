/// \file
/// All benchmarks in one program, so that the machine's peak is measured in the run that is compared with it.
#include <benchmarks/machine/rates.hpp>
#include <pathline/math/pack.hpp>

#include <benchmark/benchmark.h>

#include <sstream>

namespace {

template <class Value>
void add_context(const char* key, const Value& value) {
  std::ostringstream text;
  text << value;
  benchmark::AddCustomContext(key, text.str());
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
#ifdef __clang__
  add_context("compiler", __VERSION__);
#else
  add_context("compiler", "g++ " __VERSION__);
#endif
#ifndef NDEBUG
  add_context("assertions", "on: build with the release preset");
#endif
  std::ostringstream eigen;
  eigen << EIGEN_WORLD_VERSION << '.' << EIGEN_MAJOR_VERSION << '.' << EIGEN_MINOR_VERSION;
  add_context("eigen", eigen.str());
  add_context("floats_per_vector", pathline::Pack<float>::size);
  add_context("fma_peak_float_gflops", pathline::machine::fma_peak<float>() / 1e9);
  add_context("fma_peak_double_gflops", pathline::machine::fma_peak<double>() / 1e9);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
