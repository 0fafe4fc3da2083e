/// \file
/// The record of a solve by a Rosenbrock method: the evaluations of its stages, and of each accepted step the state at
/// its start and the increments. docs/maths.md, (6.20).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/implicit/dynamics_with_directions.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>

#include <cstddef>
#include <span>

namespace pathline {

/// A Recording with the derivatives that the steps read.
template <RosenbrockMethod Method, Real S, class Storage, bool keep_stages>
class RosenbrockRecording : public Recording<S, Storage, keep_stages> {
  using Base = Recording<S, Storage, keep_stages>;
  using Base::workspace_;

 public:
  using typename Base::Step;
  static constexpr bool has_quadratures = false;

  void start(const DynamicsWithDirections<S>& dynamics, Workspace<S>& workspace) {
    Base::start(dynamics, workspace);
    dynamics_ = dynamics;
  }

  void jacobian(double t, const Batch<S>& y, Batch<S>& J) { dynamics_.jacobian(t, y, J, *workspace_); }
  void time_derivative(double t, const Batch<S>& y, Batch<S>& dfdt) {
    dynamics_.time_derivative(t, y, dfdt, *workspace_);
  }

  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    // The evaluations of this trial, which the stepper has given back, are still there.
    this->used_ = this->kept_ + std::size_t(Method::tableau.stages - 1);
    const View<S> X = packed(this->steps().size());
    Base::accept(t, h, stepper);
    const Index n = dynamics_.columns();
    detail::copy<S>(stepper.y(), X.leftCols(n));
    for (int i = 0; i < Method::tableau.stages; ++i)
      detail::copy<S>(stepper.increment(i), X.middleCols((1 + i) * n, n));
  }

  /// Scalars that a stage leaves, with its share of the state at the start.
  [[nodiscard]] static Index stage_size(const DynamicsView<S>& dynamics) {
    return Storage::slot_size(dynamics) + 2 * dynamics.rows() * dynamics.columns();
  }
  /// The Jacobians at the start of a step: d × dn.
  void jacobian_at_start(std::size_t step, View<S> J) {
    dynamics_.jacobian(this->steps()[step].t, packed(step).leftCols(dynamics_.columns()), J, *workspace_);
  }
  /// Pullback of f at the start of a step and of its derivatives along the first increments, with a time for each.
  void pullback_along_increments(std::size_t step, std::span<const S> times, View<S> F_bar, View<S> y_bar,
                                 View<S> theta_bar) {
    dynamics_.pullback_along(this->steps()[step].t, packed(step).leftCols(F_bar.cols()), times, F_bar, y_bar, theta_bar,
                             *workspace_);
  }

 private:
  /// [y u_1 … u_s] of a step.
  [[nodiscard]] View<S> packed(std::size_t step) {
    const Index d = dynamics_.rows(), columns = (1 + Method::tableau.stages) * dynamics_.columns();
    return {starts_.at(step, d * columns).data(), d, columns};
  }

  DynamicsWithDirections<S> dynamics_;
  RecordSlots<S> starts_;
};

}  // namespace pathline
