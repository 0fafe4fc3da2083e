/// \file
/// Maximum mean discrepancy: how far two samples are from being of one distribution, without any density.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace pathline {

/// - `biased`: pairs of a sample with itself count too; never below 0 but by rounding. For two samples of one
///   distribution it is about (1 - E k) (1/n + 1/m).
/// - `unbiased`: they do not count, and the expectation is the true value. For nearly equal distributions, whose true
///   value is next to 0, it is therefore negative more often than not.
enum class MmdForm { biased, unbiased };

struct MmdOptions {
  MmdForm form = MmdForm::biased;
  int threads = 0;  ///< As thread_count(); results are the same bits for every number.
};

namespace detail {

/// Σ exp(-‖x_i - y_j‖²) over j and those i < count_before(j), which grows with j. X is transposed, so that components
/// are contiguous; the sum over i goes through a chunk at a time, the sum over chunks is in their order.
template <Real Scalar, class CountBefore>
[[nodiscard]] double kernel_sum(const Batch<Scalar>& X_transposed, const Batch<Scalar>& Y, int threads,
                                CountBefore&& count_before) {
  constexpr Index widest = 512;  // 8 KiB of two components
  const Index n = X_transposed.rows(), d = Y.rows();
  std::vector<double> sums(std::size_t(chunk_count(n, widest)));
  for_each_chunk(n, widest, threads, [&](Index c, ColumnChunk chunk, int /*thread*/) {
    Eigen::Array<Scalar, Eigen::Dynamic, 1> squares(chunk.count);
    double sum = 0;
    for (Index j = 0; j < Y.cols(); ++j) {
      const Index count = std::clamp<Index>(count_before(j) - chunk.first, 0, chunk.count);
      if (count == 0) continue;
      // Differences, not norms and a product: those would lose the small distances that count most.
      squares.head(count).setZero();
      for (Index i = 0; i < d; ++i)
        squares.head(count) += (X_transposed.col(i).segment(chunk.first, count).array() - Y(i, j)).square();
      sum += (-squares.head(count)).exp().sum();
    }
    sums[std::size_t(c)] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

/// Mean of the kernel over the pairs of X's columns.
template <Real Scalar>
[[nodiscard]] double mean_kernel_within(const Batch<Scalar>& X, const MmdOptions& options) {
  const double pairs = kernel_sum<Scalar>(X.transpose(), X, options.threads, [](Index j) { return j; });
  const auto n = double(X.cols());
  return options.form == MmdForm::biased ? (2 * pairs + n) / (n * n) : 2 * pairs / (n * (n - 1));
}

}  // namespace detail

/// Squared maximum mean discrepancy of the samples X (d × n) and Y (d × m) with the kernel k = exp(-‖x - y‖²) of
/// OT-Flow (Onken et al. 2021; docs/maths.md, (12.2)): mean k(x, x') + mean k(y, y') - 2 mean k(x, y). The kernel's
/// length is 1: values of data on different scales do not compare.
///
/// Float or double; differences and sums are in double. Cost (n + m)² / 2 kernels, in memory of the size of the data.
/// \throws ShapeError, DataError on bad samples; ArgumentError when the unbiased form has fewer than 2 samples.
template <class DerivedX, class DerivedY>
[[nodiscard]] double mmd_squared(const Eigen::MatrixBase<DerivedX>& X, const Eigen::MatrixBase<DerivedY>& Y,
                                 const MmdOptions& options = {}) {
  const Batch<detail::Double<DerivedX>> x = X.template cast<double>(), y = Y.template cast<double>();
  require_finite("mmd_squared: X", x);
  require_finite("mmd_squared: Y", y);
  require_batch_rows("mmd_squared: Y", y.rows(), y.cols(), x.rows());
  const Index fewest = std::min(x.cols(), y.cols());
  if (options.form == MmdForm::unbiased && fewest < 2)
    throw ArgumentError("mmd_squared: number of samples", fewest, "at least 2 for the unbiased form");
  const double across =
      detail::kernel_sum<double>(x.transpose(), y, options.threads, [&](Index /*j*/) { return x.cols(); });
  return detail::mean_kernel_within(x, options) + detail::mean_kernel_within(y, options) -
         2 * across / (double(x.cols()) * double(y.cols()));
}

}  // namespace pathline
