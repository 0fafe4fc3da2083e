// A program for a device: C++17, no exceptions, no RTTI, no Eigen. Compares what the exported headers compute with what
// the library gave, and fails where they differ by more than rounding, or than the header says.
#include "deep_flow.hpp"
#include "expected.hpp"
#include "potential_flow.hpp"
#include "shallow_flow.hpp"
#include "softplus_flow.hpp"
#include "tanh_flow.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

namespace {

struct Largest {
  double value = 0;
  void see(double x, double y) {
    const double e = std::fabs(x - y) / (1 + std::fabs(y));
    value = e <= value ? value : e;  // a NaN stays
  }
};

template <class S, class X, int rows, int dim, int n>
int check(const char* name, bool (*log_prob)(const X (&)[rows], S&), bool (*transform)(const X (&)[rows], S (&)[dim]),
          bool (*sample)(const S (&)[rows], X (&)[dim]), const X (&x)[n][rows], const S (&log_p)[n][1],
          const S (&points)[n][rows], const X (&samples)[n][dim], const S (&controlled)[n][1], double written_error) {
  Largest rounding, error;
  bool finite = true;
  for (int j = 0; j < n; ++j) {
    S value = 0, z[dim];
    X raw[dim];
    finite = log_prob(x[j], value) && transform(x[j], z) && sample(points[j], raw) && finite;
    rounding.see(double(value), double(log_p[j][0]));
    for (int i = 0; i < dim; ++i) rounding.see(double(z[i]), double(points[j][i]));
    for (int i = 0; i < dim; ++i) rounding.see(double(raw[i]), double(samples[j][i]));
    const double e = std::fabs(double(value) - double(controlled[j][0]));
    error.value = e <= error.value ? error.value : e;
  }
  // Some hundred roundings of numbers of order 1; the controlled solve has an error too.
  const double epsilon = double(std::numeric_limits<S>::epsilon());
  const bool good = finite && rounding.value < 200 * epsilon && error.value < 1.1 * written_error + 200 * epsilon;
  std::printf("%-16s %s: from the library's steps %.1f epsilon, from the controlled solve %.1e (written: %.1e)\n", name,
              good ? "ok" : "FAILED", rounding.value / epsilon, error.value, written_error);

  // What is not finite is refused, and nothing is written: a sample and, in the last row, its context.
  bool refused = true;
  for (int infinite = 0; infinite < rows; ++infinite) {
    X bad[rows], kept_x[dim] = {};
    S bad_point[rows], kept = S(42), kept_z[dim] = {};
    for (int i = 0; i < rows; ++i) {
      bad[i] = i == infinite ? std::numeric_limits<X>::infinity() : x[0][i];
      bad_point[i] = i == infinite ? std::numeric_limits<S>::infinity() : points[0][i];
    }
    refused = refused && !log_prob(bad, kept) && !(kept < S(42)) && !(kept > S(42)) && !transform(bad, kept_z) &&
              !sample(bad_point, kept_x);
  }
  if (!refused) std::printf("%-16s FAILED: what is not finite has a density or an image\n", name);
  return good && refused ? 0 : 1;
}

template <class Jet, int n>
int check_activation(const char* name, Jet (*sigma)(double), const double (&x)[n][1], const double (&value)[n][1],
                     const double (&slope)[n][1]) {
  Largest error;
  for (int j = 0; j < n; ++j) {
    const Jet jet = sigma(x[j][0]);
    error.see(jet.value, value[j][0]);
    error.see(jet.slope, slope[j][0]);
  }
  const bool good = error.value < 4 * std::numeric_limits<double>::epsilon();
  std::printf("%-16s %s: %.1f epsilon\n", name, good ? "ok" : "FAILED",
              error.value / std::numeric_limits<double>::epsilon());
  return good ? 0 : 1;
}

}  // namespace

#define CHECK_ACTIVATION(name) check_activation(#name, name::sigma, name::x, name::value, name::slope)
#define CHECK_FLOW(name)                                                                                  \
  check(#name, name::log_prob, name::transform, name::sample, expected_##name::x, expected_##name::log_p, \
        expected_##name::z, expected_##name::sample, expected_##name::controlled, name::log_prob_error.max)

int main() {
  const int failures = CHECK_FLOW(tanh_flow) + CHECK_FLOW(softplus_flow) + CHECK_FLOW(potential_flow) +
                       CHECK_FLOW(shallow_flow) + CHECK_FLOW(deep_flow);
  const int wrong_activations = CHECK_ACTIVATION(identity) + CHECK_ACTIVATION(tanh_) + CHECK_ACTIVATION(log_two_cosh) +
                                CHECK_ACTIVATION(sigmoid) + CHECK_ACTIVATION(softplus) + CHECK_ACTIVATION(swish) +
                                CHECK_ACTIVATION(sine);
  return failures + wrong_activations == 0 ? 0 : 1;
}
