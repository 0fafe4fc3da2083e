/// \file
/// The third derivative of an activation, which only the pullback of a second derivative along a path needs
/// (nn/taylor/taylor.hpp). It comes from what is known at x, by formulas of docs/maths.md, section 9, and costs no
/// exponential (Swish apart).
#pragma once

#include <pathline/math/activations.hpp>

#include <concepts>

namespace pathline {

/// An activation with `static P third(const Jet<P>& jet, P x)`, σ'''(x) given jet(x). An activation without it can be
/// used everywhere except in Taylor mode.
template <class Sigma, class Scalar = double>
concept ThriceDifferentiable = Activation<Sigma, Scalar> && requires(const Jet<Scalar>& jet, Scalar x) {
  { Sigma::third(jet, x) } -> std::same_as<Scalar>;
};

/// third = σ'''(x) for `size` scalars, given y = σ(x) with its derivatives. `third` may be `x`. Allocates nothing.
template <class Sigma, Real Scalar>
void activate_third(Index size, const Scalar* x, const Scalar* y, const Scalar* first, const Scalar* second,
                    Scalar* third) noexcept {
  static_assert(ThriceDifferentiable<Sigma, Scalar>,
                "activate_third: an activation needs static P third(const Jet<P>& jet, P x) for P = the scalar");
  for (Index i = 0; i < size; ++i) third[i] = Sigma::third(Jet<Scalar>{y[i], first[i], second[i]}, x[i]);
}

}  // namespace pathline
