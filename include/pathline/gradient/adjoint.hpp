/// \file
/// The continuous adjoint: the gradient as the solution of a second differential equation, run backwards in time
/// (Chen et al. 2018, Algorithm 1). Memory does not grow with the number of steps; the gradient is exact only in the
/// limit of small tolerances. Differentiate, then discretise.
///
/// From the last time back to the first, the state is w = [z; a; θ̄] with a = ∂L/∂z and
///     z' = f,   a' = -Jᵀ a,   θ̄' = -f_θᵀ a        (docs/maths.md, (6.3)).
/// The θ̄ rows are a quadrature: they feed back into nothing, and by default the error norm does not see them
/// (the seminorm of Kidger, Chen & Lyons 2021, arXiv 2009.09457).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// Which rows of the backward state steer its steps: the path and its adjoint alone, or the parameters' cotangent too.
enum class AdjointNorm { seminorm, full };

/// Differentiate, then discretise. The way back uses the flow's solver and step control; between two output times it
/// starts from the stored output, so that z does not drift over more than one interval.
struct Adjoint {
  AdjointNorm norm = AdjointNorm::seminorm;

  /// What one thread keeps from the way out to the way back, and from one solve to the next.
  template <Real Scalar, class Method>
  struct ThreadMemory {
    Workspace<Scalar> workspace;
    StepperPool<Method, Batch<Scalar>> steppers;
    StepperPool<Method, Vector<Scalar>> backward_steppers;
    std::vector<Vector<Scalar>> ends;  ///< z at the times at which the way back starts anew; they only grow.
  };
  template <Dynamics G, class Method>
  using Memory = ThreadMemory<typename G::Scalar, Method>;

