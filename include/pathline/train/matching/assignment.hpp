/// \file
/// The assignment problem, exactly: which row each column of a matrix of costs takes, no row twice, so that the sum of
/// the costs is the least.
///
/// Columns bid for rows in auctions with smaller and smaller steps (Bertsekas, Annals of Oper. Res. 14 (1988) 105-123),
/// which find prices that are nearly the best; from there the columns without a row are served by shortest paths
/// (Jonker & Volgenant, Computing 38 (1987) 325-340), which is exact whatever the prices.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/pack.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace pathline {
namespace detail {

/// Keeps its memory from call to call. Every row has a price; a column that has a row finds it the cheapest, its price
/// taken off, and with all columns served that proves the assignment to be the best.
class AssignmentSolver {
 public:
  /// The row of each of the n columns, until the next call. \param costs  n × n; their sums are finite.
  std::span<const Index> solve(View<const double> costs) {
    costs_ = costs.data();
    stride_ = costs.stride();
    n_ = costs.cols();
    start_again();
    if (n_ == 1) {
      free_.clear();
      give(0, 0);
    }
    start_prices(costs);
    auction(costs_, stride_, price_, 0.0, 8 * n_);
    for (const Index column : free_) augment(column);
    return row_of_;
  }

 private:
  static std::size_t at(Index i) { return std::size_t(i); }
  [[nodiscard]] const double* costs_of(Index column) const { return costs_ + column * stride_; }

  void give(Index row, Index column) {
    row_of_[at(column)] = row;
    taker_[at(row)] = column;
  }
  void start_again() {
    taker_.assign(at(n_), -1);
    row_of_.assign(at(n_), -1);
    free_.resize(at(n_));
    std::iota(free_.begin(), free_.end(), Index(0));
  }

  // By auctions with steps from a large share of the costs down to where n of them no longer count; measured on points
  // in 2 and 64 dimensions, of which they leave a few per cent without a row. Any prices will do to begin with, so
  // these are floats, of costs between 0 and 1.
  void start_prices(View<const double> costs) {
    price_.assign(at(n_), 0);
    if (n_ < 2) return;
    const double low = costs.map().minCoeff(), range = costs.map().maxCoeff() - low;
    if (!(range > 0)) return;
    rounded_.resize(n_, n_);
    for (Index j = 0; j < n_; ++j)
      for (Index i = 0; i < n_; ++i) rounded_(i, j) = float((costs(i, j) - low) / range);
    rounded_price_.assign(at(n_), 0);
    for (double step = 1. / 32; step > 1 / (64 * double(n_)); step /= 4) {
      auction(rounded_.data(), n_, rounded_price_, float(step), 100 * n_);
      start_again();
    }
    for (std::size_t i = 0; i < price_.size(); ++i) price_[i] = range * double(rounded_price_[i]);
  }

  template <Real Scalar>
  struct TwoLeast {
    Index row;
    Scalar least, second;
  };
  // Of n costs less prices: the least, its first row, and the next one. Most of the time is spent here.
  template <Real Scalar>
  [[nodiscard]] static TwoLeast<Scalar> two_least(const Scalar* c, const Scalar* price, Index n) {
    using P = Pack<Scalar>;
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
    TwoLeast<Scalar> result{0, infinity, infinity};
    const auto see = [&](Scalar value, Scalar second, Index row) {
      if (value < result.least || (value == result.least && row < result.row)) {
        result.second = std::min(result.least, second);
        result.least = value;
        result.row = row;
      } else {
        result.second = std::min(result.second, value);
      }
    };
    Index i = 0;
    if (n >= P::size) {
      typename P::Lanes first{};
      std::iota(first.begin(), first.end(), Scalar(0));
      P least(infinity), second(infinity), rows(Scalar(0)), row = P::load(first.data());
      for (; i + P::size <= n; i += P::size, row += P(Scalar(P::size))) {
        const P value = P::load(c + i) - P::load(price + i);
        second = min(second, max(least, value));
        rows = select(value < least, row, rows);
        least = min(least, value);
      }
      const auto values = least.lanes(), seconds = second.lanes(), at_rows = rows.lanes();
      for (std::size_t lane = 0; lane < values.size(); ++lane) see(values[lane], seconds[lane], Index(at_rows[lane]));
    }
    for (; i < n; ++i) see(c[i] - price[i], infinity, i);
    return result;
  }

