/// \file
/// A record in bounded memory: what some of the steps of a solve started from. From there steps are taken again, one
/// after another, on the way back.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/checkpoint/block_list.hpp>
#include <pathline/gradient/checkpoint/kept_steps.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>
#include <pathline/ode/stepper.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace pathline {

namespace detail {

/// The most evaluations of a step that leave something.
template <class Method>
constexpr Index recorded_stages() {
  if constexpr (requires { Method::tableau.stages; })
    return Method::tableau.stages;
  else if constexpr (requires { Method::weights.size(); })  // symplectic: with the one that it begins with
    return Index(Method::weights.size()) + 1;
  else if constexpr (requires { Method::Start::tableau.stages; })  // multistep
    return std::max<Index>(Method::Start::tableau.stages, 2);
  else
    return 1;
}

// Not within the record, a template of the method: lists of these would be compiled for each method anew.

/// An accepted step from t to t_next = t + h, to rounding.
struct CheckpointStep {
  double t, h, t_next;
  std::uint32_t trials;      ///< Rejected up to here, of all steps.
  bool follows_on, closing;  ///< As the family's record has them; false where it has not.
};
struct RejectedTrial {
  double h, t_next;
  bool closing;
};

}  // namespace detail

/// What the solver tells its news, and what the way back reads, for any method whose Stepper is a ResumableStepper. The
/// base is the family's own record, of one step at a time: `open` makes it that of another.
///
/// A step that is taken again has the same bits: it starts from the same state, has the same length, and reads the same
/// of the steps before it, which the stepper names (`Carried`). Of Newton's method these are Jacobians, and so the
/// trials that were rejected are tried again too.
///
/// \tparam keep_stages  Keep K_1 … K_s of the last step too: what a cost of the steps reads.
template <class Method, Real S, bool keep_stages = false>
class CheckpointRecording : public StepRecord<Method>::template Recording<S, KeepTapes, keep_stages> {
  using TheStepper = Stepper<Method, Batch<S>>;
  using Carried = typename TheStepper::Carried;
  using View = typename StepRecord<Method>::template Dynamics<S>;
  static constexpr bool carries = !std::same_as<Carried, NothingCarried>;

 public:
  using Scalar = S;
  /// The record of the open step, and what the solver calls on the way out.
  using OneStep = typename StepRecord<Method>::template Recording<S, KeepTapes, keep_stages>;

