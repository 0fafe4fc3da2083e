/// \file
/// A generalised Pareto distribution fitted to the excesses of a tail: Zhang & Stephens, Technometrics 51 (2009) 316.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace pathline {

/// P(excess > x) = (1 + k x/σ)^(-1/k): moments of order 1/k and above do not exist. k < 0 has a bounded tail.
struct GeneralizedPareto {
  double k = 0, sigma = 1;

  /// The excess that is not exceeded with probability p in (0, 1).
  [[nodiscard]] double quantile(double p) const {
    return k == 0 ? -sigma * std::log1p(-p) : sigma * std::expm1(-k * std::log1p(-p)) / k;
  }
};

/// By an approximate posterior mean over a grid, without iteration.
/// \param excess  At least 5 numbers from 0 up, in ascending order, not all 0.
/// \return        With k = infinity where a quarter or more are below 1e-300 of the greatest: no such distribution has
///                that many ties.
/// \throws DataError for fewer numbers, or ones that are not finite, negative, or out of order.
[[nodiscard]] inline GeneralizedPareto fit_generalized_pareto(const std::vector<double>& excess) {
  const auto n = excess.size();
  if (n < 5) throw DataError("fit_generalized_pareto: fewer than 5 excesses");
  if (!(excess.front() >= 0) || !std::isfinite(excess.back()) || !std::is_sorted(excess.begin(), excess.end()) ||
      excess.back() == 0)
    throw DataError(
        "fit_generalized_pareto: excesses are not ascending finite numbers from 0 up, of which some are above");
  const double quartile = excess[std::size_t(double(n) / 4 + 0.5) - 1], greatest = excess.back();
  const double relative = quartile / greatest;
  if (!(relative > 1e-300)) return {std::numeric_limits<double>::infinity(), greatest};
  // In units of the greatest excess, for a grid of θ = -k/σ: the k of the profile likelihood is the mean of
  // log(1 - θx). The paper calls this mean -k.
  const auto shape = [&](double theta) {
    double sum = 0;
    for (const double x : excess) sum += std::log1p(-theta * (x / greatest));
    return sum / double(n);
  };
  double mean = 0;
  for (const double x : excess) mean += x / greatest / double(n);
  const auto scale = [&](double theta, double k) { return theta == 0 ? mean : -k / theta; };  // the limit: exponential
  const int points = 30 + int(std::sqrt(double(n)));
  std::vector<double> thetas, likelihoods;
  for (int j = 1; j <= points; ++j) {
    const double theta = 1 + (1 - std::sqrt(points / (j - 0.5))) / (3 * relative), k = shape(theta);
    thetas.push_back(theta);
    likelihoods.push_back(double(n) * (-std::log(scale(theta, k)) - k - 1));
  }
  const double most = *std::max_element(likelihoods.begin(), likelihoods.end());
  double total = 0, theta = 0;
  for (std::size_t j = 0; j < thetas.size(); ++j) {
    const double weight = std::exp(likelihoods[j] - most);
    total += weight;
    theta += weight * thetas[j];
  }
  theta /= total;
  const double k = shape(theta);
  return {k, scale(theta, k) * greatest};
}

}  // namespace pathline
