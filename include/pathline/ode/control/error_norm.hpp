/// \file
/// One number for the error of a step, 1 being the tolerance: every entry in units of its own tolerance, then a norm
/// of the whole. docs/maths.md, (4.1).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/tableau/entry_by_entry.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
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

/// Whether a matrix is one run of scalars, by its type.
template <class Dense>
inline constexpr bool one_run = (Eigen::internal::evaluator<Dense>::Flags & Eigen::LinearAccessBit) != 0;

/// Whether its entries lie in memory, those of a column next to each other. A row of a matrix fails: its entries are a
/// column apart.
template <class Dense>
inline constexpr bool in_columns =
    std::constructible_from<View<const typename Dense::Scalar>, const Dense&>&& Dense::InnerStrideAtCompileTime == 1;

/// Whether these are matrices in memory of a size known at run time, or blocks of such: a loop over views, which is
/// compiled once a scalar, sums their errors.
template <class Error, class Y, class YNext>
inline constexpr bool judged_in_loops =
    Error::SizeAtCompileTime == Eigen::Dynamic&& one_run<Error> == one_run<Y>&& one_run<Error> ==
    one_run<YNext>&& in_columns<Error>&& in_columns<Y>&& in_columns<YNext>;

/// The square of an entry of scaled_error(), from places in memory; always inlined, so that a target with fused
/// multiply-add uses it as it does in Eigen's expression.
template <Real Scalar>
struct ScaledSquare {
  View<const Scalar> error, y, y_next;
  Scalar rtol, atol;

  template <class At>
  EIGEN_ALWAYS_INLINE auto at(At /*access*/, Index of_error, Index of_y, Index of_next) const {
    using Value = typename At::Value;
    using std::abs, std::max;
    const Value size = max(Value(abs(At::load(y.data() + of_y))), Value(abs(At::load(y_next.data() + of_next))));
    const Value scale = max(Value(Value(atol) + Value(rtol) * size), Value(std::numeric_limits<Scalar>::min()));
    const Value entry = At::load(error.data() + of_error) * (Value(Scalar(1)) / scale);
    return Value(entry * entry);
  }
  template <class At>
  EIGEN_ALWAYS_INLINE auto operator()(At access, Index k) const {
    return at(access, k, k, k);
  }
  template <class At>
  EIGEN_ALWAYS_INLINE auto operator()(At access, Index i, Index j) const {
    return at(access, i + j * error.stride(), i + j * y.stride(), i + j * y_next.stride());
  }
};

/// Σ of the squares of scaled_error(), in the order of Eigen's sum over it. A block that has all rows is summed as any
/// other, so that the rows of costs below it change no bit.
template <Real Scalar, bool OneRun>
[[nodiscard]] double sum_of_squares_of_scaled_error(View<const Scalar> error, View<const Scalar> y,
                                                    View<const Scalar> y_next, Scalar rtol, Scalar atol) {
  const ScaledSquare<Scalar> square{error, y, y_next, rtol, atol};
  if constexpr (OneRun)
    return double(sum_of_run<Scalar>(error.size(), square));
  else
    return double(sum_of_block<Scalar>(error.rows(), error.cols(), square));
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
  } else if constexpr (judged_in_loops<Error, Y, YNext>) {
    using Scalar = typename Error::Scalar;
    return sum_of_squares_of_scaled_error<Scalar, one_run<Error>>(error.derived(), y.derived(), y_next.derived(),
                                                                  Scalar(rtol), Scalar(atol)) /
           double(error.size());
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
