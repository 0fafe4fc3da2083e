/// \file
/// Positive data, such as incomes, counts of cells or particle energies, to their logarithms.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>
#include <pathline/flow/transform/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// z_i = log (x_i + shift_i) in all components or in some; the others stay as they are.
/// The slope is dz_i/dx_i = 1 / (x_i + shift_i).
template <Real Scalar>
class Log {
 public:
  static constexpr bool by_component = true;

  /// Transforms all components.
  /// \param shift  d numbers.
  /// \throws ArgumentError on a shift that is not finite.
  explicit Log(const Vector<Scalar>& shift) : Log(shift.size(), all(shift.size()), shift) {}

  /// Transforms the components `rows` among d; the others stay as they are.
  /// \param shift  One number for each of `rows`.
  /// \throws ShapeError when rows and shift are of different numbers; ArgumentError on a row that is not among the d or
  ///         comes twice, or a shift that is not finite.
  Log(Index d, std::vector<Index> rows, const Vector<Scalar>& shift)
      : dim_(d), rows_(std::move(rows)), shift_(shift), least_(shift.size()) {
    require_rows("Log: shift", shift.size(), Index(rows_.size()));
    detail::require_parameter("Log: shift", shift);
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      const bool again =
          std::find(rows_.begin(), rows_.begin() + std::ptrdiff_t(k), rows_[k]) != rows_.begin() + std::ptrdiff_t(k);
      if (rows_[k] < 0 || rows_[k] >= d || again)
        throw ArgumentError("Log: rows[" + std::to_string(k) + "]", rows_[k],
                            again ? "each row once" : "from 0 to " + std::to_string(d - 1));
    }
    for (Index k = 0; k < shift.size(); ++k)  // the least x for which x + shift is a positive normal number
      least_(k) = shift(k) == 0 ? std::numeric_limits<Scalar>::min()
                                : std::nextafter(-shift(k), std::numeric_limits<Scalar>::infinity());
  }

  [[nodiscard]] Index dim() const noexcept { return dim_; }
  /// The components that are transformed, and the shift of each.
  [[nodiscard]] const std::vector<Index>& rows() const noexcept { return rows_; }
  [[nodiscard]] const Vector<Scalar>& shift() const noexcept { return shift_; }

  void check(Index d) const { require_rows("Log: field", d, dim_); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    for (Index j = 0; j < X.cols(); ++j) {
      Z.col(j) = X.col(j);
      double sum = 0;
      for (std::size_t k = 0; k < rows_.size(); ++k) {
        const Index i = rows_[k];
        const Scalar x = Z(i, j), shift = shift_(Index(k));
        if (!(x + shift > 0))
          throw DomainError("Log", double(x), i, j,
                            "above " + detail::number(-double(shift) + 0.) +
                                (x + shift == 0 ? "; dequantize counts first, or give Log a larger shift" : ""));
        Z(i, j) = std::log(x + shift);
        sum -= double(Z(i, j));
      }
      log_det(j) = Scalar(sum);
    }
  }
  /// Where x + shift rounds to 0, x is the least number of the domain.
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      X.col(j) = Z.col(j);
      for (std::size_t k = 0; k < rows_.size(); ++k) {
        const Index i = rows_[k];
        X(i, j) = std::max(std::exp(X(i, j)) - shift_(Index(k)), least_(Index(k)));
      }
    }
  }
  /// dz/dx = 1 / (x + shift), and so is -d log|dz/dx|/dx.
  void pullback(ConstBatchRef<Scalar> X, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) const {
    X_bar = Z_bar;
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      const Index i = rows_[k];
      for (Index j = 0; j < X.cols(); ++j) X_bar(i, j) = (Z_bar(i, j) - Scalar(1)) / (X(i, j) + shift_(Index(k)));
    }
  }

 private:
  static std::vector<Index> all(Index d) {
    std::vector<Index> rows(static_cast<std::size_t>(d));
    std::iota(rows.begin(), rows.end(), Index{0});
    return rows;
  }

  Index dim_;
  std::vector<Index> rows_;
  Vector<Scalar> shift_, least_;  ///< One number for each of rows_.
};

template <class Derived>
explicit Log(const Eigen::MatrixBase<Derived>&) -> Log<typename Derived::Scalar>;
template <class Derived>
Log(Index, std::vector<Index>, const Eigen::MatrixBase<Derived>&) -> Log<typename Derived::Scalar>;

}  // namespace pathline