  // Each column without a row takes the cheapest, and lowers its price to `step` below where the second is as good. Who
  // had that row goes next. After so many turns, or where no price falls, columns stay without.
  template <Real Scalar>
  void auction(const Scalar* costs, Index stride, std::vector<Scalar>& prices, Scalar step, Index turns) {
    without_.clear();
    while (!free_.empty()) {
      const Index column = free_.back();
      free_.pop_back();
      const auto [row, least, second] = two_least<Scalar>(costs + column * stride, prices.data(), n_);
      const Scalar price = prices[at(row)] - (second - least + step);
      const Index before = taker_[at(row)];
      if (turns-- <= 0 || (before >= 0 && !(price < prices[at(row)]))) {
        without_.push_back(column);
        continue;
      }
      prices[at(row)] = price;
      give(row, column);
      if (before < 0) continue;
      row_of_[at(before)] = -1;
      free_.push_back(before);
    }
    std::swap(free_, without_);
  }

  // The shortest path, by costs less prices, from a column to a row that nobody has; columns on it move along.
  // `order_` holds rows whose distance is final, then those at the least distance, then the others.
  void augment(Index start) {
    order_.resize(at(n_));
    distance_.resize(at(n_));
    before_.assign(at(n_), start);
    std::iota(order_.begin(), order_.end(), Index(0));
    const double* const c = costs_of(start);
    for (Index i = 0; i < n_; ++i) distance_[at(i)] = c[i] - price_[at(i)];
    std::size_t final = 0, low = 0, up = 0;
    double least = 0;
    Index end = -1;
    while (end < 0) {
      if (low == up) {
        final = low;
        up = nearest(low, least);
        for (std::size_t k = low; k < up && end < 0; ++k)
          if (taker_[at(order_[k])] < 0) end = order_[k];
      } else {
        end = relax(order_[low++], least, up);
      }
    }
    for (std::size_t k = 0; k < final; ++k) {
      const Index row = order_[k];
      price_[at(row)] += distance_[at(row)] - least;
    }
    for (Index column = -1; column != start;) {
      column = before_[at(end)];
      taker_[at(end)] = column;
      std::swap(end, row_of_[at(column)]);
    }
  }

  // Moves the rows at the least distance to order_[low …]; returns where they end.
  std::size_t nearest(std::size_t low, double& least) {
    std::size_t up = low;
    least = std::numeric_limits<double>::infinity();
    for (std::size_t k = low; k < order_.size(); ++k) {
      const double distance = distance_[at(order_[k])];
      if (distance > least) continue;
      if (distance < least) up = low;
      least = distance;
      std::swap(order_[k], order_[up++]);
    }
    return up;
  }

  // Shorter ways by this row and the column that has it. Returns a free row at the least distance, or -1.
  Index relax(Index row, double least, std::size_t& up) {
    const Index column = taker_[at(row)];
    const double* const c = costs_of(column);
    const double offset = c[row] - price_[at(row)] - least;
    for (std::size_t k = up; k < order_.size(); ++k) {
      const Index i = order_[k];
      const double distance = c[i] - price_[at(i)] - offset;
      if (!(distance < distance_[at(i)])) continue;
      distance_[at(i)] = distance;
      before_[at(i)] = column;
      if (distance > least) continue;
      if (taker_[at(i)] < 0) return i;
      std::swap(order_[k], order_[up++]);
    }
    return -1;
  }

  const double* costs_ = nullptr;
  Index stride_ = 0, n_ = 0;
  Batch<float> rounded_;
  std::vector<float> rounded_price_;
  std::vector<double> price_, distance_;
  std::vector<Index> taker_, row_of_, free_, without_, order_, before_;
};

}  // namespace detail

/// The row that each column of `costs` (n × n) takes, no row twice, so that the sum of the costs is the least. O(n³) at
/// worst. Of several best ones, which one depends on the costs alone, not on the machine.
/// \throws ShapeError unless there are as many rows as columns; DataError for costs that are not finite, or whose sums
///         might not be.
[[nodiscard]] inline std::vector<Index> optimal_assignment(ConstBatchRef<double> costs) {
  require_rows("optimal_assignment: costs", costs.rows(), costs.cols());
  if (costs.cols() == 0) return {};
  require_finite("optimal_assignment: costs", costs);
  const View<const double> view(costs);
  const double largest = costs.cwiseAbs().maxCoeff();
  if (!std::isfinite(4 * double(costs.cols()) * largest))
    throw DataError({"optimal_assignment: costs are up to ", largest, ", expected numbers whose sums a double holds"});
  detail::AssignmentSolver solver;
  const std::span<const Index> rows = solver.solve(view);
  return {rows.begin(), rows.end()};
}

}  // namespace pathline
