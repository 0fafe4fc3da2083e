/// \file
/// A callback for every step, or for every k-th, as an observer of integrate():
/// ```
/// integrate(Dopri5{}, PiController{}, rhs, y, times, stepper,
///           each_step([](double t, const auto& y) { std::cout << t << ' ' << y.transpose() << '\n'; }));
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/concepts.hpp>

#include <string>
#include <utility>

namespace pathline {

/// Calls function(t, y) with the end of every k-th accepted step; k = 1 is every step. It is not called with
/// the initial state.
template <class Function>
class EachStep : public NoObserver {
 public:
  static constexpr bool reads_last_stage = false;

  /// \throws ArgumentError unless k > 0.
  explicit EachStep(Function function, Index k = 1) : function_(std::move(function)), k_(k) {
    if (k < 1) throw ArgumentError("EachStep: k", k, "at least 1");
  }

  template <class Stepper>
  void accept(double /*t*/, double /*h*/, const Stepper& stepper) {
    if (++steps_ % k_ == 0) function_(stepper.t_next(), stepper.y_next());
  }

 private:
  Function function_;
  Index k_, steps_ = 0;
};

/// EachStep of this function.
template <class Function>
[[nodiscard]] EachStep<Function> each_step(Function function, Index k = 1) {
  return EachStep<Function>(std::move(function), k);
}

}  // namespace pathline
