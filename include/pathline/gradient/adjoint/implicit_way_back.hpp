/// \file
/// The adjoint's way back by diagonally and fully implicit methods: a separate small system for each sample.
///
/// The state has the columns [z_j; a_j], or a_j alone where a path is read. The Jacobian of a column is
///     [ J  0 ; -∂(Jᵀ a)/∂z  -Jᵀ ]        (docs/maths.md, (6.14)),
/// J by the field's own or row by row by pullbacks, the other block by d forward differences of pullbacks. Newton's
/// matrix is block triangular, so that an error of that block costs iterations but does not keep them from converging.
/// θ̄ is a quadrature by the weights of the method: a pullback for each stage of an accepted step, and none in Newton's
/// iterations or rejected steps.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/adjoint/way_back.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/implicit/stage_recording.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_tableau.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

namespace pathline::detail {

/// Methods with stages Y_i = y + h Σ a_ij K_j, K_i = f(t_i, Y_i), solved by Newton's method.
template <class Method>
concept StagedImplicitMethod =
    DiagonallyImplicitMethod<Method> || FullyImplicitMethod<Method> || std::same_as<Method, ImplicitEuler>;

template <StagedImplicitMethod Method, Real Scalar>
class WayBack<Method, Scalar> {
 public:
  static constexpr bool exists = true;
  using Dynamics = DynamicsWithJacobian<Scalar>;
  struct Memory {
    StepperPool<Method, Batch<Scalar>> steppers;
    Vector<Scalar> theta_bar;
  };

  /// \throws ArgumentError for the full norm: θ̄ is no part of the state.
  WayBack(const Dynamics& dynamics, const AdjointField<Scalar>& field, AdjointNorm norm, Memory& memory)
      : dynamics_(dynamics),
        field_(field),
        slot_(memory.steppers.at(field.blocks() * field.path_rows(), field.columns())),
        theta_bar_(memory.theta_bar) {
    if (norm == AdjointNorm::full)
      throw ArgumentError("Adjoint: norm", "full",
                          "seminorm where the way back is by an implicit method, which does not solve for the "
                          "parameters' cotangent but sums it up over the accepted steps");
    theta_bar_.setZero(field.dynamics.parameter_count());
  }

  template <class Control>
  Statistics solve(const Method& method, const Control& control, std::span<const double> interval, View<const Scalar> z,
                   View<Scalar> a) {
    const Index d = field_.path_rows();
    const View<Scalar> state(slot_.y);
    if (field_.path == nullptr) copy<Scalar>(z, state.topRows(d));
    copy<Scalar>(a, state.bottomRows(d));
    Observer observer(*this);
    const Statistics statistics =
        relabel_failures([&] { return integrate(method, control, *this, slot_.y, interval, slot_.stepper, observer); },
                         [&](SolveFailure& at) {
                           at.solve = "solve on the adjoint's way back";
                           if (at.component >= d) at.component -= d;
                         });
    copy<Scalar>(state.bottomRows(d), a);
    largest_ = observer.path.largest;
    return statistics;
  }

  [[nodiscard]] View<const Scalar> z() const { return View<const Scalar>(slot_.y).topRows(field_.path_rows()); }
  [[nodiscard]] Scalar largest() const { return largest_; }
  [[nodiscard]] View<Scalar> theta_bar() { return theta_bar_; }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Batch<Scalar>& w, Batch<Scalar>& dw) const { slopes(t, w, dw); }

