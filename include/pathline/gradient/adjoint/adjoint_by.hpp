/// \file
/// The continuous adjoint with a solver and a step control of its own for the way back:
/// ```
/// NeuralOde ode(field, Dopri5{}, AdjointBy{PiController{.rtol = 1e-9, .atol = 1e-9}});
/// ```
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/adjoint/own_solver.hpp>
#include <pathline/gradient/adjoint/walk_back.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/ode/statistics.hpp>

#include <span>

namespace pathline {

/// `Adjoint` whose way back has a solver, a step control, or both, of its own; what is not named is the flow's. So the
/// flow's solver may be any that solves forward, and its control may know the rows of the state.
///
/// \tparam Policies  At most one solver, explicit, diagonally or fully implicit, and at most one step control.
template <class... Policies>
struct AdjointBy : detail::OwnSolver<Policies...> {
  using Own = detail::OwnSolver<Policies...>;
  using Own::Own;

  /// What one thread keeps from the way out to the way back, and from one solve to the next.
  template <Dynamics G, class Method>
  using Memory = detail::AdjointMemory<typename G::Scalar, Method, typename Own::template Method<Method>>;

  /// As Adjoint::forward.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, std::span<Batch<typename G::Scalar>> outputs,
                     Memory<G, Method>& memory) const {
    Own::template check<Method, Control>();
    if constexpr (Own::template goes_back<Method, Control>)
      return detail::solve_and_keep_ends(method, control, dynamics, y, times, outputs, memory);
    else
      return {};
  }

  /// As Adjoint::backward.
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& method, const Control& control, const G& dynamics, std::span<const double> times,
                      std::span<const Batch<typename G::Scalar>> outputs_bar, BatchRef<typename G::Scalar> y_bar,
                      VectorRef<typename G::Scalar> theta_bar, Memory<G, Method>& memory) const {
    return Own::walk_back(method, control, dynamics, times, outputs_bar, y_bar, theta_bar, memory, nullptr);
  }
};
template <class... Policies>
AdjointBy(Policies...) -> AdjointBy<Policies...>;

}  // namespace pathline
