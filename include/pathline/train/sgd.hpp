/// \file
/// Stochastic gradient descent with momentum (Polyak 1964; Sutskever et al. 2013, equations 1 and 2).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/optimizer.hpp>

#include <span>

namespace pathline {

/// v ← momentum · v - rate · gradient, θ ← θ + v.
struct Sgd {
  double learning_rate = 1e-2;
  double momentum = 0.9;  ///< Share of the last step that the next one repeats; 0 is plain gradient descent.

  static constexpr Index moments = 1;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("learning_rate", learning_rate);
    visit("momentum", momentum);
  }
  void check() const {
    detail::require_learning_rate("Sgd: learning_rate", learning_rate);
    detail::require_setting(momentum >= 0 && momentum < 1, "Sgd: momentum", momentum, "at least 0 and below 1");
  }

  template <Real Scalar>
  void step(Index /*t*/, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta,
            std::span<Vector<Scalar>> velocity) const {
    const auto keep = Scalar(momentum), length = Scalar(rate);
    detail::update<Scalar>(
        velocity[0], [=](auto v, auto g) { return keep * v - length * g; }, gradient);
    detail::add<Scalar>(velocity[0], theta);
  }
};

}  // namespace pathline
