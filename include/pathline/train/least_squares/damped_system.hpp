/// \file
/// The linear least-squares problems of Levenberg-Marquardt, by orthogonal decompositions: no condition is squared.
#pragma once

#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/least_squares/levenberg_marquardt.hpp>

#include <Eigen/Core>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace pathline::detail {

/// J D⁻¹ = QR, of which R and Qᵀr stay for steps of any damping.
class DampedSystem {
 public:
  /// \param scale  The diagonal of D, positive.
  void set(const Batch<double>& J, const Vector<double>& r, const Vector<double>& scale) {
    const Index m = J.rows(), p = J.cols(), k = std::min(m, p);
    scaled_ = J;
    for (Index j = 0; j < p; ++j) scaled_.col(j) /= scale(j);
    decomposition_.compute(scaled_);
    projected_ = r;
    projected_.applyOnTheLeft(decomposition_.householderQ().adjoint());
    upper_.setZero(k, p);
    for (Index j = 0; j < p; ++j)
      upper_.col(j).head(std::min(j + 1, k)) = decomposition_.matrixQR().col(j).head(std::min(j + 1, k));
    projected_.conservativeResize(k);
  }

  /// The length of the part of r in the range of J, where that has full rank.
  [[nodiscard]] double range_norm() const { return projected_.norm(); }

  /// s, in units of D⁻¹: minimises |R s + Qᵀr|² + μ|s|². Not finite where μ is 0 and R is singular to rounding.
  void solve(double damping, Vector<double>& step) {
    const Index k = upper_.rows(), p = upper_.cols();
    if (damping == 0) {
      step.setConstant(p, std::numeric_limits<double>::quiet_NaN());
      if (k < p) return;
      // Of equal columns the decomposition leaves a number of the size of rounding.
      const Vector<double> pivots = upper_.diagonal().cwiseAbs();
      if (pivots.minCoeff() <= double(p) * std::numeric_limits<double>::epsilon() * pivots.maxCoeff()) return;
      step = -upper_.triangularView<Eigen::Upper>().solve(projected_);
      return;
    }
    stacked_.setZero(k + p, p);
    stacked_.topRows(k) = upper_;
    stacked_.bottomRows(p).diagonal().setConstant(std::sqrt(damping));
    right_.setZero(k + p);
    right_.head(k) = -projected_;
    damped_.compute(stacked_);
    step = damped_.solve(right_);
  }

  /// How much |r|²/2 falls by the linear model along a step of this damping: |Rs|²/2 + μ|s|².
  [[nodiscard]] double promised(double damping, const Vector<double>& step) {
    right_.noalias() = upper_ * step;
    return right_.squaredNorm() / 2 + damping * step.squaredNorm();
  }

 private:
  Batch<double> scaled_, upper_, stacked_;
  Vector<double> projected_, right_;
  Eigen::HouseholderQR<Batch<double>> decomposition_, damped_;
};

/// A few numbers of a list, for a message: "0, 3, 4 and 7 more".
[[nodiscard]] inline std::string some_of(const std::vector<Index>& numbers) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, numbers.size()); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  return numbers.size() <= most ? text : message({text, " and ", numbers.size() - most, " more"});
}

/// \param accuracy  Relative accuracy of the derivatives; parameters that matter less are not determined.
[[nodiscard]] inline ParameterErrors parameter_errors(const Batch<double>& J, double sum, double accuracy,
                                                      std::vector<std::string>& warnings) {
  const Index m = J.rows(), p = J.cols();
  Vector<double> scale = J.colwise().norm();
  Batch<double> scaled = J;
  for (Index j = 0; j < p; ++j) {
    if (scale(j) == 0) scale(j) = 1;
    scaled.col(j) /= scale(j);
  }
  Eigen::ColPivHouseholderQR<Batch<double>> decomposition(scaled);
  const double threshold = std::pow(accuracy, 0.75);
  const Vector<double> pivots = decomposition.matrixQR().diagonal().cwiseAbs();
  ParameterErrors errors;
  while (errors.rank < pivots.size() && pivots(errors.rank) > threshold * pivots(0)) ++errors.rank;
  const Index rank = errors.rank;
  errors.degrees_of_freedom = m - rank;
  if (m > rank) errors.residual_deviation = std::sqrt(sum / double(m - rank));
  // J D⁻¹ P = Q [R S; 0 0]: what [-R⁻¹S; 1] moves, nothing determines; of the rest R⁻¹R⁻ᵀ has the covariance.
  const auto R = decomposition.matrixQR().topLeftCorner(rank, rank).triangularView<Eigen::Upper>();
  const Batch<double> free = R.solve(decomposition.matrixQR().topRightCorner(rank, p - rank));
  const Batch<double> inverse = R.solve(Batch<double>::Identity(rank, rank));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  errors.standard_errors.setConstant(p, std::numeric_limits<double>::infinity());
  errors.covariance.setConstant(p, p, nan);
  const auto place = [&](Index i) { return decomposition.colsPermutation().indices()(i); };
  std::vector<bool> determined(std::size_t(p), false);
  for (Index i = 0; i < rank; ++i)
    determined[std::size_t(i)] = p == rank || free.row(i).cwiseAbs().maxCoeff() <= std::sqrt(threshold);
  const double variance = errors.residual_deviation * errors.residual_deviation;
  for (Index i = 0; i < rank; ++i) {
    if (!determined[std::size_t(i)]) continue;
    for (Index j = 0; j < rank; ++j)
      if (determined[std::size_t(j)])
        errors.covariance(place(i), place(j)) =
            variance * inverse.row(i).dot(inverse.row(j)) / (scale(place(i)) * scale(place(j)));
    errors.standard_errors(place(i)) = std::sqrt(errors.covariance(place(i), place(i)));
  }
  std::vector<Index> unknown;
  for (Index j = 0; j < p; ++j)
    if (std::isinf(errors.standard_errors(j))) unknown.push_back(j);
  if (!unknown.empty())
    warnings.push_back(
        message({"the residuals do not determine parameters ", some_of(unknown), ": the Jacobian has rank ", rank,
                 ", and there are ", p,
                 " parameters; their standard errors are infinite, and their values are one choice among "
                 "many that fit as well. Fix some, or give more data"}));
  if (m <= rank)
    warnings.push_back(
        message({"there are ", m, " residuals for ", rank,
                 " parameters that they determine: none is left to estimate their variance by, and there "
                 "are no standard errors"}));
  return errors;
}

}  // namespace pathline::detail
