/// \file
/// Costs of the steps rather than of the path: error estimates, stiffness. Only a gradient that differentiates the
/// steps themselves can carry them (Pal et al. 2021); the continuous adjoint has no steps to speak of.
#pragma once

#include <pathline/core/types.hpp>

#include <concepts>
#include <span>

namespace pathline {

/// An accepted step from t to t + h with its stage derivatives K_1 … K_s (rows × columns each).
template <Real Scalar>
struct AcceptedStep {
  double t, h;
  std::span<const Batch<Scalar>> stages;
};

/// One number per step, added up over the accepted steps, and the cotangents that it sends to the stages. Step sizes
/// count as constants.
///
/// - `evaluate(step)`: the step's cost.
/// - `pullback(step, stages_bar)`: adds to the cotangents of K_1 … K_s those of `evaluate`.
/// - `using method = M`, if it says so: it reads the stages of M, and a solve by another method does not compile.
template <class C, class Scalar>
concept StepCost = requires(const C cost, const AcceptedStep<Scalar>& step, std::span<BatchMap<Scalar>> stages_bar) {
  { cost.evaluate(step) } -> std::convertible_to<Scalar>;
  cost.pullback(step, stages_bar);
};

namespace detail {

template <class Cost, class Method>
inline constexpr bool reads_stages_of = true;
template <class Cost, class Method>
requires requires { typename Cost::method; }
inline constexpr bool reads_stages_of<Cost, Method> = std::same_as<typename Cost::method, Method>;

}  // namespace detail

/// The default: steps cost nothing, and nothing is recorded for them.
struct NoStepCost {
  template <Real Scalar>
  [[nodiscard]] Scalar evaluate(const AcceptedStep<Scalar>& /*step*/) const noexcept {
    return Scalar(0);
  }
  template <Real Scalar>
  void pullback(const AcceptedStep<Scalar>& /*step*/, std::span<BatchMap<Scalar>> /*stages_bar*/) const noexcept {}
};

}  // namespace pathline
