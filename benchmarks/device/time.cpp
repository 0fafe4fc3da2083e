// Times single calls of an exported header, HEADER with namespace FLOW: the 10th percentile and the median of 20,000,
// in cycles of the time stamp counter (which ticks at the processor's nominal rate) or, elsewhere, in nanoseconds. On
// a machine that does other things meanwhile read the 10th percentile.
#include HEADER

#include <algorithm>
#include <cstdio>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
static unsigned long long now() {
  unsigned core;
  return __rdtscp(&core);
}
static const char* const unit = "cycles";
#else
#include <chrono>
static unsigned long long now() {
  return static_cast<unsigned long long>(std::chrono::steady_clock::now().time_since_epoch().count());
}
static const char* const unit = "ns";
#endif

template <class Call>
static void time(const char* name, Call call) {
  std::vector<unsigned long long> times;
  for (int i = 0; i < 20000; ++i) {
    const unsigned long long start = now();
    call(i);
    times.push_back(now() - start);
  }
  std::sort(times.begin(), times.end());
  std::printf(" | %s %llu %s, median %llu", name, times[times.size() / 10], unit, times[times.size() / 2]);
}

int main() {
  using namespace FLOW;
  data_scalar x[2] = {data_scalar(0.3), data_scalar(-0.7)};
  scalar log_p = 0, z[2], sum = 0;
  std::printf("%ld flops, %ld activations, %ld bytes of scratch", log_prob_flops, activations, scratch_bytes);
  time("log_prob", [&](int i) {
    x[0] = data_scalar(0.001 * (i % 100));
    sum += log_prob(x, log_p) ? log_p : scalar(0);
  });
  time("transform", [&](int i) {
    x[0] = data_scalar(0.001 * (i % 100));
    sum += transform(x, z) ? z[0] : scalar(0);
  });
  std::printf("%s\n", sum == scalar(1) ? " " : "");
}
