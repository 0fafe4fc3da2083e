/// \file
/// The solution between the ends of one step, for those who write the loop over steps themselves. For a whole solve:
/// trajectory.hpp and save_at.hpp.
/// ```
/// stepper.step(rhs, t, h);
/// interpolant.begin(stepper, t);
/// stepper.accept();
/// stepper.prepare(rhs, t + h);            // the next step's first stage, needed anyhow
/// interpolant.end(stepper.stage(0));
/// interpolant.interpolate(t + h / 3, y);
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/dense_weights.hpp>
#include <pathline/ode/explicit_stepper.hpp>

#include <algorithm>
#include <string>

namespace pathline {
namespace detail {

/// y + Σ w_i x_i of docs/maths.md, section 5, where h already stands in the weights of the slopes. The y_i, f_i and the
/// correction have the shape of a state; out is none of them. A null correction is 0.
template <class State>
void interpolate_step(double t, double t0, double t1, const State& y0, const State& f0, const State& y1,
                      const State& f1, const State* correction, State& out) {
  using Scalar = typename State::Scalar;
  if (t == t1) {  // exactly, where y0 + (y1 - y0) may round
    out = y1;
    return;
  }
  const double h = t1 - t0;
  const HermiteWeights w = hermite_weights((t - t0) / h);
  if (correction != nullptr)
    out = y0 + Scalar(w.rise) * (y1 - y0) + Scalar(h * w.first) * f0 + Scalar(h * w.last) * f1 +
          Scalar(w.correction) * *correction;
  else
    out = y0 + Scalar(w.rise) * (y1 - y0) + Scalar(h * w.first) * f0 + Scalar(h * w.last) * f1;
}

/// Its derivative by t, f0 and f1 at the ends.
template <class State>
void differentiate_step(double t, double t0, double t1, const State& y0, const State& f0, const State& y1,
                        const State& f1, const State* correction, State& out) {
  using Scalar = typename State::Scalar;
  const double h = t1 - t0;
  const HermiteWeights w = hermite_slopes((t - t0) / h);
  if (correction != nullptr)
    out = Scalar(w.rise / h) * (y1 - y0) + Scalar(w.first) * f0 + Scalar(w.last) * f1 +
          Scalar(w.correction / h) * *correction;
  else
    out = Scalar(w.rise / h) * (y1 - y0) + Scalar(w.first) * f0 + Scalar(w.last) * f1;
}

/// \throws ArgumentError unless t lies between t0 and t1, ends included; a NaN does not.
inline void require_within(const char* what, double t, double t0, double t1) {
  if (t >= std::min(t0, t1) && t <= std::max(t0, t1)) return;
  throw ArgumentError(what, number(t), "from " + number(t0) + " to " + number(t1));
}

}  // namespace detail

/// One step of an explicit method as a polynomial in time: the method's own extension, or the cubic Hermite polynomial
/// where it has none (Dop853 too). Owns its values; allocates only when the shape is new.
template <OdeState State>
class StepInterpolant {
 public:
  /// Takes over the step that `stepper` tried last, from t, with all its stages; before accept().
  template <class Method>
  void begin(const Stepper<Method, State>& stepper, double t) {
    t0_ = t;
    t1_ = stepper.t_next();
    y0_ = stepper.y();
    f0_ = stepper.stage(0);
    y1_ = stepper.y_next();
    corrected_ = DenselyExtendedMethod<Method>;
    if constexpr (DenselyExtendedMethod<Method>) stepper.write_dense_correction(correction_);
    closed_ = Stepper<Method, State>::fsal;
    if constexpr (Stepper<Method, State>::fsal) f1_ = stepper.stage(stepper.stages - 1);
  }

  /// f at the end of the step; may be left out after a method that is first same as last, whose step has evaluated it.
  void end(const State& f1) {
    f1_ = f1;
    closed_ = true;
  }

  /// y(t) at a time of the step; the ends are met exactly. `out` is given the shape of y.
  /// \throws ArgumentError outside of the step, Error before end().
  void interpolate(double t, State& out) const {
    require_usable(t);
    detail::interpolate_step(t, t0_, t1_, y0_, f0_, y1_, f1_, correction(), out);
  }

  /// The derivative of the polynomial, of one order less.
  void differentiate(double t, State& out) const {
    require_usable(t);
    detail::differentiate_step(t, t0_, t1_, y0_, f0_, y1_, f1_, correction(), out);
  }

  [[nodiscard]] double t0() const { return t0_; }  ///< Where the step starts.
  [[nodiscard]] double t1() const { return t1_; }  ///< Where it ends; below t0 in a backward solve.

 private:
  void require_usable(double t) const {
    detail::require_within("StepInterpolant: t", t, t0_, t1_);
    if (!closed_) throw Error("StepInterpolant: the step is open, expected end() with f at its end");
  }
  [[nodiscard]] const State* correction() const { return corrected_ ? &correction_ : nullptr; }

  State y0_, f0_, y1_, f1_, correction_;
  double t0_ = 0, t1_ = 0;
  bool corrected_ = false, closed_ = false;
};

}  // namespace pathline
