/// \file
/// The continuous adjoint: the gradient as the solution of a second differential equation, run backwards in time
/// (Chen et al. 2018, Algorithm 1). Memory does not grow with the number of steps; the gradient is exact only in the
/// limit of small tolerances. Differentiate, then discretise.
///
/// From the last time back to the first, the state is w = [z; a; θ̄] with a = ∂L/∂z and
///     z' = f,   a' = -Jᵀ a,   θ̄' = -f_θᵀ a        (docs/maths.md, (6.3)).
/// The θ̄ rows are a quadrature: they feed back into nothing, and by default the error norm does not see them
/// (the seminorm of Kidger, Chen & Lyons 2021, arXiv 2009.09457).
///
/// A path that contracts forward in time is unstable backward: for that there is `InterpolatedAdjoint`
/// (adjoint/interpolated_adjoint.hpp). `AdjointBy` (adjoint/adjoint_by.hpp) has a solver and tolerances of its own.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/adjoint/walk_back.hpp>
#include <pathline/gradient/adjoint/way_back.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/statistics.hpp>

#include <span>

namespace pathline {

/// Differentiate, then discretise. The way back uses the flow's solver and step control; between two output times it
/// starts from the stored output, so that z does not drift over more than one interval. The solver may be explicit,
/// multistep, reversible or, with pathline/gradient.hpp, diagonally or fully implicit.
struct Adjoint {
  AdjointNorm norm = AdjointNorm::seminorm;

  /// What one thread keeps from the way out to the way back, and from one solve to the next.
  template <Dynamics G, class Method>
  using Memory = detail::AdjointMemory<typename G::Scalar, Method, Method>;

  /// Solves; `y` (rows × columns) holds y(t0), then y at the last of `times`; `outputs`, unless empty, takes y at each
  /// of the times.
  /// \throws SolveError as `integrate` does.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, std::span<Batch<typename G::Scalar>> outputs,
                     Memory<G, Method>& memory) const {
    static_assert(
        detail::WayBack<Method, double>::exists,
        "Adjoint: this solver has no way back of its own: give one, as AdjointBy{Dopri5{}}; those of implicit "
        "and multistep methods come with pathline/gradient.hpp");
    static_assert(!detail::knows_rows<Control>,
                  "Adjoint: WithNorm, WithTolerances and WithDomain speak of the state's rows and columns, and the way "
                  "back has others; use Backpropagation");
    if constexpr (detail::walks_back<Method, Control>)
      return detail::solve_and_keep_ends(method, control, dynamics, y, times, outputs, memory);
    else
      return {};
  }

  /// `y_bar` (rows × columns) holds the cotangent of y at the last time, then that of y(t0); `outputs_bar`, unless
  /// empty, holds a cotangent for each of the times. Adds to theta_bar.
  /// \throws SolveError when the way back fails; PathDriftError when it comes to another state than the stored one.
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& method, const Control& control, const G& dynamics, std::span<const double> times,
                      std::span<const Batch<typename G::Scalar>> outputs_bar, BatchRef<typename G::Scalar> y_bar,
                      VectorRef<typename G::Scalar> theta_bar, Memory<G, Method>& memory) const {
    using Scalar = typename G::Scalar;
    if constexpr (detail::walks_back<Method, Control>)  // forward() has refused any other
      return detail::walk_back<Method, Control, Scalar>(method, control, norm,
                                                        typename detail::WayBack<Method, Scalar>::Dynamics(dynamics),
                                                        times, outputs_bar, y_bar, theta_bar, memory, nullptr);
    else
      return {};
  }
};

}  // namespace pathline
