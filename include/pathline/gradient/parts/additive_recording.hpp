/// \file
/// The record of a solve by an additive method: the arguments of the stages of its accepted steps, and what both parts
/// of the right-hand side leave there. Newton's iterations leave nothing. docs/maths.md, (6.21).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/implicit/additive/additive_tableau.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// Any dynamics in two parts, as the way back sees them. Refers to those, which must outlive it.
template <Real S>
class TwoPartDynamicsView : public DynamicsView<S> {
 public:
  using Scalar = S;

  TwoPartDynamicsView() = default;
  template <Dynamics G>
  requires(std::same_as<typename G::Scalar, Scalar> &&
           !std::same_as<G, TwoPartDynamicsView>) explicit TwoPartDynamicsView(const G& g)
      : DynamicsView<S>(g) {
    static_assert(TwoPartDynamics<G>,
                  "Backpropagation: an additive method needs a field in two parts: NeuralOde(SplitField{f, g}, ...)");
    if constexpr (TwoPartDynamics<G>) {
      explicit_part = DynamicsView<S>(g, detail::ExplicitPart());
      implicit_part = DynamicsWithJacobian<S>(g, detail::ImplicitPart());
    }
  }

  DynamicsView<S> explicit_part;
  DynamicsWithJacobian<S> implicit_part;
};

/// What the solver calls and tells its news, as `Recording` is.
/// \tparam Storage  What an evaluation at a stage leaves: gradient/record_storage.hpp.
template <AdditiveMethod Method, Real S, RecordStorage Storage>
class AdditiveRecording {
  static constexpr auto s = std::size_t(Method::tableau.stages);

  struct ExplicitCalls {
    DynamicsView<S> dynamics;
    Workspace<S>* workspace = nullptr;
    void operator()(double t, const Batch<S>& y, Batch<S>& dy) const {
      typename Workspace<S>::Frame frame(*workspace);
      dynamics.evaluate(t, y, dy, frame.scalars(dynamics.tape_size()), *workspace);
    }
  };
  struct ImplicitCalls : ExplicitCalls {
    DynamicsWithJacobian<S> with_jacobian;
    void jacobian(double t, const Batch<S>& y, Batch<S>& J) const { with_jacobian.jacobian(t, y, J, *this->workspace); }
  };

 public:
  using Scalar = S;

  /// An accepted step from t to t_next = t + h, to rounding. Its stage i has slot first + i, for both parts.
  struct Step {
    double t, h, t_next;
    std::size_t first;

    /// When the stage of node c was solved.
    [[nodiscard]] double time(double c) const noexcept { return c == 1 ? t_next : t + c * h; }
  };

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const TwoPartDynamicsView<Scalar>& dynamics, Workspace<Scalar>& workspace) {
    explicit_part.dynamics = dynamics.explicit_part;
    implicit_part.dynamics = implicit_part.with_jacobian = dynamics.implicit_part;
    explicit_part.workspace = implicit_part.workspace = &workspace;
    outputs_.clear();
    clear();
  }
  /// Forgets all steps.
  void clear(bool /*follows_on*/ = false) { steps_.clear(); }

  // --- what the solver calls -------------------------------------------------------------------------------------
  ExplicitCalls explicit_part;
  ImplicitCalls implicit_part;

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() const {}
  void discard() const {}
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    constexpr auto A = Method::tableau.explicit_part();
    constexpr auto B = Method::tableau.implicit_part();
    const Step step{t, h, stepper.t_next(), steps_.size() * s};
    steps_.push_back(step);
    typename Workspace<Scalar>::Frame frame(workspace());
    [[maybe_unused]] const View<Scalar> dy = frame.batch(rows(), columns());
    for (std::size_t i = 0; i < s; ++i) {
      const View<Scalar> Y(arguments_.at(step.first + i, rows() * columns()).data(), rows(), columns());
      detail::copy<Scalar>(stepper.y(), Y);
      for (int j = 0; j <= int(i); ++j) {
        if (A.A(int(i), j) != 0) detail::axpy<Scalar>(Scalar(h * A.A(int(i), j)), stepper.explicit_stage(j), Y);
        if (B.A(int(i), j) != 0) detail::axpy<Scalar>(Scalar(h * B.A(int(i), j)), stepper.implicit_stage(j), Y);
      }
      if constexpr (detail::leaves_argument<Storage>) continue;
      const double time = step.time(Method::tableau.c[i]);
      Storage::template evaluate<Scalar>(explicit_part.dynamics, time, Y, dy, explicit_slot(step.first + i),
                                         workspace());
      Storage::template evaluate<Scalar>(implicit_part.dynamics, time, Y, dy, implicit_slot(step.first + i),
                                         workspace());
    }
  }
  void output(Index /*i*/, const Batch<Scalar>& /*y*/) { outputs_.push_back(steps_.size()); }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  /// outputs()[i]: number of steps taken when the solve stood at the i-th of its times.
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }

  /// Scalars that a stage leaves.
  [[nodiscard]] static Index stage_size(const TwoPartDynamicsView<Scalar>& dynamics) {
    return Storage::slot_size(dynamics.explicit_part) + Storage::slot_size(dynamics.implicit_part) +
           dynamics.rows() * dynamics.columns();
  }
  /// Pullbacks of either part at the stage with this slot, which was solved at time t.
  void pullback_explicit(std::size_t index, double t, View<const Scalar> bar, View<Scalar> y_bar,
                         View<Scalar> theta_bar) {
    Scalar t_bar(0);
    Storage::pullback(explicit_part.dynamics, t, explicit_slot(index), bar, y_bar, theta_bar, t_bar, workspace());
  }
  void pullback_implicit(std::size_t index, double t, View<const Scalar> bar, View<Scalar> y_bar,
                         View<Scalar> theta_bar) {
    Scalar t_bar(0);
    Storage::pullback(implicit_part.dynamics, t, implicit_slot(index), bar, y_bar, theta_bar, t_bar, workspace());
  }
  /// The Jacobians of the implicit part at the same place, of all columns: d × dn.
  void jacobian_at(std::size_t index, double t, View<Scalar> J) {
    const View<Scalar> Y(arguments_.at(index, rows() * columns()).data(), rows(), columns());
    implicit_part.with_jacobian.jacobian(t, Y, J, workspace());
  }

 private:
  [[nodiscard]] Index rows() const noexcept { return explicit_part.dynamics.rows(); }
  [[nodiscard]] Index columns() const noexcept { return explicit_part.dynamics.columns(); }
  [[nodiscard]] Workspace<Scalar>& workspace() const noexcept { return *explicit_part.workspace; }
  [[nodiscard]] std::span<Scalar> explicit_slot(std::size_t index) {
    return (detail::leaves_argument<Storage> ? arguments_ : explicit_slots_)
        .at(index, Storage::slot_size(explicit_part.dynamics));
  }
  [[nodiscard]] std::span<Scalar> implicit_slot(std::size_t index) {
    return (detail::leaves_argument<Storage> ? arguments_ : implicit_slots_)
        .at(index, Storage::slot_size(implicit_part.dynamics));
  }

  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  RecordSlots<Scalar> explicit_slots_, implicit_slots_, arguments_;
};

}  // namespace pathline
