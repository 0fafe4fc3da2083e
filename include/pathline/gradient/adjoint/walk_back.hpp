/// \file
/// What the continuous adjoints share: the memory of one thread, the way out that keeps the states at the output times,
/// and the loop over the intervals between them on the way back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/adjoint/kept_path.hpp>
#include <pathline/gradient/adjoint/way_back.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline::detail {

/// \tparam Method, Back  The solvers of the way out and of the way back.
template <Real Scalar, class Method, class Back>
struct AdjointMemory {
  Workspace<Scalar> workspace;
  StepperPool<Method, Batch<Scalar>> steppers;
  typename WayBack<Back, Scalar>::Memory way_back;
  std::vector<Vector<Scalar>> ends;  ///< z at the times at which the way back starts anew; they only grow.
  KeptPath<Scalar> path;             ///< Of InterpolatedAdjoint.
};

/// Whether an adjoint's way back can be solved so.
template <class Method, class Control>
inline constexpr bool walks_back = WayBack<Method, double>::exists && !knows_rows<Control>;

/// Keeps the path rows at every requested time, and copies whole states where the caller wants them.
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
    copy<Scalar>(View<const Scalar>(y).topRows(rows), View<Scalar>(end.data(), rows, y.cols()));
    if (!outputs.empty()) outputs[std::size_t(i)] = y;
  }
};

/// A `Dynamics` as the implicit solver of a way out calls it: one type for all of a scalar, for compile time.
template <Real Scalar>
class ImplicitRightHandSide {
 public:
  template <Dynamics G>
  ImplicitRightHandSide(const G& dynamics, Workspace<Scalar>& workspace)
      : dynamics_(dynamics), workspace_(workspace), tape_size_(evaluation_tape_size(dynamics)) {}

  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) const {
    typename Workspace<Scalar>::Frame frame(workspace_);
    dynamics_.evaluate(t, y, dy, frame.scalars(tape_size_), workspace_);
  }
  void jacobian(double t, const Batch<Scalar>& y, Batch<Scalar>& J) const { dynamics_.jacobian(t, y, J, workspace_); }
  [[nodiscard]] Index error_rows() const { return dynamics_.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics_.path_rows(); }

 private:
  DynamicsWithJacobian<Scalar> dynamics_;
  Workspace<Scalar>& workspace_;
  Index tape_size_;
};

/// The way out of an adjoint that solves z again.
template <class Method, class Control, Dynamics G, class Memory>
Statistics solve_and_keep_ends(const Method& method, const Control& control, const G& dynamics,
                               Batch<typename G::Scalar>& y, std::span<const double> times,
                               std::span<Batch<typename G::Scalar>> outputs, Memory& memory) {
  memory.ends.resize(std::max(memory.ends.size(), times.size()));
  KeepEnds<typename G::Scalar> observer(memory.ends, dynamics.path_rows(), outputs);
  auto& stepper = memory.steppers.at(y.rows(), y.cols()).stepper;
  if constexpr (ImplicitMethod<Method> && WayBack<Method, typename G::Scalar>::exists) {
    ImplicitRightHandSide<typename G::Scalar> any(dynamics, memory.workspace);
    return integrate(method, control, any, y, times, stepper, observer);
  } else {
    return solve_dynamics(method, control, dynamics, memory.workspace, y, times, stepper, observer);
  }
}

/// How far z may be off where the way back ends, in units of the largest |z| on that way. The tests' solves are off by
/// 2e-7 or less; a path that is off by a quarter is another one. What is off by less is left to the tolerances.
inline constexpr double most_drift = 0.25;

/// \throws PathDriftError where z (d × n) is not the state that was kept.
template <Real Scalar>
void require_same_path(View<const Scalar> z, View<const Scalar> kept, Scalar largest, double t,
                       const Statistics& statistics) {
  SolveFailure at{.solve = "solve on the adjoint's way back", .t = t, .statistics = statistics};
  Scalar worst = 0;
  for (Index j = 0; j < z.cols(); ++j)
    for (Index i = 0; i < z.rows(); ++i) {
      largest = std::max(largest, std::abs(kept(i, j)));
      const Scalar distance = std::abs(z(i, j) - kept(i, j));
      if (distance <= worst || std::isnan(worst)) continue;
      worst = distance;
      at.component = i;
      at.sample = j;
    }
  if (!(worst <= Scalar(most_drift) * largest)) throw PathDriftError(double(worst), double(largest), at);
}

/// The way back of all continuous adjoints, as GradientMethod::backward.
/// \param path  z as it was on the way out; none: it is solved again, from each of memory.ends.
template <class Method, class Control, Real Scalar, class Memory>
Statistics walk_back(const Method& method, const Control& control, AdjointNorm norm,
                     const typename WayBack<Method, Scalar>::Dynamics& dynamics, std::span<const double> times,
                     std::span<const Batch<Scalar>> outputs_bar, View<Scalar> y_bar, View<Scalar> theta_bar,
                     Memory& memory, KeptPath<Scalar>* path) {
  const Index d = dynamics.path_rows(), n = dynamics.columns();
  const AdjointField<Scalar> field{dynamics, memory.workspace, y_bar, path};
  WayBack<Method, Scalar> back(dynamics, field, norm, memory.way_back);
  const auto end = [&](std::size_t i) { return View<const Scalar>(memory.ends[i].data(), d, n); };
  Statistics statistics;
  for (std::size_t i = times.size(); i-- > 0;) {
    if (!outputs_bar.empty()) add<Scalar>(outputs_bar[i], y_bar);
    if (i == 0 || times[i] == times[i - 1]) continue;
    const std::array<double, 2> interval{times[i], times[i - 1]};
    const View<Scalar> a = y_bar.topRows(d);
    if (path != nullptr) {
      statistics += back.solve(method, control, interval, a, a);
    } else {
      statistics += back.solve(method, control, interval, end(i), a);
      require_same_path<Scalar>(back.z(), end(i - 1), back.largest(), times[i - 1], statistics);
    }
  }
  add<Scalar>(back.theta_bar(), theta_bar);
  return statistics;
}

}  // namespace pathline::detail
