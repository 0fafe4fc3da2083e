/// \file
/// The continuous adjoint along the path of the way out, which is kept by its dense output and not solved again:
/// ```
/// NeuralOde ode(field, Kvaerno5{}, InterpolatedAdjoint{});
/// NeuralOde fast(field, Dopri5{}, InterpolatedAdjoint{Kvaerno5{}, PiController{.rtol = 1e-8, .atol = 1e-10}});
/// ```
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/adjoint/kept_path.hpp>
#include <pathline/gradient/adjoint/own_solver.hpp>
#include <pathline/gradient/adjoint/walk_back.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/output/step_interpolant.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/stepper.hpp>

#include <cstddef>
#include <span>

namespace pathline {

/// Differentiate, then discretise, for problems that `Adjoint` cannot go back on: a path that contracts forward in time
/// is read, while a and θ̄ alone are solved for. Where the problem is stiff, a is stiff on the way back: take an
/// implicit method there.
///
/// Memory grows with the steps, by three states for each, four where the method has its own extension (seven of
/// Dop853), and by no tapes. The gradient has the errors of the backward solve and of the interpolation between the
/// steps, of order 3 to 7 by the flow's solver (docs/maths.md, section 5). Tolerances of the way back below those of
/// the way out do not make it better.
///
/// \tparam Policies  Of the way back, as AdjointBy has them.
template <class... Policies>
struct InterpolatedAdjoint : detail::OwnSolver<Policies...> {
  using Own = detail::OwnSolver<Policies...>;
  using Own::Own;

  /// What one thread keeps from the way out to the way back, the path among it, and from one solve to the next.
  template <Dynamics G, class Method>
  using Memory = detail::AdjointMemory<typename G::Scalar, Method, typename Own::template Method<Method>>;

  /// As Adjoint::forward.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, std::span<Batch<typename G::Scalar>> outputs,
                     Memory<G, Method>& memory) const {
    using Scalar = typename G::Scalar;
    constexpr bool dense = detail::has_dense_output<Method, Batch<Scalar>, SolverRightHandSide<G>>;
    static_assert(dense, "InterpolatedAdjoint: this solver has no dense output; use another, or Backpropagation");
    constexpr bool kept = !ImplicitMethod<Method> || detail::WayBack<Method, Scalar>::exists;
    static_assert(kept,
                  "InterpolatedAdjoint: of a Rosenbrock or additive method no path is kept; use another solver, or "
                  "Backpropagation");
    Own::template check<Method, Control>();
    if constexpr (dense && kept && Own::template goes_back<Method, Control>) {
      memory.path.start(dynamics.path_rows(), dynamics.columns());
      Recorder<Scalar> recorder(memory.path, outputs);
      auto& stepper = memory.steppers.at(y.rows(), y.cols()).stepper;
      if constexpr (ImplicitMethod<Method>) {
        detail::ImplicitRightHandSide<Scalar> any(dynamics, memory.workspace);
        return integrate(method, control, any, y, times, stepper, recorder);
      } else {
        SolverRightHandSide<G> rhs{dynamics, memory.workspace};
        detail::RightHandSideView<Scalar> any(rhs);
        return integrate(method, control, any, y, times, stepper, recorder);
      }
    } else {
      return {};
    }
  }

  /// As Adjoint::backward, without PathDriftError.
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& method, const Control& control, const G& dynamics, std::span<const double> times,
                      std::span<const Batch<typename G::Scalar>> outputs_bar, BatchRef<typename G::Scalar> y_bar,
                      VectorRef<typename G::Scalar> theta_bar, Memory<G, Method>& memory) const {
    return Own::walk_back(method, control, dynamics, times, outputs_bar, y_bar, theta_bar, memory, &memory.path);
  }

 private:
  template <Real Scalar>
  struct Recorder : NoObserver {
    detail::KeptPath<Scalar>& path;
    std::span<Batch<Scalar>> outputs;
    Recorder(detail::KeptPath<Scalar>& kept, std::span<Batch<Scalar>> wanted) : path(kept), outputs(wanted) {}

    template <class Rhs, class Method>
    void read_step(Rhs& rhs, double t, Stepper<Method, Batch<Scalar>>& stepper) {
      path.append(rhs, stepper, t);
    }
    void output(Index i, const Batch<Scalar>& y) {
      if (!outputs.empty()) outputs[std::size_t(i)] = y;
    }
  };
};
template <class... Policies>
InterpolatedAdjoint(Policies...) -> InterpolatedAdjoint<Policies...>;

}  // namespace pathline
