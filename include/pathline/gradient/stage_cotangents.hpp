/// \file
/// The cotangents of the stages of one step, which the way back of every Runge–Kutta method collects.
#pragma once

#include <pathline/core/few_rows.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/view_loops.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace pathline::detail {

/// K̄_i (rows × columns) and μ_i, the cotangent of the argument of stage i (path rows × columns), for i = 1 … s; in
/// memory of a frame. Base of a StepPullback, which adds finish().
template <Real Scalar, std::size_t s>
class StageCotangents {
 public:
  StageCotangents(Index rows, Index path_rows, Index columns, typename Workspace<Scalar>::Frame& frame)
      : path_(path_rows),
        stage_bar_(make(frame, rows, columns, std::make_index_sequence<s>{})),
        mu_(make(frame, path_rows, columns, std::make_index_sequence<s>{})) {}

  void begin() { active_.fill(false); }

  [[nodiscard]] std::span<BatchMap<Scalar>> start_stages() {
    for (std::size_t i = 0; i < s; ++i)
      if (!active_[i]) fill<Scalar>(stage_bar_[i], 0);
    active_.fill(true);
    return stage_bar_;
  }

  void add(std::size_t i, Scalar factor, const Scalar* bar) {
    const View<const Scalar> from(bar, stage_bar_[i].rows(), stage_bar_[i].cols());
    if (active_[i])
      axpy<Scalar>(factor, from, stage_bar_[i]);
    else
      set_scaled<Scalar>(factor, from, stage_bar_[i]);
    active_[i] = true;
  }

 protected:
  /// Path rows of Y += factor · X.
  void add_path_rows(Scalar factor, View<const Scalar> X, View<Scalar> Y) const {
    if (X.rows() == Y.rows()) return axpy<Scalar>(factor, X, Y);
    with_row_count(path_, [&](auto rows) {  // a column at a time, of two or three entries as a rule
      if constexpr (few_rows<decltype(rows)>)
        for (Index j = 0; j < X.cols(); ++j)
          for (Index i = 0; i < rows; ++i) Y(i, j) += factor * X(i, j);
      else
        axpy<Scalar>(factor, X, Y.topRows(rows));
    });
  }

  Index path_;
  std::array<BatchMap<Scalar>, s> stage_bar_, mu_;
  std::array<bool, s> active_{};  // whether K_{i+1} has a cotangent

 private:
  template <std::size_t... I>
  static std::array<BatchMap<Scalar>, s> make(typename Workspace<Scalar>::Frame& frame, Index rows, Index columns,
                                              std::index_sequence<I...>) {
    return {((void)I, frame.batch(rows, columns))...};
  }
};

}  // namespace pathline::detail
