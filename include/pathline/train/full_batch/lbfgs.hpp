/// \file
/// What L-BFGS is set by, and what it remembers: the last few steps and the changes of the gradient along them, from
/// which the direction of the next follows (Liu & Nocedal 1989; Nocedal & Wright 2006, algorithm 7.4). `minimize`
/// (train/full_batch/minimize.hpp) takes the steps.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <vector>

namespace pathline {

/// Settings of L-BFGS.
struct LBfgs {
  Index memory = 10;  ///< Last steps that the curvature is learned from; each takes two vectors as long as θ.
  Index max_iterations = 1000;
  Index max_evaluations = 10'000;    ///< Of value and gradient, the first one counted.
  double gradient_tolerance = 1e-6;  ///< Ends at a gradient whose Euclidean norm is not above.
  double gain_tolerance = 1e-12;     ///< Ends when an iteration lowers the value by no more than this share of it.
  double sufficient_decrease = 1e-4, curvature = 0.9;  ///< c₁ and c₂ of `StrongWolfe`.
  Index search_evaluations = 30;                       ///< Most of one line search.

  void check() const {
    const auto require = detail::require_setting;
    require(memory >= 1, "LBfgs: memory", double(memory), "at least 1");
    require(max_iterations >= 0, "LBfgs: max_iterations", double(max_iterations), "at least 0");
    require(max_evaluations >= 1, "LBfgs: max_evaluations", double(max_evaluations), "at least 1");
    require(gradient_tolerance >= 0, "LBfgs: gradient_tolerance", gradient_tolerance, "at least 0");
    require(gain_tolerance >= 0, "LBfgs: gain_tolerance", gain_tolerance, "at least 0");
    require(sufficient_decrease > 0 && sufficient_decrease < 1, "LBfgs: sufficient_decrease", sufficient_decrease,
            "between 0 and 1");
    require(curvature > sufficient_decrease && curvature < 1, "LBfgs: curvature", curvature,
            "above sufficient_decrease and below 1");
    require(search_evaluations >= 2, "LBfgs: search_evaluations", double(search_evaluations), "at least 2");
  }
};

namespace detail {

/// x·y, in double: squares of floats overflow early.
template <Real Scalar>
[[nodiscard]] double product_of(const Vector<Scalar>& x, const Vector<Scalar>& y) {
  if constexpr (std::same_as<Scalar, double>) return dot(x.data(), y.data(), x.size());
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) sum += double(x(i)) * double(y(i));
  return sum;
}

/// The last steps s and differences y of the gradient, and the direction -H∇L that follows from them.
template <Real Scalar>
class LimitedMemory {
 public:
  LimitedMemory(Index parameters, Index pairs)
      : steps_(std::size_t(pairs + 1), Vector<Scalar>(parameters)),
        differences_(steps_),
        products_(steps_.size()),
        factors_(steps_.size()) {}

  [[nodiscard]] bool empty() const { return count_ == 0; }
  void clear() { count_ = 0; }

  /// Learns from θ to θ', with these gradients, unless s·y is not above rounding: then H would not be positive.
  void add(const Vector<Scalar>& theta, const Vector<Scalar>& next_theta, const Vector<Scalar>& gradient,
           const Vector<Scalar>& next_gradient) {
    Vector<Scalar>&s = steps_[next_], &y = differences_[next_];
    const auto difference = [](auto, auto to, auto from) { return to - from; };
    update<Scalar>(s, difference, next_theta, theta);
    update<Scalar>(y, difference, next_gradient, gradient);
    const double sy = product_of(s, y), yy = product_of(y, y);
    if (!(sy > std::numeric_limits<Scalar>::epsilon() * std::sqrt(product_of(s, s)) * std::sqrt(yy))) return;
    products_[next_] = sy;
    scale_ = sy / yy;  // equation 7.20
    next_ = (next_ + 1) % steps_.size();
    count_ = std::min(count_ + 1, steps_.size() - 1);
  }

  /// Algorithm 7.4.
  void set_direction(const Vector<Scalar>& gradient, Vector<Scalar>& direction) {
    set_scaled<Scalar>(Scalar(-1), gradient, direction);
    for (std::size_t k = 1; k <= count_; ++k) {
      const std::size_t i = before(k);
      factors_[i] = product_of(steps_[i], direction) / products_[i];
      axpy<Scalar>(Scalar(-factors_[i]), differences_[i], direction);
    }
    if (count_ > 0) scale<Scalar>(Scalar(scale_), direction);
    for (std::size_t k = count_; k >= 1; --k) {
      const std::size_t i = before(k);
      const double factor = product_of(differences_[i], direction) / products_[i];
      axpy<Scalar>(Scalar(factors_[i] - factor), steps_[i], direction);
    }
  }

 private:
  [[nodiscard]] std::size_t before(std::size_t k) const { return (next_ + steps_.size() - k) % steps_.size(); }

  std::vector<Vector<Scalar>> steps_, differences_;  // one more than are used, for the pair that may be refused
  std::vector<double> products_, factors_;
  std::size_t next_ = 0, count_ = 0;
  double scale_ = 1;
};

}  // namespace detail
}  // namespace pathline