  using Step = detail::CheckpointStep;

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const View& dynamics, Workspace<Scalar>& workspace) {
    OneStep::start(dynamics, workspace);
    dynamics_ = dynamics;
    workspace_ = &workspace;
    steps_.clear();
    rejected_.clear();
    outputs_.clear();
    goal_ = {};
    runs_ = 0;
  }
  [[nodiscard]] const View& dynamics() const noexcept { return dynamics_; }

  /// \param room     The most to keep.
  /// \param steps    Of the whole solve; 0 where nobody knows.
  /// \param outputs  Times of the solve.
  /// \throws ArgumentError for bytes that one start does not fit into.
  void plan(const RecordRoom& room, Index steps, std::size_t outputs) {
    const bool others = !(room == room_) || (room.bounded() && has_other_widths());
    room_ = room;
    if (others) forget_other_solves();
    outputs_.reserve(outputs);
    // Of an unknown number of steps the lists have the blocks of the last solve, and one at least.
    const std::size_t lists = Steps::bytes_of(std::size_t(std::max<Index>(steps, 1)));
    take_stepper();
    kept_.plan(room, left_of_room(lists), steps, place_size(dynamics_));
    if (!kept_.fit_into(left_of_room(std::max(lists, steps_.bytes()) + rejected_.bytes()))) {
      forget_other_solves();  // whose lists leave no room
      take_stepper();
      kept_.plan(room, left_of_room(lists), steps, place_size(dynamics_));
    }
    make_room(std::max(lists, steps_.bytes()) + rejected_.bytes());
  }
  /// Before the way back: how well the equations of the solve were solved. Refers to the control.
  template <class Control>
  void solve_as(const Control& control) {
    if constexpr (AdaptiveControl<Control>) goal_ = NewtonGoal(control);
  }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void accept(double t, double h, const TheStepper& stepper) {
    if (steps_.empty() && kept_.wants(0)) detail::copy<Scalar>(stepper.y(), batch(kept_.keep(0).scalars));
    Step step{t, h, stepper.t_next(), std::uint32_t(rejected_.size()), false, closing_of(stepper)};
    if constexpr (requires { this->follows_on(); }) step.follows_on = this->follows_on();
    if (steps_.full()) make_room_for(Steps::block_bytes);
    steps_.push_back(step);
    this->clear(true);
    if constexpr (keep_stages) this->copy_stages(stepper);
    if (kept_.wants(steps_.size())) keep_end(steps_.size(), stepper);
  }
  void reject(const TheStepper& stepper) requires carries {
    if (rejected_.full()) make_room_for(Trials::block_bytes);
    rejected_.push_back({stepper.h(), stepper.t_next(), closing_of(stepper)});
  }
  void output(Index /*i*/, const Batch<Scalar>& /*y*/) { outputs_.push_back(steps_.size()); }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const detail::BlockList<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }

  /// Takes step `index` again, with its tapes. Steps are opened from the last to the first.
  OneStep& open(std::size_t index) {
    const auto from = kept_.last_before(index);
    std::size_t at = from.step;
    detail::copy<Scalar>(batch(from.scalars), *start_);
    stepper_->reset(*start_);
    if constexpr (carries)
      if (at > 0) stepper_->carry_on(from.carried, from.scalars + start_->size(), dynamics_.path_rows());
    while (at < index) {
      for (const std::size_t stop = kept_.next_stop(at, index); at < stop; ++runs_) {
        take(at++);
        if (at == stop && kept_.free_places() > 0) keep_end(at, *stepper_);
        stepper_->accept();
      }
    }
    if constexpr (ExplicitMethod<Method>) stepper_->restart();  // K_1 is wanted with its tape
    take(index);
    OneStep::accept(steps_[index].t, steps_[index].h, *stepper_);
    return *this;
  }

  /// The stage derivatives of the step accepted last on the way out, of the open step on the way back.
  [[nodiscard]] std::span<const Batch<Scalar>> stages(std::size_t /*index*/, std::size_t count) const {
    return OneStep::stages(0, count);
  }

  /// Steps that were run again to reach an earlier step, since start(): those that pullbacks read are not counted.
  [[nodiscard]] Index runs() const noexcept { return runs_; }

 private:
  using Steps = detail::BlockList<Step>;
  using Trials = detail::BlockList<detail::RejectedTrial>;

  /// Takes the stepper of this width, which runs steps again. What all widths have together is counted: chunks of a
  /// batch have two.
  void take_stepper() {
    auto& again = again_.at(dynamics_.rows(), dynamics_.columns());
    stepper_ = &again.stepper;
    start_ = &again.y;
    tapes_ = std::max(tapes_, detail::recorded_stages<Method>() * OneStep::stage_size(dynamics_));
    fixed_ = std::size_t(tapes_) * sizeof(Scalar) + outputs_.capacity() * sizeof(std::size_t);
    again_.for_each([&](const auto& slot) {
      const Index rows = slot.y.rows(), n = slot.y.cols();
      fixed_ += std::size_t(rows * n) * sizeof(Scalar) + TheStepper::storage_bytes(rows, dynamics_.path_rows(), n);
    });
  }
  /// Whether there are steppers of other solves than those of a batch's chunks, which differ by a column at most.
  [[nodiscard]] bool has_other_widths() const {
    bool others = false;
    again_.for_each([&](const auto& slot) {
      const Index wider = slot.y.cols() - dynamics_.columns();
      others = others || slot.y.rows() != dynamics_.rows() || wider < -1 || wider > 1;
    });
    return others;
  }
  /// Bytes for starts, beside lists of so many.
  [[nodiscard]] std::size_t left_of_room(std::size_t lists_bytes) const {
    return room_.bounded() ? room_.bytes - std::min(fixed_ + lists_bytes, room_.bytes) : room_.bytes;
  }
  /// Lets the lists of steps and trials take so many bytes, by fewer kept starts where there is no other room.
  void make_room(std::size_t lists_bytes) {
    lists_bytes_ = lists_bytes;
    if (!kept_.fit_into(left_of_room(lists_bytes))) refuse(fixed_ + lists_bytes + kept_.block_bytes());
  }
  void make_room_for(std::size_t block_bytes) {
    const std::size_t needed = steps_.bytes() + rejected_.bytes() + block_bytes;
    if (needed > lists_bytes_) make_room(needed);
  }
  /// Of a solve that is refused nothing stays.
  [[gnu::cold, noreturn]] void refuse(std::size_t needed) {
    const std::size_t steps = steps_.size() + 1;
    forget_other_solves();
    throw ArgumentError("MemoryBudget: bytes", Index(room_.bytes),
                        "at least " + std::to_string(needed) + " for a chunk of " +
                            std::to_string(dynamics_.columns()) + " columns and the lengths of " +
                            std::to_string(steps) + " steps; fewer columns need less (ChunkWidth)");
  }
  void forget_other_solves() {
    steps_ = {};
    rejected_ = {};
    again_ = {};
    static_cast<OneStep&>(*this) = OneStep();
    OneStep::start(dynamics_, *workspace_);
    tapes_ = 0;
  }

  [[nodiscard]] static Index place_size(const View& dynamics) {
    const Index rows = dynamics.rows(), n = dynamics.columns();
    return rows * n + Carried::size(rows, dynamics.path_rows(), n);
  }
  template <class T>
  [[nodiscard]] auto batch(T* scalars) const {
    return pathline::View<T>(scalars, dynamics_.rows(), dynamics_.columns());
  }
  [[nodiscard]] static bool closing_of([[maybe_unused]] const TheStepper& stepper) {
    if constexpr (requires { stepper.closing(); })
      return stepper.closing();
    else
      return false;
  }

  /// Keeps what `step` starts from: where the step before it, which the stepper has tried last, ends.
  void keep_end(std::size_t step, const TheStepper& stepper) {
    const auto to = kept_.keep(step);
    detail::copy<Scalar>(stepper.y_next(), batch(to.scalars));
    if constexpr (carries) to.carried = stepper.carry(to.scalars + stepper.y_next().size());
  }

  /// Tries step `index` from where the stepper stands, with its tapes.
  void take(std::size_t index) {
    const Step& step = steps_[index];
    this->clear(step.follows_on);
    // A jump of the right-hand side lies between two steps that do not meet.
    if constexpr (requires { stepper_->restart(); })
      if (index > 0 && step.t != steps_[index - 1].t_next) stepper_->restart();
    if constexpr (carries && ImplicitMethod<Method>) {
      for (std::size_t i = index > 0 ? steps_[index - 1].trials : 0; i < step.trials; ++i)
        attempt(step.t, rejected_[i].h, rejected_[i].t_next, rejected_[i].closing);
    }
    attempt(step.t, step.h, step.t_next, step.closing);
  }

  void attempt(double t, double h, double t_next, [[maybe_unused]] bool closing) {
    OneStep& record = *this;
    if constexpr (ExplicitMethod<Method>) {
      detail::RightHandSideView<Scalar> rhs(record);
      if (stepper_->prepare(rhs, t)) record.keep_first_stage();
      stepper_->step(rhs, t, h, t_next);
    } else {
      if (stepper_->prepare(record, t)) record.keep_first_stage();
      if constexpr (ImplicitMethod<Method>) {
        if constexpr (requires { stepper_->stay_within(t, t); }) {
          constexpr double far = std::numeric_limits<double>::infinity();
          stepper_->stay_within(closing ? t : -far, closing ? t_next : far);
        }
        detail::ObserverView<TheStepper, Scalar, false> observer(record);
        if constexpr (requires { stepper_->step(record, t, h, t_next, observer, goal_); })
          (void)stepper_->step(record, t, h, t_next, observer, goal_);
        else
          (void)stepper_->step(record, t, h, t_next, observer);
      } else {
        stepper_->step(record, t, h, t_next);
      }
    }
  }

  View dynamics_;
  Workspace<Scalar>* workspace_ = nullptr;
  StepperPool<Method, Batch<Scalar>> again_;
  TheStepper* stepper_ = nullptr;  // of this shape
  Batch<Scalar>* start_ = nullptr;
  KeptSteps<S, Carried> kept_;
  Steps steps_;
  Trials rejected_;
  std::vector<std::size_t> outputs_;
  RecordRoom room_;
  std::size_t fixed_ = 0, lists_bytes_ = 0;
  Index tapes_ = 0;  // scalars of the widest step's tapes, which stay
  NewtonGoal goal_;
  Index runs_ = 0;
};

}  // namespace pathline
