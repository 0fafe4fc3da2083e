/// \file
/// One number for the error of a step, 1 being the tolerance: every entry in units of its own tolerance, then a norm
/// of the whole. docs/maths.md, (4.1).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/tableau/entry_by_entry.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline {

namespace detail {

template <class Derived>
[[nodiscard]] double mean_square(const Eigen::ArrayBase<Derived>& scaled) {
  return double(scaled.abs2().sum()) / double(scaled.size());
}

}  // namespace detail

/// Root mean square over all entries of all columns: one number for the batch, as diffrax and torchdiffeq take it. A
/// single bad sample may hide among many good ones.
struct RmsNorm {
  template <class Derived>
  [[nodiscard]] double operator()(const Eigen::ArrayBase<Derived>& scaled) const {
    return std::sqrt(detail::mean_square(scaled));
  }
};

/// The largest of the columns' root mean squares: each sample meets the tolerance, at the price of steps that the
/// hardest sample dictates.
struct MaxSampleNorm {
  template <class Derived>
  [[nodiscard]] double operator()(const Eigen::ArrayBase<Derived>& scaled) const {
    double most = 0;
    for (Index j = 0; j < scaled.cols(); ++j) {
      const double sample = double(scaled.col(j).abs2().sum());
      if (!(sample <= most)) most = sample;
      if (std::isnan(most)) break;  // no later column may hide it
    }
    return std::sqrt(most / double(scaled.rows()));
  }
};

/// A norm of the first `rows` rows alone: the rows below follow, and do not choose, the steps. (A right-hand side says
/// the same of itself by error_rows().)
template <class Norm = RmsNorm>
struct TopRowsSeminorm {
  Index rows;
  Norm norm{};

  template <class Derived>
  [[nodiscard]] double operator()(const Eigen::ArrayBase<Derived>& scaled) const {
    return norm(scaled.topRows(rows));
  }
};

namespace detail {

/// error / (atol + rtol · max(|y|, |y_next|)), entry by entry, as one expression of the arguments. With atol = 0 a
/// scale can be 0; then 0 / tiny is 0, where 0 / 0 would be NaN. The inverse does not wait for the error.
template <class Error, class Y, class YNext>
[[nodiscard]] auto scaled_error(const Eigen::MatrixBase<Error>& error, const Eigen::MatrixBase<Y>& y,
                                const Eigen::MatrixBase<YNext>& y_next, double rtol, double atol) {
  using Scalar = typename Error::Scalar;
  return error.array() * (Scalar(atol) + Scalar(rtol) * y.array().abs().max(y_next.array().abs()))
                             .max(std::numeric_limits<Scalar>::min())
                             .inverse();
}

/// The square of RmsNorm of scaled_error().
template <class Error, class Y, class YNext>
[[nodiscard]] EIGEN_ALWAYS_INLINE double mean_square_of_scaled_error(const Eigen::MatrixBase<Error>& error,
                                                                     const Eigen::MatrixBase<Y>& y,
                                                                     const Eigen::MatrixBase<YNext>& y_next,
                                                                     double rtol, double atol) {
  if constexpr (entry_by_entry<Error>) {
    using Scalar = typename Error::Scalar;
    Scalar sum(0);
    for (Index j = 0; j < Error::ColsAtCompileTime; ++j)
      for (Index i = 0; i < Error::RowsAtCompileTime; ++i) {
        const Scalar size = std::max(std::abs(y.coeff(i, j)), std::abs(y_next.coeff(i, j)));
        const Scalar scale = std::max(Scalar(atol) + Scalar(rtol) * size, std::numeric_limits<Scalar>::min());
        const Scalar entry = error.coeff(i, j) * (Scalar(1) / scale);
        sum += entry * entry;
      }
    return double(sum) * (1. / int(Error::SizeAtCompileTime));
  } else {
    return mean_square(scaled_error(error, y, y_next, rtol, atol));
  }
}

}  // namespace detail

/// Root mean square of error_i / (atol + rtol · max(|y_i|, |y_next_i|)), the arguments of one shape. NaN or infinity
/// in `error` gives NaN or infinity.
template <class Error, class Y, class YNext>
[[nodiscard]] double error_norm(const Eigen::MatrixBase<Error>& error, const Eigen::MatrixBase<Y>& y,
                                const Eigen::MatrixBase<YNext>& y_next, double rtol, double atol) {
  return std::sqrt(detail::mean_square_of_scaled_error(error, y, y_next, rtol, atol));
}

}  // namespace pathline