  void jacobian(double t, const Batch<Scalar>& w, Batch<Scalar>& J) const {
    const Index d = field_.path_rows(), n = field_.columns(), rows = dynamics_.rows(), m = w.rows();
    typename Workspace<Scalar>::Frame frame(field_.workspace);
    const View<Scalar> y = frame.batch(rows, n), of_path = frame.batch(d, d * n), all(J);
    path_at(t, w, y);
    dynamics_.jacobian(t, y, of_path, field_.workspace);
    fill<Scalar>(all, 0);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < d; ++i)
        for (Index k = 0; k < d; ++k) {
          const Scalar entry = of_path(i, j * d + k);
          all(m - d + k, j * m + m - d + i) = -entry;
          if (field_.path == nullptr) all(i, j * m + k) = entry;
        }
    if (field_.path == nullptr) add_curvature(t, w, all);
  }

 private:
  // Adds each accepted step's part of θ̄.
  struct Observer : NoObserver {
    static constexpr bool reads_last_stage = false;
    WayBack& back;
    LargestOnPath<Scalar> path;
    explicit Observer(WayBack& owner)
        : back(owner), path(owner.field_.path == nullptr ? owner.field_.path_rows() : 0) {}

    template <class Stepper>
    void accept(double t, double h, const Stepper& stepper) {
      path.accept(t, h, stepper);
      back.add_parameters(t, h, stepper);
    }
  };

  template <class Stepper>
  void add_parameters(double t, double h, const Stepper& stepper) {
    bool closing = false;
    if constexpr (requires { stepper.closing(); }) closing = stepper.closing();
    const auto& tableau = stage_tableau<Method>(closing);
    const Index d = field_.path_rows(), n = field_.columns();
    typename Workspace<Scalar>::Frame frame(field_.workspace);
    const View<Scalar> W = frame.batch(slot_.y.rows(), n), f = frame.batch(dynamics_.rows(), n),
                       unused = frame.batch(d, n);
    for (std::size_t i = 0; i < tableau.b.size(); ++i) {
      if (tableau.b[i] == 0) continue;
      copy<Scalar>(stepper.y(), W);
      for (std::size_t j = 0; j < tableau.b.size(); ++j)
        if (const double weight = tableau.A(int(i), int(j)); weight != 0)
          axpy<Scalar>(Scalar(h * weight), stepper.stage(int(j)), W);
      const double at = tableau.c[i] == 1 ? stepper.t_next() : t + tableau.c[i] * h;
      field_.pull_back(at, W.topRows(d), W.bottomRows(d), Scalar(-h * tableau.b[i]), f, unused, theta_bar_);
    }
  }

  void slopes(double t, View<const Scalar> w, View<Scalar> dw) const {
    const Index d = field_.path_rows(), n = field_.columns();
    typename Workspace<Scalar>::Frame frame(field_.workspace);
    const View<Scalar> f = frame.batch(dynamics_.rows(), n), a_dot = frame.batch(d, n),
                       unused = frame.vector(dynamics_.parameter_count());
    fill<Scalar>(unused, 0);
    field_.pull_back(t, w.topRows(d), w.bottomRows(d), Scalar(-1), f, a_dot, unused);
    if (field_.path == nullptr) copy<Scalar>(f.topRows(d), dw.topRows(d));
    copy<Scalar>(a_dot, dw.bottomRows(d));
  }

  // The state of the dynamics at w, quadrature rows 0.
  void path_at(double t, View<const Scalar> w, View<Scalar> y) const {
    const Index d = field_.path_rows(), n = field_.columns();
    fill<Scalar>(y, 0);
    if (field_.path == nullptr) return copy<Scalar>(w.topRows(d), y.topRows(d));
    typename Workspace<Scalar>::Frame frame(field_.workspace);
    const View<Scalar> z = frame.batch(d, n);
    field_.path->evaluate(t, z);
    copy<Scalar>(z, y.topRows(d));
  }

  // -∂(Jᵀ a)/∂z, a row of z of all samples at once.
  void add_curvature(double t, View<const Scalar> w, View<Scalar> J) const {
    const Index d = field_.path_rows(), n = field_.columns(), m = 2 * d;
    typename Workspace<Scalar>::Frame frame(field_.workspace);
    const View<Scalar> moved = frame.batch(m, n), here = frame.batch(m, n), there = frame.batch(m, n),
                       increments = frame.vector(n);
    copy<Scalar>(w, moved);
    slopes(t, w, here);
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < n; ++j) {
        Scalar largest = std::numeric_limits<Scalar>::min() / std::numeric_limits<Scalar>::epsilon();
        for (Index k = 0; k < d; ++k) largest = std::max(largest, std::abs(w(k, j)));
        moved(i, j) = w(i, j) + std::sqrt(std::numeric_limits<Scalar>::epsilon()) * largest;
        increments(j) = moved(i, j) - w(i, j);
      }
      slopes(t, moved, there);
      for (Index j = 0; j < n; ++j) {
        moved(i, j) = w(i, j);
        for (Index k = 0; k < d; ++k) {
          const Scalar entry = (there(d + k, j) - here(d + k, j)) / increments(j);
          if (std::isfinite(entry)) J(d + k, j * m + i) = entry;
        }
      }
    }
  }

  const Dynamics& dynamics_;
  const AdjointField<Scalar>& field_;
  SolveSlot<Method, Batch<Scalar>>& slot_;
  Vector<Scalar>& theta_bar_;
  Scalar largest_ = 0;
};

}  // namespace pathline::detail
