/// \file
/// A record in bounded memory: some of the states that a solve went through, from which its steps are run again, one
/// after another, on the way back.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/checkpoint/binomial_schedule.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/stepper.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// What the solver calls and tells its news, and what the way back reads, as `Recording` is and does. A step that runs
/// again has the same bits: its argument is the same, and so is its length. The step that the way back stands at has
/// its tapes and its stages; `open` makes it another.
///
/// Where the number of steps is known, states are kept by the binomial schedule from the start; else every 2^k-th is,
/// and k grows when their number is reached. Between them the schedule is binomial on the way back, in the places that
/// have become free.
///
/// \tparam keep_stages  Keep K_1 … K_s of the last step too: what a cost of the steps reads.
template <ExplicitMethod Method, Real S, bool keep_stages = false>
class CheckpointRecording {
  static constexpr auto s = std::size_t(Method::tableau.stages);
  using TheStepper = Stepper<Method, Batch<S>>;
  static constexpr std::size_t block = 1024;  // scalars of the blocks that small states share

 public:
  using Scalar = S;

  /// As Recording::Step: `first` and `rest` number the evaluations of the whole solve.
  using Step = RecordedStep;

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const DynamicsView<Scalar>& dynamics, Workspace<Scalar>& workspace) {
    dynamics_ = dynamics;
    workspace_ = &workspace;
    steps_.clear();
    outputs_.clear();
    kept_.clear();
    used_ = kept_evaluations_ = first_ = 0;
    runs_ = 0;
  }

  /// \param count  States to keep, the start among them; at least 1.
  /// \param steps  Of the whole solve; 0 where nobody knows.
  void plan(Index count, Index steps) {
    auto& again = again_.at(dynamics_.rows(), dynamics_.columns());
    stepper_ = &again.stepper;
    start_ = &again.y;
    free_.clear();
    fresh_ = 0;
    places_ = std::size_t(steps > 0 ? std::min(count, steps) : count);
    if (steps > 0) {  // growing lists would hold twice of what they have for a while
      steps_.reserve(std::size_t(steps));
      kept_.reserve(places_);
      free_.reserve(places_);
    }
    stretch_ = steps;
    spacing_ = 1;
    next_kept_ = 0;
  }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    typename Workspace<Scalar>::Frame frame(*workspace_);
    dynamics_.evaluate(t, y, dy, frame.scalars(dynamics_.tape_size()), *workspace_);
    ++used_;
  }
  [[nodiscard]] const DynamicsView<Scalar>& dynamics() const noexcept { return dynamics_; }
  [[nodiscard]] Index error_rows() const { return dynamics_.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics_.path_rows(); }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() {
    first_ = used_ - 1;
    kept_evaluations_ = used_;
  }
  void discard() { used_ = kept_evaluations_; }
  void accept(double t, double h, const TheStepper& stepper) {
    if (Index(steps_.size()) == next_kept_) keep_start_of_step(stepper.y());
    steps_.push_back({t, h, stepper.t_next(), first_, kept_evaluations_});
    if constexpr (TheStepper::fsal) first_ = used_ - 1;
    kept_evaluations_ = used_;
    if constexpr (keep_stages) copy_stages(stepper);
  }
  void output(Index /*i*/, const Batch<Scalar>& /*y*/) { outputs_.push_back(steps_.size()); }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }

  /// Runs step `index` again, with its tapes. Steps are opened from the last to the first.
  void open(std::size_t index) {
    while (kept_.back().step > index) {
      free_.push_back(kept_.back().place);
      kept_.pop_back();
    }
    std::size_t at = kept_.back().step;
    detail::copy<Scalar>(state(kept_.back().place), *start_);
    stepper_->reset(*start_);
    while (at < index) {
      std::size_t until = index;
      if (free_places() > 0) until = at + std::size_t(binomial_split(Index(index - at) + 1, free_places() + 1));
      for (; at < until; ++at) {
        run(at, *this);
        stepper_->accept();
        ++runs_;
      }
      if (free_places() > 0) keep(at, stepper_->y());
    }
    open_ = index;
    Taping taping{*this, 0};
    // K_1 is wanted with its tape, also where the step before has left it.
    stepper_->restart();
    run(index, taping);
    if constexpr (keep_stages) copy_stages(*stepper_);
  }

  /// The stage derivatives of the step accepted last on the way out, of the open step on the way back.
  [[nodiscard]] std::span<const Batch<Scalar>> stages(std::size_t /*index*/, std::size_t count) const {
    return std::span<const Batch<Scalar>>(stages_).first(count);
  }

  /// Pullback of evaluation `index`, of the open step, which was made at time t.
  void pullback(std::size_t index, double t, View<const Scalar> dy_bar, View<Scalar> path_bar, View<Scalar> theta_bar,
                Scalar& t_bar) {
    const Step& step = steps_[open_];
    const std::size_t stage = index == step.first ? 0 : index - step.rest + 1;
    eigen_assert(stage < s);
    dynamics_.pullback(t, slot(stage), dy_bar, path_bar, theta_bar, t_bar, *workspace_);
  }

  /// Steps that were run again to come to others since start(): those that pullbacks read are not counted.
  [[nodiscard]] Index runs() const noexcept { return runs_; }
  /// Bytes in use with `count` kept states: these, the tapes of one step, and what runs steps again.
  [[nodiscard]] static std::size_t bytes(const DynamicsView<Scalar>& dynamics, Index count) {
    const Index states = count + Index(s) + 5 + (keep_stages ? Index(s) : 0);
    const Index scalars = states * dynamics.rows() * dynamics.columns() + Index(s) * dynamics.tape_size();
    return std::size_t(scalars) * sizeof(Scalar) + std::size_t(count) * (sizeof(Kept) + sizeof(std::size_t));
  }

 private:
  void copy_stages(const TheStepper& stepper) {
    stages_.resize(s);
    for (std::size_t i = 0; i < s; ++i) stages_[i] = stepper.stage(int(i));
  }

  struct Kept {
    std::size_t step, place;  // the state at the start of this step
  };
  // The right-hand side of the step that the way back stands at.
  struct Taping {
    CheckpointRecording& record;
    std::size_t stage;
    void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
      record.dynamics_.evaluate(t, y, dy, record.slot(stage++), *record.workspace_);
    }
  };

  /// Step `index` again, from where the stepper stands.
  template <class Rhs>
  void run(std::size_t index, Rhs& rhs) {
    const Step& step = steps_[index];
    // After a jump of the right-hand side K_1 was evaluated anew.
    if (index > 0 && TheStepper::fsal && step.first != steps_[index - 1].rest + s - 2) stepper_->restart();
    stepper_->step(rhs, step.t, step.h, step.t_next);
  }

  /// Keeps the state on the way out, and finds out when to do so again.
  void keep_start_of_step(const Batch<Scalar>& y) {
    if (stretch_ > 0) {  // a known number of steps is left from here on
      keep(steps_.size(), y);
      if (free_places() == 0 || stretch_ < 2) {
        next_kept_ = -1;
      } else {
        const Index part = binomial_split(stretch_, free_places() + 1);
        next_kept_ += part;
        stretch_ -= part;
      }
      return;
    }
    if (free_places() == 0) thin_out();
    if (Index(steps_.size()) % spacing_ == 0) keep(steps_.size(), y);
    next_kept_ = (Index(steps_.size()) / spacing_ + 1) * spacing_;
  }
  /// Every second of the kept states goes.
  void thin_out() {
    spacing_ *= 2;
    std::size_t left = 0;
    for (const Kept& kept : kept_) {
      if (Index(kept.step) % spacing_ == 0)
        kept_[left++] = kept;
      else
        free_.push_back(kept.place);
    }
    kept_.resize(left);
  }
  void keep(std::size_t step, const Batch<Scalar>& y) {
    std::size_t place = fresh_;
    if (free_.empty()) {
      ++fresh_;
    } else {
      place = free_.back();
      free_.pop_back();
    }
    kept_.push_back({step, place});
    detail::copy<Scalar>(y, state(place));
  }

  [[nodiscard]] Index free_places() const { return Index(free_.size() + places_ - fresh_); }
  /// Small states share a block, since each block of the heap takes about a hundred bytes more. Blocks hold no more
  /// than the states that were asked for, so that a small budget is kept too.
  [[nodiscard]] View<Scalar> state(std::size_t place) {
    const Index rows = dynamics_.rows(), n = dynamics_.columns(), size = rows * n;
    const auto in_block = std::clamp<std::size_t>(block / std::size_t(std::max<Index>(size, 1)), 1, places_);
    const std::size_t number = place / in_block, count = std::min(in_block, places_ - number * in_block);
    Scalar* const first = states_.at(number, Index(count) * size).data();
    return {first + Index(place % in_block) * size, rows, n};
  }
  [[nodiscard]] std::span<Scalar> slot(std::size_t stage) { return slots_.at(stage, dynamics_.tape_size()); }

  DynamicsView<Scalar> dynamics_;
  Workspace<Scalar>* workspace_ = nullptr;
  StepperPool<Method, Batch<Scalar>> again_;
  TheStepper* stepper_ = nullptr;  // of this shape
  Batch<Scalar>* start_ = nullptr;
  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  std::vector<Kept> kept_;         // in the order of their steps
  std::vector<std::size_t> free_;  // places that were given back; from fresh_ to places_ none was used yet
  RecordSlots<Scalar> states_, slots_;
  std::vector<Batch<Scalar>> stages_;
  Index stretch_ = 0, spacing_ = 1, next_kept_ = 0, runs_ = 0;
  std::size_t used_ = 0, kept_evaluations_ = 0, first_ = 0, open_ = 0, places_ = 0, fresh_ = 0;
};

}  // namespace pathline
