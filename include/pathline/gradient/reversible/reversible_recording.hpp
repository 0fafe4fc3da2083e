/// \file
/// The record of a solve by a reversible method: the lengths of its steps, and both states at the output times. What
/// lies between them is computed anew on the way back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/errors.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace pathline {

/// What the solver calls and tells its news, and what the way back reads. The same whatever the storage of
/// Backpropagation is: memory does not grow with the number of steps but by three numbers each.
template <Real S>
class ReversibleRecording {
 public:
  using Scalar = S;
  struct Step {
    double t, h, t_next;
  };

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const DynamicsView<Scalar>& dynamics, Workspace<Scalar>& workspace) {
    dynamics_ = dynamics;
    workspace_ = &workspace;
    companion_ = nullptr;
    steps_.clear();
    outputs_.clear();
    kept_.clear();
    scale_ = drift_ = 0;
  }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    typename Workspace<Scalar>::Frame frame(*workspace_);
    dynamics_.evaluate(t, y, dy, frame.scalars(dynamics_.tape_size()), *workspace_);
  }
  [[nodiscard]] Index error_rows() const { return dynamics_.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics_.path_rows(); }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() const {}
  void discard() const {}
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    steps_.push_back({t, h, stepper.t_next()});
    companion_ = &stepper.companion();
  }
  void output(Index /*i*/, const Batch<Scalar>& y) {
    outputs_.push_back(steps_.size());
    if (!kept_.empty() && kept_.back() == steps_.size()) return;
    kept_.push_back(steps_.size());
    detail::copy<Scalar>(y, kept_state(kept_.size() - 1, 0));
    detail::copy<Scalar>(companion_ == nullptr ? y : *companion_, kept_state(kept_.size() - 1, 1));
    scale_ = std::max(scale_, double(y.topRows(path_rows()).cwiseAbs().maxCoeff()));
  }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }

  /// How far the way back was off where it came to kept states, in units of their largest entry: rounding, magnified.
  [[nodiscard]] double drift() const noexcept { return drift_; }

  /// Starts anew from the states that were kept after so many steps, if any were.
  /// \throws ReconstructionError when y and z, as they were computed on the way back, differ from these by more than
  ///         half of the scalar's digits.
  bool restore(std::size_t steps_done, View<Scalar> y, View<Scalar> z) {
    const auto found = std::lower_bound(kept_.begin(), kept_.end(), steps_done);
    if (found == kept_.end() || *found != steps_done) return false;
    const auto place = std::size_t(found - kept_.begin());
    const View<const Scalar> kept_y = kept_state(place, 0), kept_z = kept_state(place, 1);
    if (steps_done < steps_.size()) {
      require_close(steps_done, y, kept_y);
      require_close(steps_done, z, kept_z);
    }
    detail::copy<Scalar>(kept_y, y);
    detail::copy<Scalar>(kept_z, z);
    return true;
  }

  /// Evaluates anew, with a tape that `pullback(index, …)` reads until the next evaluation of this index.
  void evaluate(std::size_t index, double t, View<const Scalar> y, View<Scalar> dy) {
    dynamics_.evaluate(t, y, dy, tape(index), *workspace_);
  }
  void pullback(std::size_t index, double t, View<const Scalar> dy_bar, View<Scalar> path_bar, View<Scalar> theta_bar,
                Scalar& t_bar) {
    dynamics_.pullback(t, tape(index), dy_bar, path_bar, theta_bar, t_bar, *workspace_);
  }

 private:
  [[nodiscard]] View<Scalar> kept_state(std::size_t place, Index which) {
    const Index rows = dynamics_.rows(), n = dynamics_.columns();
    return {states_.at(place, 2 * rows * n).data() + which * rows * n, rows, n};
  }
  [[nodiscard]] std::span<Scalar> tape(std::size_t index) { return tapes_.at(index, dynamics_.tape_size()); }

  // Quadrature rows feed back into nothing, and do not count.
  void require_close(std::size_t steps_done, View<const Scalar> computed, View<const Scalar> kept) {
    SolveFailure at;
    double drift = 0;
    for (Index j = 0; j < kept.cols(); ++j)
      for (Index i = 0; i < path_rows(); ++i) {
        const double difference = std::abs(double(computed(i, j)) - double(kept(i, j)));
        if (difference <= drift) continue;  // a NaN is the worst
        drift = std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
        at.component = i;
        at.sample = j;
      }
    if (drift > 0) drift_ = std::max(drift_, drift / scale_);
    if (drift <= std::sqrt(double(std::numeric_limits<Scalar>::epsilon())) * scale_) return;
    at.solve = "reversible solve on its way back";
    at.t = steps_[steps_done].t;
    at.step = -steps_[steps_done].h;
    at.error_norm = std::numeric_limits<double>::quiet_NaN();
    at.statistics.accepted = Index(steps_.size() - steps_done);
    throw ReconstructionError(drift / scale_, at);
  }

  DynamicsView<Scalar> dynamics_;
  Workspace<Scalar>* workspace_ = nullptr;
  const Batch<Scalar>* companion_ = nullptr;  // of the stepper
  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  std::vector<std::size_t> kept_;  // after how many steps
  RecordSlots<Scalar> states_, tapes_;
  double scale_ = 0;  // the largest entry of the path rows that was kept
  double drift_ = 0;
};

}  // namespace pathline
