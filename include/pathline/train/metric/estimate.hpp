/// \file
/// Numbers estimated from samples, with their standard errors: means, and the divergence of a model from the truth.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <limits>

namespace pathline {

/// A number estimated from independent samples. For many samples the truth is within 2 standard errors in 95 of 100
/// cases.
struct Estimate {
  double value = 0;
  double standard_error = 0;  ///< 0: `value` is exact. Infinite: one sample says nothing of its own error.
};

/// Mean of independent values (a row or a column, float or double; sums are in double), with the standard error
/// √(Σ (v - mean)² / (n (n - 1))). When the mean is infinite or NaN, the standard error is so too.
/// \throws DataError when there are no values.
template <class Derived>
[[nodiscard]] Estimate mean_estimate(const Eigen::MatrixBase<Derived>& values) {
  static_assert(Derived::IsVectorAtCompileTime, "mean_estimate: the values are a row or a column");
  if (values.size() == 0) throw DataError("mean_estimate: values are missing, expected at least one");
  const auto v = values.template cast<double>().reshaped().eval();  // once, whatever the expression
  const auto n = double(v.size());
  const double mean = v.mean();
  if (!std::isfinite(mean)) return {mean, std::abs(mean)};
  if (v.size() == 1) return {mean, std::numeric_limits<double>::infinity()};
  return {mean, std::sqrt((v.array() - mean).square().sum() / (n * (n - 1)))};
}

/// Kullback–Leibler divergence KL(p ‖ q) = E_p [log p - log q] in nats, from samples of the true density p: the mean
/// difference of the two log-densities there. It is at least 0; its estimate may be below by a few standard errors.
/// \param log_p_true   1 × n, log p of n samples of p.
/// \param log_p_model  1 × n, log q of the same; -inf there makes the estimate infinite.
/// \throws ShapeError when the rows differ in length; DataError when they are empty, or log_p_true is not finite.
template <class True, class Model>
[[nodiscard]] Estimate kl_estimate(const Eigen::MatrixBase<True>& log_p_true,
                                   const Eigen::MatrixBase<Model>& log_p_model) {
  require_rows("kl_estimate: log_p_true", log_p_true.rows(), 1);
  require_rows("kl_estimate: log_p_model", log_p_model.rows(), 1);
  require_columns("kl_estimate: log_p_model", log_p_model.cols(), log_p_true.cols());
  const Row<detail::Double<True>> true_row = log_p_true.template cast<double>();
  require_finite("kl_estimate: log_p_true", true_row);
  return mean_estimate(true_row - log_p_model.template cast<double>());
}

}  // namespace pathline
