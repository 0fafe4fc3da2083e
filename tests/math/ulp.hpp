/// \file
/// Distance from a long double reference in units in the last place, and arguments to measure it at.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace pathline::test {

/// |got - reference| in ulp of the reference; 0 when both are NaN or the same infinity, huge when only one is.
template <class Scalar>
[[nodiscard]] double ulps(Scalar got, long double reference) {
  using Limits = std::numeric_limits<Scalar>;
  if (std::isnan(got) && std::isnan(reference)) return 0;
  if (static_cast<long double>(got) == reference) return 0;
  if (!std::isfinite(got) || !std::isfinite(reference)) return Limits::max_exponent10;
  int exponent = 0;
  std::frexp(reference, &exponent);
  const int last = std::max(exponent, Limits::min_exponent) - Limits::digits;
  return static_cast<double>(std::abs(static_cast<long double>(got) - reference) / std::ldexp(1.0L, last));
}

/// Arguments in [low, high]: uniform ones, and ones whose magnitude is uniform in the logarithm down to 2^-60.
template <class Scalar>
[[nodiscard]] std::vector<Scalar> arguments(double low, double high, int count = 4000) {
  std::mt19937_64 generator(7);
  const auto uniform = [&generator] { return std::ldexp(static_cast<double>(generator() >> 11), -53); };
  const double top = std::log2(std::max(std::abs(low), std::abs(high)));
  std::vector<Scalar> result;
  for (int i = 0; i < count; ++i) {
    const double even = low + (high - low) * uniform(), tiny = std::exp2(top - (top + 60) * uniform());
    const double magnitude = generator() % 2 == 0 ? tiny : -tiny;
    const bool usable = i % 3 == 0 && low <= magnitude && magnitude <= high;
    result.push_back(std::clamp(static_cast<Scalar>(usable ? magnitude : even), static_cast<Scalar>(low),
                                static_cast<Scalar>(high)));
  }
  return result;
}

/// The largest distance of function(x) from reference(x).
template <class Scalar, class Function, class Reference>
[[nodiscard]] double worst_ulps(const std::vector<Scalar>& xs, Function function, Reference reference) {
  double worst = 0;
  for (const Scalar x : xs) worst = std::max(worst, ulps<Scalar>(function(x), reference(static_cast<long double>(x))));
  return worst;
}

}  // namespace pathline::test
