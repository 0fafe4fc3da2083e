/// \file
/// The record of a solve: what its accepted steps leave for the way back.
///
/// A recording is at once the right-hand side that a solver calls and the observer that it tells of its steps. Every
/// evaluation takes the next tape; a rejected step gives its tapes back. Memory is kept from solve to solve.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// Whether the way back reads tapes kept from the way out, or evaluates again from the kept stage inputs: less memory
/// (rows × columns a stage instead of every intermediate), for a quarter to a half more time. The numbers are the same.
enum class Tapes { keep, recompute };

/// \tparam G            The dynamics of the chunk.
/// \tparam keep_stages  Keep K_1 … K_s of every step too: what a cost of the steps reads.
template <Dynamics G, bool keep_stages>
class Recording {
 public:
  using Scalar = typename G::Scalar;

  /// An accepted step from t to t_next = t + h, to rounding. Its stage i ≥ 1 has tape `rest + i - 1`, stage 0 `first`.
  struct Step {
    double t, h, t_next;
    std::size_t first, rest;

    /// When the stage of node c was evaluated: at the very end of the step for c = 1, as the stepper does.
    [[nodiscard]] double time(double c) const noexcept { return c == 1 ? t_next : t + c * h; }
  };

  /// Forgets the last solve, keeps its memory.
  void start(const G& dynamics, Tapes tapes, Workspace<Scalar>& workspace) {
    dynamics_ = &dynamics;
    workspace_ = &workspace;
    tapes_mode_ = tapes;
    steps_.clear();
    outputs_.clear();
    used_ = kept_ = first_ = 0;
  }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    if (tapes_mode_ == Tapes::keep) {
      dynamics_->evaluate(t, y, dy, slab(tapes_, used_, dynamics_->tape_size()), *workspace_);
    } else {
      const std::span<Scalar> input = slab(tapes_, used_, y.size());
      BatchMap<Scalar>(input.data(), y.rows(), y.cols()) = y;
      typename Workspace<Scalar>::Frame frame(*workspace_);
      dynamics_->evaluate(t, y, dy, frame.scalars(dynamics_->tape_size()), *workspace_);
    }
    ++used_;
  }
  [[nodiscard]] Index error_rows() const { return dynamics_->error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics_->path_rows(); }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() {
    first_ = used_ - 1;
    kept_ = used_;
  }
  void discard() { used_ = kept_; }
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    steps_.push_back({t, h, stepper.t_next(), first_, kept_});
    if constexpr (keep_stages)
      for (std::size_t i = 0; i < std::size_t(Stepper::stages); ++i) {
        const std::size_t index = (steps_.size() - 1) * std::size_t(Stepper::stages) + i;
        if (stages_.size() <= index) stages_.emplace_back();
        stages_[index] = stepper.stage(int(i));
      }
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

  /// Pullback of the evaluation that left tape `index`, which was made at time t.
  void pullback(std::size_t index, double t, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar) {
    const Index size = dynamics_->tape_size();
    if (tapes_mode_ == Tapes::keep) {
      dynamics_->pullback(t, slab(tapes_, index, size), dy_bar, path_bar, theta_bar, t_bar, *workspace_);
      return;
    }
    typename Workspace<Scalar>::Frame frame(*workspace_);
    const std::span<Scalar> tape = frame.scalars(size);
    const BatchMap<Scalar> y(tapes_[index].data(), dynamics_->rows(), dynamics_->columns());
    BatchMap<Scalar> dy = frame.batch(y.rows(), y.cols());
    dynamics_->evaluate(t, y, dy, tape, *workspace_);
    dynamics_->pullback(t, tape, dy_bar, path_bar, theta_bar, t_bar, *workspace_);
  }

 private:
  // Slabs only grow: a narrower chunk uses the front of a wider one's.
  static std::span<Scalar> slab(std::vector<Vector<Scalar>>& slabs, std::size_t index, Index size) {
    if (slabs.size() <= index) slabs.resize(index + 1);
    if (slabs[index].size() < size) slabs[index].resize(size);
    return {slabs[index].data(), static_cast<std::size_t>(size)};
  }

  const G* dynamics_ = nullptr;
  Workspace<Scalar>* workspace_ = nullptr;
  Tapes tapes_mode_ = Tapes::keep;
  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  std::vector<Vector<Scalar>> tapes_;
  std::vector<Batch<Scalar>> stages_;
  std::size_t used_ = 0, kept_ = 0, first_ = 0;
};

}  // namespace pathline
