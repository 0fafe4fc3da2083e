/// \file
/// What moves the parameters: an update rule, and what it remembers from step to step. Settings and memory are apart,
/// as in ensmallen: a rule is a struct of constants, and `OptimizerState` a plain value that a program can copy and
/// keep.
///
///     OptimizerState<float> state;  // of a loop of one's own; `fit` keeps it in its TrainingState
///     state.step(Adam{.learning_rate = 1e-2}, gradient, flow.parameters());
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// - `learning_rate`: the rate where no schedule changes it.
/// - `moments`: how many vectors as long as θ it keeps, all 0 before the first step.
/// - `step(t, rate, gradient, theta, moments)`: takes step t = 1, 2, … with this rate, and leaves a parameter whose
///   gradient has always been exactly 0 as it is: it is a running statistic, which the model moves itself.
/// - `check()`, where its settings can be wrong: throws ArgumentError.
/// - `check_rate(rate)`, where not every rate of a schedule will do: throws ArgumentError, before a step with it.
template <class O>
concept Optimizer = requires(const O& optimizer, Index t, double rate, const Vector<double>& gradient,
                             Vector<double>& theta, std::span<Vector<double>> moments, const Vector<float>& gradient_f,
                             Vector<float>& theta_f, std::span<Vector<float>> moments_f) {
  { optimizer.learning_rate } -> std::convertible_to<double>;
  { O::moments } -> std::convertible_to<Index>;
  optimizer.step(t, rate, gradient, theta, moments);
  optimizer.step(t, rate, gradient_f, theta_f, moments_f);
};

namespace detail {

/// Throws ArgumentError, `Adam: beta1 is 2, expected at least 0 and below 1`, unless it `holds`.
inline void require_setting(bool holds, const char* what, double got, const char* expected) {
  if (!holds) throw ArgumentError(what, got, expected);
}
inline void require_learning_rate(const char* what, double rate) {
  require_setting(rate > 0 && std::isfinite(rate), what, rate, "a positive number");
}

}  // namespace detail

/// The memory of an optimization: a plain value, empty before the first step. The rule that takes that step decides how
/// many vectors there are.
template <Real Scalar>
struct OptimizerState {
  Index steps = 0;                        ///< Taken so far.
  std::vector<Vector<Scalar>> moments{};  ///< Of the rule, each as long as θ.

  /// Moves `theta` one step against `gradient`.
  /// \throws ShapeError when the lengths differ; ArgumentError when the memory is that of a rule with another number of
  ///         moments, or the rule refuses the rate. Nothing has changed then.
  template <Optimizer O>
  void step(const O& optimizer, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta) {
    step(optimizer, optimizer.learning_rate, gradient, theta);
  }
  /// The same with another rate than the rule's own.
  template <Optimizer O>
  void step(const O& optimizer, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta) {
    if constexpr (requires { optimizer.check_rate(rate); }) optimizer.check_rate(rate);
    prepare(O::moments, gradient.size(), theta.size());
    ++steps;
    optimizer.step(steps, rate, gradient, theta, std::span<Vector<Scalar>>(moments));
  }

 private:
  void prepare(Index count, Index gradient, Index parameters) {
    require_rows("OptimizerState::step: gradient", gradient, parameters);
    if (steps == 0) {
      moments.resize(std::size_t(count));
      for (Vector<Scalar>& moment : moments) moment.setZero(parameters);
    } else if (Index(moments.size()) != count) {
      throw ArgumentError("OptimizerState::step: the state's number of moments", moments.size(),
                          detail::message({count, ", as this optimizer has; begin with a new state"}));
    }
    if (count > 0) require_rows("OptimizerState::step: parameters", parameters, moments.front().size());
  }
};

}  // namespace pathline
