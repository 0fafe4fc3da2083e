/// \file
/// The state of samples with steps of their own, which loses columns as samples arrive, in memory that only grows: a
/// matrix of Eigen would allocate each time.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/ode/batch/per_sample.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pathline::detail {

/// rows × columns, with what SampleSolver asks of a state.
template <Real S>
class SampleColumns {
 public:
  using Scalar = S;
  static constexpr int RowsAtCompileTime = Eigen::Dynamic;

  [[nodiscard]] Index rows() const noexcept { return rows_; }
  [[nodiscard]] Index cols() const noexcept { return cols_; }
  [[nodiscard]] VectorMap<S> col(Index j) { return VectorMap<S>(memory_.data() + j * rows_, rows_); }
  [[nodiscard]] ConstVectorMap<S> col(Index j) const { return ConstVectorMap<S>(memory_.data() + j * rows_, rows_); }
  [[nodiscard]] View<S> view() { return {memory_.data(), rows_, cols_}; }
  [[nodiscard]] View<const S> view() const { return {memory_.data(), rows_, cols_}; }

  /// Columns that it has before and after keep their entries where the rows stay as they are.
  void resize(Index rows, Index cols) {
    if (rows * cols > memory_.size()) memory_.conservativeResize(rows * cols);
    rows_ = rows;
    cols_ = cols;
  }
  void conservativeResize(Index rows, Index cols) { resize(rows, cols); }

 private:
  Vector<S> memory_;
  Index rows_ = 0, cols_ = 0;
};

/// A time for each of its columns.
template <Real S>
class ColumnTimes {
 public:
  void resize(Index columns) { times_.resize(std::size_t(columns)); }
  [[nodiscard]] double& operator()(Index j) { return times_[std::size_t(j)]; }
  [[nodiscard]] double operator()(Index j) const { return times_[std::size_t(j)]; }
  [[nodiscard]] std::span<const double> all() const { return times_; }

 private:
  std::vector<Double<S>> times_;
};

template <Real S>
struct TimesOf<SampleColumns<S>> {
  using type = ColumnTimes<S>;
};

}  // namespace pathline::detail
