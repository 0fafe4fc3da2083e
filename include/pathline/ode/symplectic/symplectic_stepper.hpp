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
#include <pathline/ode/symplectic/symplectic_method.hpp>

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
    slope_ready_ = false;
    evaluations_ = 0;
  }

  /// Evaluates what the coming step begins with, unless it is known; true if it was evaluated.
  template <class Velocity, class Force>
  bool prepare(Velocity& velocity, Force& force, double t) {
    if (slope_ready_) return false;
    slope_ready_ = true;
    if constexpr (kicks_first)
      evaluate(Part<Force>{force, p_, force_}, t, q_, true);
    else
      evaluate(Part<Velocity>{velocity, q_, velocity_}, t, p_, false);
    return true;
  }
  /// Forgets it: the functions have changed.
  void restart() { slope_ready_ = false; }

  /// From t to t + h; h may be negative.
  template <class Velocity, class Force>
  void step(Velocity& velocity, Force& force, double t, double h) {
    step(velocity, force, t, h, t + h);
  }

  /// The same where t + h would not round to the end exactly. What a step of Verlet ends with, the next one starts
  /// with: one evaluation of each function for each.
  template <class Velocity, class Force>
  void step(Velocity& velocity, Force& force, double t, double h, double t_next) {
    prepare(velocity, force, t);
    if constexpr (kicks_first)
      compose(Part<Force>{force, p_, force_}, Part<Velocity>{velocity, q_, velocity_}, t, h, t_next);
    else
      compose(Part<Velocity>{velocity, q_, velocity_}, Part<Force>{force, p_, force_}, t, h, t_next);
  }

  [[nodiscard]] const State& q() const { return q_; }
  [[nodiscard]] const State& p() const { return p_; }
  /// As evaluated last.
  [[nodiscard]] const State& velocity() const { return velocity_; }
  [[nodiscard]] const State& force() const { return force_; }
  /// Evaluations of the force since reset(): one for each step of Verlet, and one more at the very start where kicks
  /// come first. Those of the velocity are not counted.
  [[nodiscard]] Index evaluations() const { return evaluations_; }

 private:
  static constexpr bool kicks_first = detail::kicks_first<Method>;

  /// x' = function(t, the other part's x).
  template <class Function>
  struct Part {
    Function& function;
    State &x, &slope;
  };

  template <class Outer, class Inner>
  void compose(Outer outer, Inner inner, double t, double h, double t_next) {
    double now = t;
    for (std::size_t i = 0; i < Method::weights.size(); ++i) {
      const double length = Method::weights[i] * h;
      outer.x += Scalar(length / 2) * outer.slope;
      evaluate(inner, now + length / 2, outer.x, !kicks_first);
      inner.x += Scalar(length) * inner.slope;
      now = i + 1 == Method::weights.size() ? t_next : now + length;
      evaluate(outer, now, inner.x, kicks_first);
      outer.x += Scalar(length / 2) * outer.slope;
    }
  }

  template <class Function>
  void evaluate(const Part<Function>& part, double t, const State& x, bool counted) {
    detail::evaluate(part.function, t, x, part.slope);
    if (counted) ++evaluations_;
  }

  State q_, p_, velocity_, force_;
  bool slope_ready_ = false;  // of what comes first
  Index evaluations_ = 0;
};

}  // namespace pathline
