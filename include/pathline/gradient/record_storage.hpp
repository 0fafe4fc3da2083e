/// \file
/// How a record is stored: what an evaluation on the way out leaves in its slot, and how the way back pulls it back.
///
/// A storage is a struct of three static functions. `slot_size(dynamics)` is the number of scalars that an evaluation
/// leaves; `evaluate(dynamics, t, y, dy, slot, workspace)` evaluates and fills the slot; `pullback(dynamics, t, slot,
/// dy_bar, path_bar, theta_bar, t_bar, workspace)` does what `Dynamics::pullback` does, from the slot.
///
///     Cnf flow(field, Dopri5{}, PiController{}, Backpropagation<RecomputeStages>{});
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics_view.hpp>

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>

namespace pathline {

/// Keeps the tape of every evaluation, with all its intermediates. Nothing is evaluated twice.
struct KeepTapes {
  template <Real S>
  [[nodiscard]] static Index slot_size(const DynamicsView<S>& dynamics) {
    return dynamics.tape_size();
  }
  template <Real S>
  static void evaluate(const DynamicsView<S>& dynamics, double t, View<const std::type_identity_t<S>> y,
                       View<std::type_identity_t<S>> dy, std::span<S> slot, Workspace<S>& workspace) {
    dynamics.evaluate(t, y, dy, slot, workspace);
  }
  template <Real S>
  static void pullback(const DynamicsView<S>& dynamics, double t, std::span<S> slot,
                       View<const std::type_identity_t<S>> dy_bar, View<std::type_identity_t<S>> path_bar,
                       View<std::type_identity_t<S>> theta_bar, S& t_bar, Workspace<S>& workspace) {
    dynamics.pullback(t, slot, dy_bar, path_bar, theta_bar, t_bar, workspace);
  }
};

/// Keeps the argument of every evaluation, y (rows × columns), and evaluates again on the way back: less memory, for a
/// quarter to a half more time. The numbers are the same.
struct RecomputeStages {
  template <Real S>
  [[nodiscard]] static Index slot_size(const DynamicsView<S>& dynamics) {
    return dynamics.rows() * dynamics.columns();
  }
  template <Real S>
  static void evaluate(const DynamicsView<S>& dynamics, double t, View<const std::type_identity_t<S>> y,
                       View<std::type_identity_t<S>> dy, std::span<S> slot, Workspace<S>& workspace) {
    std::copy_n(y.data(), y.size(), slot.data());
    typename Workspace<S>::Frame frame(workspace);
    dynamics.evaluate(t, y, dy, frame.scalars(dynamics.tape_size()), workspace);
  }
  template <Real S>
  static void pullback(const DynamicsView<S>& dynamics, double t, std::span<S> slot,
                       View<const std::type_identity_t<S>> dy_bar, View<std::type_identity_t<S>> path_bar,
                       View<std::type_identity_t<S>> theta_bar, S& t_bar, Workspace<S>& workspace) {
    typename Workspace<S>::Frame frame(workspace);
    const std::span<S> tape = frame.scalars(dynamics.tape_size());
    const View<S> y(slot.data(), dynamics.rows(), dynamics.columns()), dy = frame.batch(y.rows(), y.cols());
    dynamics.evaluate(t, y, dy, tape, workspace);
    dynamics.pullback(t, tape, dy_bar, path_bar, theta_bar, t_bar, workspace);
  }
};

namespace detail {

/// Whether a record that has the arguments of its evaluations anyway needs no slot: what one leaves is its argument.
template <class Storage>
inline constexpr bool leaves_argument = std::is_same_v<Storage, RecomputeStages>;

}  // namespace detail

/// One of the two above, or a struct of the same three functions.
template <class S>
concept RecordStorage = requires(const DynamicsView<double> dynamics, double t, View<double> y, BatchMap<double>& bar,
                                 std::span<double> slot, Vector<double>& theta_bar, double& t_bar,
                                 Workspace<double>& workspace) {
  { S::slot_size(dynamics) } -> std::convertible_to<Index>;
  S::evaluate(dynamics, t, y, y, slot, workspace);
  S::pullback(dynamics, t, slot, bar, bar, theta_bar, t_bar, workspace);
};

/// A storage that keeps no evaluations but runs steps again, by a recording of its own, and says `static constexpr bool
/// runs_again = true`: Checkpoints, MemoryBudget.
template <class S>
concept RunsAgain = requires {
  requires S::runs_again;
};

}  // namespace pathline
