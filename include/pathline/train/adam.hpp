/// \file
/// Adam (Kingma & Ba 2015, arXiv 1412.6980, Algorithm 1), the optimizer of most flows, and AdamW, which decays the
/// weights apart from the gradient (Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/optimizer.hpp>

#include <cmath>
#include <span>

namespace pathline {

/// θ ← θ - rate m̂ / (√v̂ + ε), where m̂ and v̂ are means of the gradient and its square, corrected for their start at 0.
struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< Decay of the first and second moment.
  double epsilon = 1e-8;              ///< Added to the root of the second moment.

  static constexpr Index moments = 2;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("learning_rate", learning_rate);
    visit("beta1", beta1);
    visit("beta2", beta2);
    visit("epsilon", epsilon);
  }
  void check() const {
    detail::require_learning_rate("Adam: learning_rate", learning_rate);
    detail::require_setting(beta1 >= 0 && beta1 < 1, "Adam: beta1", beta1, "at least 0 and below 1");
    detail::require_setting(beta2 >= 0 && beta2 < 1, "Adam: beta2", beta2, "at least 0 and below 1");
    detail::require_setting(epsilon >= 0, "Adam: epsilon", epsilon, "at least 0");
  }

  template <Real Scalar>
  void step(Index t, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta,
            std::span<Vector<Scalar>> moments_of_theta) const {
    Vector<Scalar>&first = moments_of_theta[0], &second = moments_of_theta[1];
    // Differences from one in double: as a float, 1 - β₂ has five good digits.
    const auto keep1 = Scalar(beta1), add1 = Scalar(1 - beta1), keep2 = Scalar(beta2), add2 = Scalar(1 - beta2);
    detail::update<Scalar>(
        first, [=](auto m, auto g) { return keep1 * m + add1 * g; }, gradient);
    detail::update<Scalar>(
        second, [=](auto v, auto g) { return keep2 * v + add2 * (g * g); }, gradient);
    const double correct1 = 1 - std::pow(beta1, double(t)), correct2 = 1 - std::pow(beta2, double(t));
    const auto step = Scalar(rate / correct1), scale = Scalar(1 / std::sqrt(correct2)), least = Scalar(epsilon);
    detail::update<Scalar>(
        theta,
        [=](auto x, auto m, auto v) {
          using std::sqrt;
          return x - step * m / (scale * sqrt(v) + least);
        },
        first, second);
  }
};

/// Adam with θ ← (1 - rate · weight_decay) θ before each step, as PyTorch's AdamW has it: the paper's λ is this decay
/// times the learning rate. A parameter whose gradient has always been 0, such as a running statistic, does not decay.
struct AdamW {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;

  static constexpr Index moments = Adam::moments;

  template <class Visit>
  void settings(Visit& visit) const {
    adam().settings(visit);
    visit("weight_decay", weight_decay);
  }
  void check() const {
    adam().check();
    detail::require_setting(weight_decay >= 0 && std::isfinite(weight_decay), "AdamW: weight_decay", weight_decay,
                            "at least 0");
    check_rate(learning_rate);
  }
  void check_rate(double rate) const {
    detail::require_setting(rate * weight_decay <= 1, "AdamW: rate times weight_decay", rate * weight_decay,
                            "at most 1, beyond which a step turns the signs of the parameters");
  }

  template <Real Scalar>
  void step(Index t, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta,
            std::span<Vector<Scalar>> moments_of_theta) const {
    const Vector<Scalar>& second = moments_of_theta[1];
    const auto rest = Scalar(1 - rate * weight_decay);
    for (Index i = 0; i < theta.size(); ++i)
      if (gradient(i) != Scalar(0) || second(i) != Scalar(0)) theta(i) *= rest;
    adam().step(t, rate, gradient, theta, moments_of_theta);
  }

 private:
  [[nodiscard]] Adam adam() const { return {learning_rate, beta1, beta2, epsilon}; }
};

}  // namespace pathline
