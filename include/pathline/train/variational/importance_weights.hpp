/// \file
/// What importance weights say: the evidence that they estimate, how many samples they are worth, and how heavy their
/// tail is. All take log-weights log p̃ - log q, nats, of independent samples of q. docs/maths.md, (15.5) to (15.8).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/variational/generalized_pareto.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace pathline {

namespace detail {

/// Weights exp(log_weight - their maximum), n numbers.
/// \throws DataError for none, a NaN, +∞, or when all are -∞.
template <class Derived>
[[nodiscard]] std::vector<double> scaled_weights(const char* what, const Eigen::MatrixBase<Derived>& log_weights,
                                                 double& greatest) {
  static_assert(Derived::IsVectorAtCompileTime, "importance weights: the log-weights are a row or a column");
  if (log_weights.size() == 0) throw DataError(message({what, ": log-weights are missing, expected at least one"}));
  greatest = -std::numeric_limits<double>::infinity();
  std::vector<double> weights;
  for (Index j = 0; j < log_weights.size(); ++j) {
    const double value = double(log_weights(j));
    if (std::isnan(value) || value == std::numeric_limits<double>::infinity())
      throw DataError(
          message({what, ": log-weight is ", value, " at sample ", j, ", expected a number below infinity"}));
    greatest = std::max(greatest, value);
    weights.push_back(value);
  }
  if (!std::isfinite(greatest)) throw DataError(message({what, ": all weights are 0"}));
  for (double& weight : weights) weight = std::exp(weight - greatest);
  return weights;
}

}  // namespace detail

/// (Σ w)² / Σ w²: as many samples of the target itself would give the mean of a function that does not depend on the
/// weights as small an error (Kong 1992). n for equal weights, 1 where one has them all. With a heavy tail it is
/// too large: see `pareto_k`.
/// \throws DataError for no weights, a NaN, +∞, or when all are 0.
template <class Derived>
[[nodiscard]] double effective_sample_size(const Eigen::MatrixBase<Derived>& log_weights) {
  double greatest = 0, sum = 0, squares = 0;
  for (const double w : detail::scaled_weights("effective_sample_size", log_weights, greatest)) {
    sum += w;
    squares += w * w;
  }
  return sum * sum / squares;
}

/// log of the mean weight, which estimates the evidence ∫p̃ without bias, nats. The standard error is that of the
/// logarithm to first order, the relative standard error of the mean weight; it is too small while that is not
/// small, or the weights' tail is heavy.
/// \throws DataError as above.
template <class Derived>
[[nodiscard]] Estimate log_evidence(const Eigen::MatrixBase<Derived>& log_weights) {
  double greatest = 0, sum = 0;
  const std::vector<double> weights = detail::scaled_weights("log_evidence", log_weights, greatest);
  const double n = double(weights.size());
  for (const double w : weights) sum += w;
  const double mean = sum / n;
  if (weights.size() == 1) return {greatest, std::numeric_limits<double>::infinity()};
  double squares = 0;
  for (const double w : weights) squares += (w - mean) * (w - mean);
  return {greatest + std::log(mean), std::sqrt(squares / (n * (n - 1))) / mean};
}

/// Σ w f / Σ w, the mean of f over the target, with its standard error √(Σ w² (f - mean)²) / Σ w.
/// \param values  f of each sample.
/// \throws ShapeError when their numbers differ; DataError as above.
template <class Values, class Derived>
[[nodiscard]] Estimate weighted_mean(const Eigen::MatrixBase<Values>& values,
                                     const Eigen::MatrixBase<Derived>& log_weights) {
  require_columns("weighted_mean: values", values.size(), log_weights.size());
  double greatest = 0, total = 0, mean = 0, squares = 0;
  const std::vector<double> weights = detail::scaled_weights("weighted_mean", log_weights, greatest);
  for (std::size_t j = 0; j < weights.size(); ++j) {
    total += weights[j];
    if (weights[j] > 0) mean += weights[j] * double(values(Index(j)));
  }
  mean /= total;
  if (weights.size() == 1) return {mean, std::numeric_limits<double>::infinity()};
  for (std::size_t j = 0; j < weights.size(); ++j)
    if (weights[j] > 0) squares += std::pow(weights[j] * (double(values(Index(j))) - mean), 2);
  return {mean, std::sqrt(squares) / total};
}

/// Importance weights whose largest are those of a fitted tail.
struct ParetoSmoothed {
  Row<double> log_weights;  ///< 1 × n, nats; none above the largest that there was.
  /// Shape of the fitted tail, k-hat. Up to `largest_reliable_k`, 0.7 for n above 2200, estimates by these weights are
  /// to be trusted; above it their errors are much larger than they look. -∞: the tail's weights are equal, to four
  /// digits.
  double k = 0;
};

/// Pareto-smoothed importance sampling: Vehtari, Simpson, Gelman, Yao & Gabry, JMLR 25 (2024) no. 72. The min(n/5, 3√n)
/// largest weights are replaced by quantiles of a generalised Pareto distribution that is fitted to them, its k drawn
/// towards ½ as by ten observations.
/// \throws DataError as above, and for fewer than 25 weights.
template <class Derived>
[[nodiscard]] ParetoSmoothed pareto_smoothed(const Eigen::MatrixBase<Derived>& log_weights) {
  double greatest = 0;
  const std::vector<double> weights = detail::scaled_weights("pareto_smoothed", log_weights, greatest);
  const auto n = weights.size();
  if (n < 25)
    throw DataError(detail::message({"pareto_smoothed: ", Index(n), " weights, expected at least 25 to fit a tail"}));
  const auto tail = std::size_t(std::ceil(std::min(double(n) / 5, 3 * std::sqrt(double(n)))));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return weights[a] != weights[b] ? weights[a] < weights[b] : a < b; });
  const auto of_tail = [&](std::size_t i) { return order[n - tail + i]; };
  const double cutoff = weights[order[n - tail - 1]];
  std::vector<double> excess;
  for (std::size_t i = 0; i < tail; ++i) excess.push_back(weights[of_tail(i)] - cutoff);
  ParetoSmoothed result{log_weights.template cast<double>().reshaped().transpose(), 0};
  if (excess.back() <= 1e-4 * cutoff) {  // rounding, of the flow's scalar or its solver, has no tail worth a fit
    result.k = -std::numeric_limits<double>::infinity();
    return result;
  }
  GeneralizedPareto fitted = fit_generalized_pareto(excess);
  fitted.k = (double(tail) * fitted.k + 10 * 0.5) / (double(tail) + 10);
  result.k = fitted.k;
  if (!std::isfinite(fitted.k)) return result;
  for (std::size_t i = 0; i < tail; ++i) {
    const double weight = cutoff + fitted.quantile((double(i) + 0.5) / double(tail));
    result.log_weights(Index(of_tail(i))) = greatest + std::min(0., std::log(weight));
  }
  return result;
}

/// k-hat alone. Errors as above.
template <class Derived>
[[nodiscard]] double pareto_k(const Eigen::MatrixBase<Derived>& log_weights) {
  return pareto_smoothed(log_weights).k;
}

/// The greatest k-hat with which n weights are to be trusted: min(1 - 1/log₁₀ n, 0.7), Vehtari et al. 2024.
[[nodiscard]] inline double largest_reliable_k(Index n) { return std::min(1 - 1 / std::log10(double(n)), 0.7); }

}  // namespace pathline
