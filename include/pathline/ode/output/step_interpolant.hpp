/// \file
/// The solution between the ends of one step, for those who write the loop over steps themselves. For a whole solve:
/// trajectory.hpp and save_at.hpp.
/// ```
/// stepper.step(rhs, t, h);
/// interpolant.take(rhs, stepper, t);  // evaluates f at the end, which most methods need in the next step anyhow
/// stepper.accept();
/// interpolant.interpolate(t + h / 3, y);
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/hermite_weights.hpp>
#include <pathline/ode/tableau/set_entries.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace pathline {
namespace detail {

/// to += weight · x.
template <class State>
void add_scaled(typename State::Scalar weight, const State& x, State& to) {
  set_entries(
      to, [weight](auto y, auto k) { return y + weight * k; }, to, x);
}

/// y + Σ w_i x_i of docs/maths.md, (5.1), with h included in the weights of the slopes. The y_i, f_i and the
/// corrections, one for each power of θ, have the shape of a state; out is none of them.
template <class State>
void interpolate_step(double t, double t0, double t1, const State& y0, const State& f0, const State& y1,
                      const State& f1, std::span<const State> corrections, State& out) {
  using Scalar = typename State::Scalar;
  if (t == t1) {  // exactly, where y0 + (y1 - y0) may round
    out = y1;
    return;
  }
  const double h = t1 - t0, theta = (t - t0) / h;
  const HermiteWeights w = hermite_weights(theta);
  const auto rise = Scalar(w.rise), first = Scalar(h * w.first), last = Scalar(h * w.last),
             correction = Scalar(w.correction);
  if (corrections.empty())
    set_entries(
        out, [=](auto a, auto b, auto f, auto g) { return a + rise * (b - a) + first * f + last * g; }, y0, y1, f0, f1);
  else
    set_entries(
        out,
        [=](auto a, auto b, auto f, auto g, auto c) {
          return a + rise * (b - a) + first * f + last * g + correction * c;
        },
        y0, y1, f0, f1, corrections[0]);
  double weight = w.correction;
  for (std::size_t k = 1; k < corrections.size(); ++k) add_scaled(Scalar(weight *= theta), corrections[k], out);
}

/// Its derivative by t, f0 and f1 at the ends.
template <class State>
void differentiate_step(double t, double t0, double t1, const State& y0, const State& f0, const State& y1,
                        const State& f1, std::span<const State> corrections, State& out) {
  using Scalar = typename State::Scalar;
  const double h = t1 - t0, theta = (t - t0) / h;
  const HermiteWeights w = hermite_slopes(theta);
  const auto rise = Scalar(w.rise / h), first = Scalar(w.first),
             last = Scalar(w.last);  // fused as the compiler fuses the plain sum
  set_entries(
      out, [=](auto a, auto b, auto f, auto g) { return madd(last, g, madd(first, f, rise * (b - a))); }, y0, y1, f0,
      f1);
  double power = 1, slope = 0;  // of θ^k
  for (const State& correction : corrections) {
    add_scaled(Scalar((w.correction * power + hermite_weights(theta).correction * slope) / h), correction, out);
    slope = power + theta * slope;
    power *= theta;
  }
}

/// The corrections of the same polynomial on [0, θ]. The ends and slopes there give its cubic; of the coefficients of
/// θ⁴, θ⁵, … , which the corrections make alone, each grows by its power.
template <class State>
void shorten_corrections(double theta, std::span<State> corrections) {
  using Scalar = typename State::Scalar;
  const std::size_t n = corrections.size();
  double power = theta * theta * theta * theta;
  for (std::size_t k = 0; k < n; ++k, power *= theta) {  // θ² (1 - θ)² = θ⁴ - 2 θ³ + θ²
    if (k + 1 < n) corrections[k] -= Scalar(2) * corrections[k + 1];
    if (k + 2 < n) corrections[k] += corrections[k + 2];
    corrections[k] *= Scalar(power);
  }
  for (std::size_t k = n; k-- > 0;) {
    if (k + 1 < n) corrections[k] += Scalar(2) * corrections[k + 1];
    if (k + 2 < n) corrections[k] -= corrections[k + 2];
  }
}

/// The states that a stepper writes besides the Hermite polynomial.
template <class Stepper>
inline constexpr std::size_t corrections_of = 0;
template <class Stepper>
requires requires { Stepper::dense_corrections; }
inline constexpr std::size_t corrections_of<Stepper> = Stepper::dense_corrections;

/// Whether the steps of a method can be looked into; true of what is no method, for others to say.
template <class Method, class State, class Rhs>
inline constexpr bool has_dense_output = [] {
  if constexpr (SteppingMethod<Method, State>)
    return DenseStepper<Stepper<Method, State>, Rhs>;
  else
    return true;
}();

/// \throws ArgumentError unless t lies between t0 and t1, ends included; a NaN does not.
inline void require_within(const char* what, double t, double t0, double t1) {
  if (t >= std::min(t0, t1) && t <= std::max(t0, t1)) return;
  throw ArgumentError(what, t, message({"from ", t0, " to ", t1}));
}

}  // namespace detail

