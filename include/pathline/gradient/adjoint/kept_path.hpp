/// \file
/// The path of a solve by its dense output, docs/maths.md (5.1), in memory that serves solve after solve: what
/// InterpolatedAdjoint reads on the way back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/output/step_interpolant.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/hermite_weights.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <list>
#include <span>
#include <vector>

namespace pathline::detail {

/// The path rows between the times of a solve, forward or backward. Three states for each step, four where the method
/// has its own extension, seven of Dop853.
template <Real Scalar>
class KeptPath {
 public:
  /// Forgets the last solve, keeps its memory.
  /// \param rows  Path rows: the top rows of the states to come, of so many columns.
  void start(Index rows, Index columns) {
    rows_ = rows;
    columns_ = columns;
    steps_.clear();
  }

  /// Goes on by the step that `stepper` tried last from t, before accept().
  template <class Rhs, class Method>
  void append(Rhs& rhs, Stepper<Method, Batch<Scalar>>& stepper, double t) {
    constexpr std::size_t corrections = corrections_of<Stepper<Method, Batch<Scalar>>>;
    states_of_step_ = 3 + Index(corrections);
    keep(0, stepper.y());
    keep(1, stepper.start_slope(rhs, t));
    keep(2, stepper.end_slope(rhs));
    if constexpr (corrections > 0) {
      const std::span<Batch<Scalar>> scratch = scratch_like(stepper.y(), corrections);
      stepper.write_dense_corrections(rhs, t, std::span<Batch<Scalar>, corrections>(scratch.data(), corrections));
      for (std::size_t k = 0; k < corrections; ++k) keep(3 + k, scratch[k]);
    }
    steps_.push_back({t, stepper.t_next()});
    keep(0, stepper.y_next());  // at the end, until another step starts there
  }

  /// z(t) (path rows × columns, contiguous). Beyond the ends of the path: the polynomial of the step there.
  void evaluate(double t, View<Scalar> z) {
    eigen_assert(!steps_.empty() && z.contiguous());
    const bool forward = steps_.front().t <= steps_.back().t_next;
    const auto step = std::partition_point(steps_.begin(), std::prev(steps_.end()), [&](const Step& candidate) {
      return forward ? candidate.t_next < t : candidate.t_next > t;
    });
    const auto i = std::size_t(std::distance(steps_.begin(), step));
    const double h = step->t_next - step->t, theta = (t - step->t) / h;
    const HermiteWeights w = hermite_weights(theta);
    const View<const Scalar> y0 = kept(i, 0), y1 = kept(i + 1, 0);
    copy<Scalar>(theta == 1 ? y1 : y0, z);
    if (theta == 0 || theta == 1) return;  // the states themselves, without rounding
    axpy<Scalar>(Scalar(w.rise), y1, z);
    axpy<Scalar>(Scalar(-w.rise), y0, z);
    axpy<Scalar>(Scalar(h * w.first), kept(i, 1), z);
    axpy<Scalar>(Scalar(h * w.last), kept(i, 2), z);
    double weight = w.correction;
    for (Index k = 3; k < states_of_step_; ++k, weight *= theta) axpy<Scalar>(Scalar(weight), kept(i, k), z);
  }

  [[nodiscard]] std::size_t steps() const noexcept { return steps_.size(); }

 private:
  struct Step {
    double t, t_next;
  };

  // State k of the step that is being appended: y, f at both ends, corrections.
  void keep(std::size_t k, const Batch<Scalar>& state) {
    copy<Scalar>(View<const Scalar>(state).topRows(rows_), slot(steps_.size(), Index(k)));
  }
  [[nodiscard]] View<const Scalar> kept(std::size_t step, Index k) { return slot(step, k); }
  [[nodiscard]] View<Scalar> slot(std::size_t step, Index k) {
    const Index size = rows_ * columns_;
    return {slots_.at(step, states_of_step_ * size).data() + k * size, rows_, columns_};
  }

  // Room for `count` states of this shape; chunks of a batch have two shapes at most.
  [[nodiscard]] std::span<Batch<Scalar>> scratch_like(const Batch<Scalar>& like, std::size_t count) {
    for (std::vector<Batch<Scalar>>& known : scratch_)
      if (known.size() == count && known[0].rows() == like.rows() && known[0].cols() == like.cols()) return known;
    return scratch_.emplace_back(count, Batch<Scalar>(like.rows(), like.cols()));
  }

  Index rows_ = 0, columns_ = 0, states_of_step_ = 3;
  std::vector<Step> steps_;
  RecordSlots<Scalar> slots_;
  std::list<std::vector<Batch<Scalar>>> scratch_;
};

}  // namespace pathline::detail
