/// \file
/// What happens to a gradient before the optimizer reads it: `ClipByNorm`, or a rule of the user's own.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/optimizer.hpp>

#include <cmath>
#include <concepts>

namespace pathline {

/// `apply(gradient, norm)` changes the gradient of a mini-batch, which has this Euclidean norm, in place. `check()`,
/// where its settings can be wrong, throws ArgumentError.
template <class T>
concept GradientTransform = requires(const T& transform, Vector<double>& gradient, Vector<float>& gradient_f,
                                     double norm) {
  transform.apply(gradient, norm);
  transform.apply(gradient_f, norm);
};

/// Euclidean norm, in double: squares of floats overflow early.
template <Real Scalar>
[[nodiscard]] double gradient_norm(const Vector<Scalar>& gradient) {
  if constexpr (std::same_as<Scalar, double>) return std::sqrt(gradient.squaredNorm());
  double sum = 0;
  for (Index i = 0; i < gradient.size(); ++i) sum += double(gradient(i)) * double(gradient(i));
  return std::sqrt(sum);
}

/// Scales a gradient that is longer than `max_norm` down to that norm (Pascanu, Mikolov & Bengio 2013, Algorithm 1).
struct ClipByNorm {
  double max_norm = 1;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("max_norm", max_norm);
  }
  void check() const { detail::require_setting(max_norm > 0, "ClipByNorm: max_norm", max_norm, "a positive number"); }

  template <Real Scalar>
  void apply(Vector<Scalar>& gradient, double norm) const {
    if (norm > max_norm) detail::scale<Scalar>(Scalar(max_norm / norm), gradient);
  }
};

namespace detail {

/// Where no transform is named.
struct KeepGradient {
  template <Real Scalar>
  void apply(Vector<Scalar>& /*gradient*/, double /*norm*/) const noexcept {}
};

}  // namespace detail

/// Scales `gradient` down to the Euclidean norm `max_norm` if it is longer; returns the norm that it had.
template <Real Scalar>
double clip_by_norm(Vector<Scalar>& gradient, double max_norm) {
  const double norm = gradient_norm(gradient);
  ClipByNorm{max_norm}.apply(gradient, norm);
  return norm;
}

}  // namespace pathline