/// One step as a polynomial in time: the method's own extension, or the cubic Hermite polynomial where it has none.
/// Owns its values; allocates only when the shape is new.
template <OdeState State>
class StepInterpolant {
 public:
  /// Takes over the step that `stepper` tried last, from t; before accept(). Evaluates what it needs and no stage is: f
  /// at the end, which then is known in the next step; the stages of the method's extension; and of an implicit method
  /// that never has it, f at the start.
  template <class Rhs, class Method>
  requires DenseStepper<Stepper<Method, State>, Rhs>
  void take(Rhs& rhs, Stepper<Method, State>& stepper, double t) {
    constexpr std::size_t n = detail::corrections_of<Stepper<Method, State>>;
    static_assert(n <= most_corrections, "StepInterpolant: an extension of higher degree than any method's");
    take_ends(stepper, t);
    f0_ = stepper.start_slope(rhs, t);
    end(stepper.end_slope(rhs));
    corrections_used_ = n;
    if constexpr (n > 0) stepper.write_dense_corrections(rhs, t, std::span<State, n>(corrections_.data(), n));
  }

  /// The same of an explicit method by its stages alone, all of which have been evaluated: without what an extension
  /// with stages of its own, Dop853's, adds to the cubic.
  template <ExplicitMethod Method>
  void begin(const Stepper<Method, State>& stepper, double t) {
    take_ends(stepper, t);
    f0_ = stepper.stage(0);
    corrections_used_ = DenselyExtendedMethod<Method> ? 1 : 0;
    if constexpr (DenselyExtendedMethod<Method>) stepper.write_dense_correction(corrections_[0]);
    closed_ = Stepper<Method, State>::fsal;
    if constexpr (Stepper<Method, State>::fsal) f1_ = stepper.stage(stepper.stages - 1);
  }

  /// After begin(): f at the end of the step; may be left out after a method that is first same as last, whose step has
  /// evaluated it.
  void end(const State& f1) {
    f1_ = f1;
    closed_ = true;
  }

  /// y(t) at a time of the step; the ends are met exactly. `out` is given the shape of y.
  /// \throws ArgumentError outside of the step, Error before end().
  void interpolate(double t, State& out) const {
    require_usable(t);
    detail::interpolate_step(t, t0_, t1_, y0_, f0_, y1_, f1_, corrections(), out);
  }

  /// The derivative of the polynomial, of one order less.
  void differentiate(double t, State& out) const {
    require_usable(t);
    detail::differentiate_step(t, t0_, t1_, y0_, f0_, y1_, f1_, corrections(), out);
  }

  [[nodiscard]] double t0() const { return t0_; }  ///< Where the step starts.
  [[nodiscard]] double t1() const { return t1_; }  ///< Where it ends; below t0 in a backward solve.

 private:
  static constexpr std::size_t most_corrections = 4;

  template <class Method>
  void take_ends(const Stepper<Method, State>& stepper, double t) {
    t0_ = t;
    t1_ = stepper.t_next();
    y0_ = stepper.y();
    y1_ = stepper.y_next();
  }
  void require_usable(double t) const {
    detail::require_within("StepInterpolant: t", t, t0_, t1_);
    if (!closed_) throw Error("StepInterpolant: the step is open, expected end() with f at its end");
  }
  [[nodiscard]] std::span<const State> corrections() const { return {corrections_.data(), corrections_used_}; }

  State y0_, f0_, y1_, f1_;
  std::array<State, most_corrections> corrections_;
  std::size_t corrections_used_ = 0;
  double t0_ = 0, t1_ = 0;
  bool closed_ = false;
};

}  // namespace pathline
