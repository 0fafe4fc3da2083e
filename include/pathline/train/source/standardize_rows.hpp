/// \file
/// `Standardize` of rows that need not fit into memory, in one pass over them.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/statistics/component_spread.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/train/source/row_set.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pathline {
namespace detail {

/// Means and deviations of data that arrive in blocks: those of each block, merged two of about equal counts at a time,
/// so that rounding grows with the logarithm of their number. Chan, Golub & LeVeque, Amer. Statist. 37 (1983) 242–247.
class SpreadOfBlocks {
 public:
  /// \param block  d × n, finite, n at least 1. Overwritten.
  void add(Batch<double>& block) {
    const Index d = block.rows();
    if (parts_.empty()) origin_ = moments_of(block).mean;
    Part part{block.cols(), Vector<double>(d), Vector<double>(d)};
    for (Index i = 0; i < d; ++i) {
      // Differences from a number in their middle have all digits also where the mean is far larger than they are.
      for (Index j = 0; j < block.cols(); ++j) block(i, j) -= origin_(i);
      const auto [mean, deviation, unit] = moments_of_component(block, i, block);
      part.mean(i) = mean * unit;
      part.deviation(i) = deviation * unit;
    }
    parts_.push_back(std::move(part));
    while (parts_.size() > 1 && parts_[parts_.size() - 2].count <= parts_.back().count) merge_last();
  }

  /// Of all blocks, of which there was one at least.
  [[nodiscard]] ComponentSpread spread() {
    while (parts_.size() > 1) merge_last();
    ComponentSpread result{parts_.front().mean, parts_.front().deviation, {}};
    for (Index i = 0; i < result.mean.size(); ++i) result.mean(i) += origin_(i);
    return result;
  }

 private:
  struct Part {
    Index count;
    Vector<double> mean, deviation;
  };

  // In units of the largest of three lengths, so that no square overflows or underflows.
  void merge_last() {
    const Part last = std::move(parts_.back());
    parts_.pop_back();
    Part& all = parts_.back();
    const double share = double(last.count) / double(all.count + last.count);
    for (Index i = 0; i < all.mean.size(); ++i) {
      const double step = last.mean(i) - all.mean(i);
      const double unit = std::max({all.deviation(i), last.deviation(i), std::abs(step)});
      const auto square = [unit](double x) { return (x / unit) * (x / unit); };
      if (unit > 0)
        all.deviation(i) = unit * std::sqrt((1 - share) * square(all.deviation(i)) + share * square(last.deviation(i)) +
                                            share * (1 - share) * square(step));
      all.mean(i) += share * step;
    }
    all.count += last.count;
  }

  Vector<double> origin_;
  std::vector<Part> parts_;
};

/// Least and greatest of a component, and the first row that has it.
struct Extremes {
  FarSample least{0, 0}, greatest{0, 0};
};

template <RowSet Rows>
[[nodiscard]] Standardize<typename Rows::Scalar> standardized(const Rows& rows, Index d) {
  using Scalar = typename Rows::Scalar;
  const std::string what = "standardize";
  const Index n = rows.size();
  if (d < 1 || d > rows.dim())
    throw ArgumentError("standardize: dim", d, message({"from 1 to ", rows.dim(), ", the numbers of a row"}));
  if (n < 2)
    throw DataError({what, ": data has ", n, n == 1 ? " row" : " rows", ", expected at least 2 to tell their spread"});
  constexpr Precision precision = precision_of<Scalar>;
  const Index width = std::clamp<Index>((Index{1} << 16) / rows.dim(), 1, 4096);
  const Index stride = stride_of_neighbours(n, std::clamp<Index>((Index{1} << 22) / d, 1000, 20'000));
  std::vector<std::vector<double>> thinned(static_cast<std::size_t>(d));
  std::vector<Extremes> extremes(static_cast<std::size_t>(d));
  SpreadOfBlocks moments;
  Batch<Scalar> X;
  Batch<double> block;
  for (Index first = 0; first < n; first += width) {
    const Index count = std::min(width, n - first);
    X.resize(rows.dim(), count);
    rows.read(first, X);
    require_finite_rows("standardize", rows, first, View<const Scalar>(X));
    block.resize(d, count);
    for (Index j = 0; j < count; ++j)
      for (Index i = 0; i < d; ++i) {
        const double x = block(i, j) = double(X(i, j));
        auto& [least, greatest] = extremes[std::size_t(i)];
        if (first + j == 0 || x < least.value) least = {first + j, x};
        if (first + j == 0 || x > greatest.value) greatest = {first + j, x};
        if ((first + j) % stride == 0) thinned[std::size_t(i)].push_back(x);
      }
    for (Index i = 0; i < d; ++i)
      require_size(what, i, extremes[std::size_t(i)].least.value, extremes[std::size_t(i)].greatest.value);
    moments.add(block);
  }
  const ComponentSpread spread = moments.spread();
  for (Index i = 0; i < d; ++i) {
    const auto& [least, greatest] = extremes[std::size_t(i)];
    require_density(what, i, least.value, greatest.value, spread.mean(i), spread.deviation(i), precision);
  }
  for (Index i = 0; i < d; ++i)
    require_told_apart(what, i, thinned[std::size_t(i)], spread.mean(i), spread.deviation(i), precision, [&] {
      const Extremes& at = extremes[std::size_t(i)];
      const bool below = spread.mean(i) - at.least.value > at.greatest.value - spread.mean(i);
      const FarSample far = below ? at.least : at.greatest;
      return FarSample{number_in_data(rows, far.sample), far.value};
    });
  return Standardize<Scalar>(spread.mean, spread.deviation);
}

}  // namespace detail

/// The means and standard deviations of rows, in one pass and bounded memory: to rounding those of
/// `Standardize(all_of(rows))`, refused for the same reasons.
/// \param dim  Number of leading components that are the sample's own; none: all. Give it where context or a weight
///             (`ShuffleOptions::last_is_weight`) follows. Rows are not weighted.
/// \throws DataError as `Standardize`, with the numbers of rows; ArgumentError for `dim`; what reading throws.
template <class Rows>
[[nodiscard]] auto standardize(const Rows& rows, std::optional<Index> dim = {}) {
  static_assert(RowSet<Rows>, "standardize: the rows need Scalar, dim(), size() and read(first, X)");
  if constexpr (RowSet<Rows>) return detail::standardized(rows, dim.value_or(rows.dim()));
}

}  // namespace pathline
