/// \file
/// Means and variances of the rows of a batch that arrives in parts.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline {

/// Count, means, and sums of squared deviations of d rows, in double. Parts merge to what the whole would give, to
/// rounding; in the same order to the same bits. Chan, Golub & LeVeque, Amer. Statist. 37 (1983) 242–247.
class RowMoments {
 public:
  /// Forgets everything; d rows from now on.
  void clear(Index d) {
    count_ = 0;
    mean_.resize(d);
    squares_.resize(d);
    for (Index i = 0; i < d; ++i) mean_(i) = squares_(i) = 0;
  }

  /// Those of Z (d × n, n at least 1) instead of what was there.
  template <class Derived>
  void set(const Eigen::MatrixBase<Derived>& Z) {
    set(Z, [](Index) { return true; });
  }
  /// Those of the columns j for which counts(j) is true; there may be none.
  template <class Derived, class Counts>
  void set(const Eigen::MatrixBase<Derived>& Z, const Counts& counts) {
    clear(Z.rows());
    for (Index j = 0; j < Z.cols(); ++j) {
      if (!counts(j)) continue;
      ++count_;
      for (Index i = 0; i < Z.rows(); ++i) mean_(i) += double(Z(i, j));
    }
    if (count_ == 0) return;
    for (Index i = 0; i < Z.rows(); ++i) mean_(i) /= double(count_);
    for (Index j = 0; j < Z.cols(); ++j) {
      if (!counts(j)) continue;
      for (Index i = 0; i < Z.rows(); ++i) squares_(i) += (double(Z(i, j)) - mean_(i)) * (double(Z(i, j)) - mean_(i));
    }
  }

  /// Adds the columns that `other`, of as many rows, has seen.
  void merge(const RowMoments& other) {
    if (other.count_ == 0) return;
    const double n = double(count_ + other.count_), share = double(other.count_) / n;
    for (Index i = 0; i < mean_.size(); ++i) {
      const double step = other.mean_(i) - mean_(i);
      squares_(i) += other.squares_(i) + (double(count_) * share) * (step * step);
      mean_(i) += share * step;
    }
    count_ += other.count_;
  }

  [[nodiscard]] Index count() const noexcept { return count_; }
  [[nodiscard]] const Vector<double>& mean() const noexcept { return mean_; }
  /// The biased variance of row i, 1/n Σ (x - mean)²: 0 for one column. The count must not be 0.
  [[nodiscard]] double variance(Index i) const { return squares_(i) / double(count_); }

 private:
  Index count_ = 0;
  Vector<double> mean_, squares_;
};

}  // namespace pathline
