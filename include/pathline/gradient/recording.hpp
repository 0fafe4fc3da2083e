/// \file
/// The record of a solve: what its accepted steps leave for the way back.
///
/// A recording is at once the right-hand side that a solver calls and the observer of its steps. Every
/// evaluation fills the next slot; a rejected step gives its slots back. Memory is kept from solve to solve.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/math/fetch_ahead.hpp>
#include <pathline/math/view_loops.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// Room for what evaluations leave, one slot each. Slots only grow: a narrower chunk uses the front of a wider one's.
template <Real S>
class RecordSlots {
 public:
  [[nodiscard]] std::span<S> at(std::size_t index, Index size) {
    if (slots_.size() <= index) slots_.resize(index + 1);
    if (slots_[index].size() < size) slots_[index].resize(size);
    return {slots_[index].data(), static_cast<std::size_t>(size)};
  }
  /// Products fetch this one, if it is there, while the result lives: an evaluation is about to fill it, or a pullback
  /// to read it. Slot 0 has none before it: `index` may be -1.
  [[nodiscard]] detail::FetchWhileMultiplying fetch(std::size_t index) const {
    if (index >= slots_.size()) return {nullptr, 0};
    const Vector<S>& slot = slots_[index];
    return {slot.data(), std::size_t(slot.size()) * sizeof(S)};
  }

 private:
  std::vector<Vector<S>> slots_;
};

/// An accepted step from t to t_next = t + h, to rounding. Its stage i ≥ 1 has slot `rest + i - 1`, stage 0 `first`.
struct RecordedStep {
  double t, h, t_next;
  std::size_t first, rest;

  /// When the stage of node c was evaluated: at the very end of the step for c = 1, as the stepper does.
  [[nodiscard]] double time(double c) const noexcept { return c == 1 ? t_next : t + c * h; }
};

/// Also the record of one step at a time, where `clear` comes before each: gradient/checkpoint does so, for any family.
/// \tparam Storage      What an evaluation leaves: gradient/record_storage.hpp.
/// \tparam keep_stages  Keep K_1 … K_s of every step too: what a cost of the steps reads.
template <Real S, RecordStorage Storage, bool keep_stages>
class Recording {
 public:
  using Scalar = S;

  using Step = RecordedStep;

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const DynamicsView<Scalar>& dynamics, Workspace<Scalar>& workspace) {
    dynamics_ = dynamics;
    workspace_ = &workspace;
    outputs_.clear();
    clear();
  }
  /// Forgets all steps.
  void clear(bool /*follows_on*/ = false) {
    steps_.clear();
    used_ = kept_ = first_ = 0;
  }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    const std::span<Scalar> tape = slot(used_++);
    const auto fetching = slots_.fetch(used_);
    Storage::template evaluate<Scalar>(dynamics_, t, y, dy, tape, *workspace_);
  }
  void path_slope(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    if (!leaves_out_quadratures()) return (*this)(t, y, dy);
    const DynamicsView<Scalar> path = dynamics_.path_dynamics();
    const Index d = path.rows(), n = path.columns();
    typename Workspace<Scalar>::Frame frame(*workspace_);
    const View<Scalar> Z = frame.batch(d, n), F = frame.batch(d, n), slopes(dy);
    detail::copy<Scalar>(View<const Scalar>(y).topRows(d), Z);
    const std::span<Scalar> tape = slots_.at(used_, Storage::slot_size(path));
    const auto fetching = slots_.fetch(used_ + 1);
    Storage::template evaluate<Scalar>(path, t, Z, F, tape, *workspace_);
    detail::copy<Scalar>(F, slopes.topRows(d));
    detail::fill<Scalar>(slopes.bottomRows(slopes.rows() - d), 0);
    ++used_;
  }
  [[nodiscard]] Index error_rows() const { return dynamics_.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics_.path_rows(); }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() {
    first_ = used_ - 1;
    kept_ = used_;
  }
  void discard() { used_ = kept_; }
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    copy_stages(stepper);
    steps_.push_back({t, h, stepper.t_next(), first_, kept_});
    if constexpr (Stepper::fsal) first_ = used_ - 1;
    kept_ = used_;
  }
  void output(Index /*i*/, const Batch<Scalar>& /*y*/) { outputs_.push_back(steps_.size()); }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  /// outputs()[i]: number of steps taken when the solve stood at the i-th of its times.
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }
  /// The stage derivatives of step `index`, of `count` stages.
  [[nodiscard]] std::span<const Batch<Scalar>> stages(std::size_t index, std::size_t count) const {
    return std::span<const Batch<Scalar>>(stages_).subspan(index * count, count);
  }

  /// Pullback of evaluation `index`, which was made at time t.
  void pullback(std::size_t index, double t, View<const Scalar> dy_bar, View<Scalar> path_bar, View<Scalar> theta_bar,
                Scalar& t_bar) {
    const auto fetching = slots_.fetch(index - 1);
    Storage::pullback(dynamics_, t, slot(index), dy_bar, path_bar, theta_bar, t_bar, *workspace_);
  }
  /// The same of one that was made by path_slope().
  void pullback_path(std::size_t index, double t, View<const Scalar> dy_bar, View<Scalar> path_bar,
                     View<Scalar> theta_bar, Scalar& t_bar) {
    if (!leaves_out_quadratures()) return pullback(index, t, dy_bar, path_bar, theta_bar, t_bar);
    const DynamicsView<Scalar> path = dynamics_.path_dynamics();
    typename Workspace<Scalar>::Frame frame(*workspace_);
    const View<Scalar> F_bar = frame.batch(path.rows(), path.columns());
    detail::copy<Scalar>(dy_bar.topRows(path.rows()), F_bar);
    const auto fetching = slots_.fetch(index - 1);
    Storage::pullback(path, t, slots_.at(index, Storage::slot_size(path)), F_bar, path_bar, theta_bar, t_bar,
                      *workspace_);
  }
  /// Scalars that a stage leaves.
  [[nodiscard]] static Index stage_size(const DynamicsView<Scalar>& dynamics) {
    return Storage::slot_size(dynamics) + (keep_stages ? dynamics.rows() * dynamics.columns() : 0);
  }

 protected:
  /// Those of the step that is to be accepted, where they are kept.
  template <class Stepper>
  void copy_stages(const Stepper& stepper) {
    if constexpr (keep_stages)
      for (std::size_t i = 0; i < std::size_t(Stepper::stages); ++i) {
        const std::size_t index = steps_.size() * std::size_t(Stepper::stages) + i;
        if (stages_.size() <= index) stages_.emplace_back();
        stages_[index] = stepper.stage(int(i));
      }
  }

  Workspace<Scalar>* workspace_ = nullptr;
  std::size_t used_ = 0, kept_ = 0;  // slots: filled, and of them those that nobody gives back

 private:
  /// A cost of the steps reads all rows of all stages.
  [[nodiscard]] bool leaves_out_quadratures() const { return !keep_stages && dynamics_.has_path_dynamics(); }
  [[nodiscard]] std::span<Scalar> slot(std::size_t index) { return slots_.at(index, Storage::slot_size(dynamics_)); }

  DynamicsView<Scalar> dynamics_;
  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  RecordSlots<Scalar> slots_;
  std::vector<Batch<Scalar>> stages_;
  std::size_t first_ = 0;
};

}  // namespace pathline