  /// Solves; `y` (rows × columns) holds y(t0), then y at the last of `times`; `outputs`, unless empty, takes y at each
  /// of the times.
  /// \throws SolveError as `integrate` does.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, std::span<Batch<typename G::Scalar>> outputs,
                     Memory<G, Method>& memory) const {
    static_assert(ExplicitMethod<Method>,
                  "Adjoint: this solver has no gradient yet; use an explicit Runge-Kutta method such as Dopri5");
    static_assert(!detail::knows_rows<Control>,
                  "Adjoint: WithNorm, WithTolerances and WithDomain speak of the state's rows and columns, and the way "
                  "back has others; use Backpropagation");
    if constexpr (supports<Method, Control>) {
      memory.ends.resize(std::max(memory.ends.size(), times.size()));
      KeepEnds<typename G::Scalar> observer(memory.ends, dynamics.path_rows(), outputs);
      return detail::solve_dynamics(method, control, dynamics, memory.workspace, y, times,
                                    memory.steppers.at(y.rows(), y.cols()).stepper, observer);
    } else {
      return {};
    }
  }

  /// `y_bar` (rows × columns) holds the cotangent of y at the last time, then that of y(t0); `outputs_bar`, unless
  /// empty, holds a cotangent for each of the times. Adds to theta_bar.
  /// \throws SolveError when the way back fails.
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& method, const Control& control, const G& dynamics, std::span<const double> times,
                      std::span<const Batch<typename G::Scalar>> outputs_bar, BatchRef<typename G::Scalar> y_bar,
                      VectorRef<typename G::Scalar> theta_bar, Memory<G, Method>& memory) const {
    using Scalar = typename G::Scalar;
    if constexpr (supports<Method, Control>)  // forward() has refused any other
      return walk_back(method, control, DynamicsView<Scalar>(dynamics), times, outputs_bar, y_bar, theta_bar, memory);
    else
      return {};
  }

 private:
  template <class Method, class Control>
  static constexpr bool supports = ExplicitMethod<Method> && !detail::knows_rows<Control>;

  template <class Method, class Control, Real Scalar>
  Statistics walk_back(const Method& method, const Control& control, const DynamicsView<Scalar>& dynamics,
                       std::span<const double> times, std::span<const Batch<Scalar>> outputs_bar,
                       BatchRef<Scalar> y_bar, VectorRef<Scalar> theta_bar,
                       ThreadMemory<Scalar, Method>& memory) const {
    const Index d = dynamics.path_rows(), n = dynamics.columns(), count = d * n;
    Statistics statistics;
    auto& slot = memory.backward_steppers.at(2 * count + dynamics.parameter_count(), 1);
    Vector<Scalar>& state = slot.y;
    const View<Scalar> all(state), z(state.data(), d, n), a(state.data() + count, d, n), y_bar_rows(y_bar),
        parameters_bar = all.tail(dynamics.parameter_count());
    detail::fill<Scalar>(parameters_bar, 0);
    Backward<Scalar> rhs{dynamics, memory.workspace, y_bar_rows, norm == AdjointNorm::full ? state.size() : 2 * count};
    for (std::size_t i = times.size(); i-- > 0;) {
      if (!outputs_bar.empty()) detail::add<Scalar>(outputs_bar[i], y_bar_rows);
      if (i == 0) break;
      detail::copy<Scalar>(View<const Scalar>(memory.ends[i].data(), d, n), z);
      detail::copy<Scalar>(y_bar_rows.topRows(d), a);
      const std::array<double, 2> interval{times[i], times[i - 1]};
      statistics += detail::relabel_failures(
          [&] { return integrate(method, control, rhs, state, std::span<const double>(interval), slot.stepper); },
          [&](SolveFailure& at) { name_row(at, d, n); });
      detail::copy<Scalar>(a, y_bar_rows.topRows(d));
    }
    detail::add<Scalar>(parameters_bar, theta_bar);
    return statistics;
  }

  // From a row of w = [z; a; θ̄] to the component and sample of z or a; a row of θ̄ belongs to no sample.
  static void name_row(SolveFailure& at, Index d, Index n) {
    at.solve = "solve on the adjoint's way back";
    const Index row = at.component;
    if (row < 0) return;
    at.sample = row < 2 * d * n ? row % (d * n) / d : -1;
    at.component = row < 2 * d * n ? row % d : row - 2 * d * n;
  }

  // Keeps the path rows at every requested time, and copies whole states where the caller wants them.
  template <Real Scalar>
  struct KeepEnds : NoObserver {
    static constexpr bool reads_last_stage = false;

    KeepEnds(std::vector<Vector<Scalar>>& kept, Index path_rows, std::span<Batch<Scalar>> wanted)
        : ends(kept), rows(path_rows), outputs(wanted) {}
    std::vector<Vector<Scalar>>& ends;
    Index rows;
    std::span<Batch<Scalar>> outputs;

    void output(Index i, const Batch<Scalar>& y) {
      Vector<Scalar>& end = ends[std::size_t(i)];
      if (end.size() < rows * y.cols()) end.resize(rows * y.cols());
      detail::copy<Scalar>(View<const Scalar>(y).topRows(rows), View<Scalar>(end.data(), rows, y.cols()));
      if (!outputs.empty()) outputs[std::size_t(i)] = y;
    }
  };

  template <Real Scalar>
  struct Backward {
    const DynamicsView<Scalar>& dynamics;
    Workspace<Scalar>& workspace;
    View<Scalar> y_bar;  // its quadrature rows are constant in time
    Index seen;

    void operator()(double t, const Vector<Scalar>& w, Vector<Scalar>& dw) {
      const Index d = dynamics.path_rows(), n = dynamics.columns(), rows = dynamics.rows(), count = d * n;
      typename Workspace<Scalar>::Frame frame(workspace);
      const View<Scalar> y = frame.batch(rows, n), dy = frame.batch(rows, n), dy_bar = frame.batch(rows, n), dw_all(dw);
      detail::copy<Scalar>(View<const Scalar>(w.data(), d, n), y.topRows(d));
      detail::fill<Scalar>(y.bottomRows(rows - d), 0);
      detail::copy<Scalar>(View<const Scalar>(w.data() + count, d, n), dy_bar.topRows(d));
      detail::copy<Scalar>(y_bar.bottomRows(rows - d), dy_bar.bottomRows(rows - d));
      const std::span<Scalar> tape = frame.scalars(dynamics.tape_size());
      dynamics.evaluate(t, y, dy, tape, workspace);
      detail::fill<Scalar>(dw_all, 0);
      detail::copy<Scalar>(dy.topRows(d), View<Scalar>(dw.data(), d, n));
      const View<Scalar> a_dot(dw.data() + count, d, n);
      Scalar t_bar(0);
      dynamics.pullback(t, tape, dy_bar, a_dot, dw_all.tail(dw.size() - 2 * count), t_bar, workspace);
      detail::scale<Scalar>(-1, dw_all.tail(dw.size() - count));
    }
    [[nodiscard]] Index error_rows() const noexcept { return seen; }
  };
};

}  // namespace pathline
