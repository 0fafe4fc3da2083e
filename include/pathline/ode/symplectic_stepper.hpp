/// \file
/// One step of a symplectic method, as an object that owns its storage.
///
/// By hand:
/// ```
/// SymplecticStepper<Yoshida4, Eigen::Vector2d> stepper;
/// stepper.reset(q0, p0);
/// for (double t = 0; t < 10; t += h) stepper.step(velocity, force, t, h);
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit_stepper.hpp>
#include <pathline/ode/symplectic_methods.hpp>

#include <cstddef>

namespace pathline {

/// q' = velocity(t, p), p' = force(t, q); each in one of the two forms of a right-hand side. q and p have one shape, a
/// column per sample. Not for use by two threads at once. Allocates only when the shape is new.
template <SymplecticMethod Method, OdeState State>
class SymplecticStepper {
  static_assert(composition_order(Method::weights) == Method::order,
                "this symplectic method's weights are not of its order: see composition_order(Method::weights)");

 public:
  using Scalar = typename State::Scalar;

  /// Starts at (q, p) without evaluating anything.
  /// \throws ShapeError unless q and p have one shape.
  void reset(const State& q, const State& p) {
    require_rows("symplectic: p", p.rows(), q.rows());
    require_columns("symplectic: p", p.cols(), q.cols());
    q_ = q;
    p_ = p;
    velocity_.resizeLike(q);
    force_.resizeLike(q);
    force_ready_ = false;
    evaluations_ = 0;
  }

  /// From t to t + h; h may be negative.
  template <class Velocity, class Force>
  void step(Velocity& velocity, Force& force, double t, double h) {
    step(velocity, force, t, h, t + h);
  }

  /// The same where t + h would not round to the end exactly: the last force is evaluated at t_next. What a step of
  /// Verlet ends with, the next one starts with: one evaluation of the force for each.
  template <class Velocity, class Force>
  void step(Velocity& velocity, Force& force, double t, double h, double t_next) {
    if (!force_ready_) evaluate_force(force, t);
    double now = t;
    for (std::size_t i = 0; i < Method::weights.size(); ++i) {
      const double length = Method::weights[i] * h;
      p_ += Scalar(length / 2) * force_;
      detail::evaluate(velocity, now + length / 2, p_, velocity_);
      detail::require_shape(velocity_, q_);
      q_ += Scalar(length) * velocity_;
      now = i + 1 == Method::weights.size() ? t_next : now + length;
      evaluate_force(force, now);
      p_ += Scalar(length / 2) * force_;
    }
  }

  [[nodiscard]] const State& q() const { return q_; }
  [[nodiscard]] const State& p() const { return p_; }
  /// Of the force, since reset(); of the velocity there are as many, less the first.
  [[nodiscard]] Index evaluations() const { return evaluations_; }

 private:
  template <class Force>
  void evaluate_force(Force& force, double t) {
    detail::evaluate(force, t, q_, force_);
    detail::require_shape(force_, q_);
    force_ready_ = true;
    ++evaluations_;
  }

  State q_, p_, velocity_, force_;
  bool force_ready_ = false;
  Index evaluations_ = 0;
};

}  // namespace pathline
