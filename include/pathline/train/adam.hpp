/// \file
/// Adam (Kingma & Ba 2015, arXiv 1412.6980, Algorithm 1): the optimizer of most flows.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <string>

namespace pathline {

/// Settings of Adam; its moments live in `AdamState`.
struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< Decay of the first and second moment.
  double epsilon = 1e-8;              ///< Added to the root of the second moment.
};

/// The moments of an optimization: a plain value, zero before the first step.
template <Real Scalar>
class AdamState {
 public:
  explicit AdamState(Index parameter_count)
      : first_(Vector<Scalar>::Zero(parameter_count)), second_(Vector<Scalar>::Zero(parameter_count)) {}

  /// Moves `parameters` one step against `gradient`.
  /// \throws ShapeError when their lengths differ.
  void step(const Adam& adam, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> parameters) {
    require_rows("AdamState::step: gradient", gradient.size(), first_.size());
    require_rows("AdamState::step: parameters", parameters.size(), first_.size());
    ++steps_;
    // Differences from one in double: as a float, 1 - β₂ has five good digits.
    first_ = Scalar(adam.beta1) * first_ + Scalar(1 - adam.beta1) * gradient;
    second_ = Scalar(adam.beta2) * second_ + Scalar(1 - adam.beta2) * gradient.cwiseAbs2();
    const double correct1 = 1 - std::pow(adam.beta1, double(steps_)),
                 correct2 = 1 - std::pow(adam.beta2, double(steps_));
    const auto rate = Scalar(adam.learning_rate / correct1), scale = Scalar(1 / std::sqrt(correct2));
    parameters.array() -= rate * first_.array() / (scale * second_.array().sqrt() + Scalar(adam.epsilon));
  }

  [[nodiscard]] Index steps() const noexcept { return steps_; }

 private:
  Vector<Scalar> first_, second_;
  Index steps_ = 0;
};

/// Scales `gradient` down to the Euclidean norm `max_norm` if it is longer; returns the norm that it had.
template <class Derived>
double clip_by_norm(Eigen::MatrixBase<Derived>& gradient, double max_norm) {
  using Scalar = typename Derived::Scalar;
  const double norm = std::sqrt(gradient.template cast<double>().squaredNorm());  // squares of floats overflow early
  if (norm > max_norm) gradient *= Scalar(max_norm / norm);
  return norm;
}

}  // namespace pathline
