/// \file
/// An activation in Taylor mode, and what its pullback needs; `Dense` puts an affine map before it.
#pragma once

#include <pathline/math/activate.hpp>
#include <pathline/math/third_derivative.hpp>
#include <pathline/nn/layer.hpp>

#include <span>

namespace pathline::detail {

/// The tape of an activation along a path of order r ≤ 2: the pre-activation [A A' A''] (rows × (1+r)n) and σ', …,
/// σ^(r+1) (rows × n each), of which the last takes the place of A once all are computed. docs/maths.md, (9.6) and
/// (9.7).
template <class Sigma, Real Scalar>
class TaylorTape {
  static_assert(ThriceDifferentiable<Sigma, Scalar>,
                "Taylor mode: an activation needs a static P third(const Jet<P>& jet, P x)");

 public:
  static constexpr Index highest_order = 2;

  TaylorTape(std::span<Scalar> tape, Index rows, Index n, Index order)
      : TaylorTape(Slices<Scalar>(tape), rows, n, order) {}

  [[nodiscard]] static Index size(Index rows, Index n, Index order) noexcept {
    return Slices<Scalar>::size(rows * n * (1 + order)) + order * Slices<Scalar>::size(rows * n);
  }

  /// Where the caller writes the pre-activation (rows × (1+r)n).
  [[nodiscard]] BatchMap<Scalar> pre() { return pre_; }

  /// Y = [σ(A), σ' A', σ' A'' + σ'' A'²]. Y is contiguous or a block.
  void evaluate(BatchRef<Scalar> Y) {
    const Index rows = pre_.rows(), n = first_.cols();
    for (Index i = 0; i < n; ++i) {
      Scalar *const a = pre_.col(i).data(), *const y = Y.col(i).data();
      Scalar *const first = first_.col(i).data(), *const second = second_.col(i).data();
      if (order_ == 0) {
        pathline::activate<Sigma>(rows, a, y, first);
      } else {
        pathline::activate<Sigma>(rows, a, y, first, second);
        if (order_ == 2) pathline::activate_third<Sigma>(rows, a, y, first, second, a);
        Y.col(n + i).array() = first_.col(i).array() * pre_.col(n + i).array();
      }
      if (order_ == 2)
        Y.col(2 * n + i).array() = first_.col(i).array() * pre_.col(2 * n + i).array() +
                                   second_.col(i).array() * pre_.col(n + i).array().square();
    }
  }

  /// Turns Y_bar into the cotangent of [A A' A''], in place. This is the one place where σ''' appears.
  void pullback(BatchRef<Scalar> Y_bar) const {
    const Index n = first_.cols();
    for (Index i = 0; i < n; ++i) {
      const auto first = first_.col(i).array(), second = second_.col(i).array();
      Y_bar.col(i).array() *= first;
      if (order_ == 0) continue;
      const auto velocity = pre_.col(n + i).array();
      Y_bar.col(i).array() += second * velocity * Y_bar.col(n + i).array();
      Y_bar.col(n + i).array() *= first;
      if (order_ == 1) continue;
      const auto third = pre_.col(i).array(), acceleration = pre_.col(2 * n + i).array();
      Y_bar.col(i).array() += (second * acceleration + third * velocity.square()) * Y_bar.col(2 * n + i).array();
      Y_bar.col(n + i).array() += Scalar(2) * second * velocity * Y_bar.col(2 * n + i).array();
      Y_bar.col(2 * n + i).array() *= first;
    }
  }

 private:
  // At order 0 σ' overwrites A, at order 1 σ'' does; at order 2 σ''' does and both have their own place.
  TaylorTape(Slices<Scalar> slices, Index rows, Index n, Index order)
      : order_(order),
        pre_(slices.batch(rows, n * (1 + order))),
        first_(order > 0 ? slices.batch(rows, n) : BatchMap<Scalar>(pre_.data(), rows, n)),
        second_(order > 1 ? slices.batch(rows, n) : BatchMap<Scalar>(pre_.data(), rows, n)) {
    eigen_assert(order >= 0 && order <= highest_order);
  }

  Index order_;
  BatchMap<Scalar> pre_, first_, second_;
};

}  // namespace pathline::detail
