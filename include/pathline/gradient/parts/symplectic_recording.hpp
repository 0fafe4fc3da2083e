/// \file
/// The record of a solve by a symplectic method: the evaluations of the velocity and of the force, in order.
/// docs/maths.md, (6.22).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/recording.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// Any dynamics of [q; p] in two parts, as the way back sees them. Refers to those, which must outlive it.
template <Real S>
class SeparatedDynamicsView : public DynamicsView<S> {
 public:
  using Scalar = S;

  SeparatedDynamicsView() = default;
  template <Dynamics G>
  requires(std::same_as<typename G::Scalar, Scalar> &&
           !std::same_as<G, SeparatedDynamicsView>) explicit SeparatedDynamicsView(const G& g)
      : DynamicsView<S>(g) {
    static_assert(SeparatedDynamics<G>,
                  "Backpropagation: a symplectic method needs a field in two parts: "
                  "NeuralOde(SeparableField{velocity, force}, ...)");
    if constexpr (SeparatedDynamics<G>) {
      velocity = DynamicsView<S>(g, detail::VelocityPart());
      force = DynamicsView<S>(g, detail::ForcePart());
    }
  }

  DynamicsView<S> velocity, force;
};

/// What the solver calls and tells its news, as `Recording` is. Steps are of one length: none is rejected, and every
/// evaluation counts.
/// \tparam Storage  What an evaluation leaves: gradient/record_storage.hpp.
template <Real S, RecordStorage Storage>
class SymplecticRecording {
  /// One part, with a slot for each of its evaluations.
  class Part {
   public:
    void start(const DynamicsView<S>& dynamics, Workspace<S>& workspace) {
      dynamics_ = dynamics;
      workspace_ = &workspace;
      clear();
    }
    void clear() { times_.clear(); }
    void operator()(double t, const Batch<S>& x, Batch<S>& dx) {
      Storage::template evaluate<S>(dynamics_, t, x, dx, slot(times_.size()), *workspace_);
      times_.push_back(t);
    }
    [[nodiscard]] std::size_t size() const noexcept { return times_.size(); }
    /// Pullback of evaluation `index`: overwrites x_bar.
    void pullback(std::size_t index, View<const S> dx_bar, View<S> x_bar, View<S> theta_bar) {
      S t_bar(0);
      Storage::pullback(dynamics_, times_[index], slot(index), dx_bar, x_bar, theta_bar, t_bar, *workspace_);
    }

   private:
    [[nodiscard]] std::span<S> slot(std::size_t index) { return slots_.at(index, Storage::slot_size(dynamics_)); }

    DynamicsView<S> dynamics_;
    Workspace<S>* workspace_ = nullptr;
    std::vector<double> times_;
    RecordSlots<S> slots_;
  };

 public:
  using Scalar = S;

  /// An accepted step, and the numbers of evaluations up to its end.
  struct Step {
    double t, h, t_next;
    std::size_t velocities, forces;
    bool follows_on;  ///< What it begins with was evaluated in the step before.
  };

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const SeparatedDynamicsView<Scalar>& dynamics, Workspace<Scalar>& workspace) {
    dynamics_ = dynamics;
    workspace_ = &workspace;
    velocity.start(dynamics.velocity, workspace);
    force.start(dynamics.force, workspace);
    outputs_.clear();
    clear(false);
  }
  /// Forgets all steps and evaluations. \param follows_on  Whether the next step goes on from another.
  void clear(bool follows_on) {
    steps_.clear();
    velocity.clear();
    force.clear();
    follows_on_ = follows_on;
  }

  // --- what the solver calls -------------------------------------------------------------------------------------
  Part velocity, force;
  /// Both at once, without a record.
  void operator()(double t, const Batch<S>& y, Batch<S>& dy) {
    typename Workspace<Scalar>::Frame frame(*workspace_);
    dynamics_.evaluate(t, y, dy, frame.scalars(dynamics_.tape_size()), *workspace_);
  }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() const {}
  void discard() const {}
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    steps_.push_back({t, h, stepper.t_next(), velocity.size(), force.size(), follows_on_});
    follows_on_ = true;
  }
  [[nodiscard]] bool follows_on() const { return follows_on_; }
  void output(Index /*i*/, const Batch<Scalar>& /*y*/) { outputs_.push_back(steps_.size()); }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  /// outputs()[i]: number of steps taken when the solve stood at the i-th of its times.
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }
  /// Scalars that an evaluation of both parts leaves.
  [[nodiscard]] static Index stage_size(const SeparatedDynamicsView<Scalar>& dynamics) {
    return Storage::slot_size(dynamics.velocity) + Storage::slot_size(dynamics.force);
  }

 private:
  DynamicsView<Scalar> dynamics_;
  Workspace<Scalar>* workspace_ = nullptr;
  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  bool follows_on_ = false;
};

}  // namespace pathline
