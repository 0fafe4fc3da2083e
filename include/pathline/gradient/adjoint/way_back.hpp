/// \file
/// One interval of the adjoint's way back by one solver: what differs from a family of methods to the next. Here that
/// of explicit methods, Runge–Kutta and multistep, which solve all rows of all samples as one vector.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>

#include <algorithm>
#include <span>

namespace pathline::detail {

/// The largest |z| at the starts of the steps of a way back: what its end is compared with.
template <Real Scalar>
struct LargestOnPath : NoObserver {
  static constexpr bool reads_last_stage = false;
  Index rows;  // of the state, that are z
  Scalar largest = 0;
  explicit LargestOnPath(Index path_rows) : rows(path_rows) {}

  template <class Stepper>
  void accept(double /*t*/, double /*h*/, const Stepper& stepper) {
    if (rows > 0) largest = std::max(largest, stepper.y().topRows(rows).cwiseAbs().maxCoeff());
  }
};

/// The way back by `Method`; a specialisation for a family of methods offers the same members.
///
/// The state is w = [z; a; θ̄], without z where a path is read. The θ̄ rows are a quadrature: they feed back into
/// nothing, and by default the error norm does not see them.
template <class Method, Real Scalar>
class WayBack {
 public:
  /// Whether there is one: false for a family of methods that has none.
  static constexpr bool exists = SteppingMethod<Method, Vector<Scalar>> && !ImplicitMethod<Method> &&
                                 !TwoPartMethod<Method> && !SymplecticMethod<Method>;
  using Dynamics = DynamicsView<Scalar>;  ///< As this solver needs them.
  struct Memory {
    StepperPool<Method, Vector<Scalar>> steppers;
  };

  WayBack(const Dynamics& /*dynamics*/, const AdjointField<Scalar>& field, AdjointNorm norm, Memory& memory)
      : field_(field),
        count_(field.path_rows() * field.columns()),
        fed_back_(field.blocks() * count_),
        slot_(memory.steppers.at(fed_back_ + field.dynamics.parameter_count(), 1)),
        seen_(norm == AdjointNorm::full ? slot_.y.size() : fed_back_) {
    fill<Scalar>(theta_bar(), 0);
  }

  /// Solves from interval[0] back to interval[1], with a (path rows × columns) in place. z is the state to start from;
  /// not read where there is a path.
  template <class Control>
  Statistics solve(const Method& method, const Control& control, std::span<const double> interval, View<const Scalar> z,
                   View<Scalar> a) {
    View<Scalar> end = block(field_.blocks() - 1);
    if (field_.path == nullptr) copy<Scalar>(z, block(0));
    copy<Scalar>(a, end);
    LargestOnPath<Scalar> observer(field_.path == nullptr ? count_ : 0);
    const Statistics statistics =
        relabel_failures([&] { return integrate(method, control, *this, slot_.y, interval, slot_.stepper, observer); },
                         [&](SolveFailure& at) { name_row(at); });
    copy<Scalar>(end, a);
    largest_ = observer.largest;
    return statistics;
  }

  /// z where the last interval ended, and the largest |z| on the way there; without a path alone.
  [[nodiscard]] View<const Scalar> z() { return block(0); }
  [[nodiscard]] Scalar largest() const { return largest_; }
  /// What all intervals have added to θ̄.
  [[nodiscard]] View<Scalar> theta_bar() { return View<Scalar>(slot_.y).tail(field_.dynamics.parameter_count()); }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Vector<Scalar>& w, Vector<Scalar>& dw) const {
    const Index d = field_.path_rows(), n = field_.columns();
    typename Workspace<Scalar>::Frame frame(field_.workspace);
    const View<Scalar> f = frame.batch(field_.dynamics.rows(), n), slopes(dw);
    const View<const Scalar> z(w.data(), d, n), a(w.data() + fed_back_ - count_, d, n);
    const View<Scalar> theta_dot = slopes.tail(dw.size() - fed_back_);
    fill<Scalar>(theta_dot, 0);
    field_.pull_back(t, z, a, Scalar(-1), f, View<Scalar>(dw.data() + fed_back_ - count_, d, n), theta_dot);
    if (field_.path == nullptr) copy<Scalar>(f.topRows(d), View<Scalar>(dw.data(), d, n));
  }
  [[nodiscard]] Index error_rows() const noexcept { return seen_; }
  /// z and a feed back.
  [[nodiscard]] Index path_rows() const noexcept { return fed_back_; }

 private:
  // z or a, path rows × columns.
  [[nodiscard]] View<Scalar> block(Index i) {
    return {slot_.y.data() + i * count_, field_.path_rows(), field_.columns()};
  }

  // From a row of w to the component and sample of z or a; a row of θ̄ belongs to no sample.
  void name_row(SolveFailure& at) const {
    at.solve = "solve on the adjoint's way back";
    const Index row = at.component, d = field_.path_rows();
    if (row < 0) return;
    at.sample = row < fed_back_ ? row % count_ / d : -1;
    at.component = row < fed_back_ ? row % d : row - fed_back_;
  }

  const AdjointField<Scalar>& field_;
  Index count_, fed_back_;  // scalars of z, and of z and a
  SolveSlot<Method, Vector<Scalar>>& slot_;
  Index seen_;
  Scalar largest_ = 0;
};

}  // namespace pathline::detail
