/// \file
/// An activation applied to a packed batch, and what its pullback needs; `Dense` puts an affine map before it.
#pragma once

#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>

namespace pathline::detail {

/// The tape of an activation: σ' (rows × n), and where there are tangents the pre-activation (rows × (1+k)n), whose
/// first n columns give way to σ'' once σ is computed. Without tangents σ'' is never read, and σ' overwrites A itself.
template <class Sigma, Real Scalar>
class ActivationTape {
 public:
  ActivationTape(std::span<Scalar> tape, Index rows, Index n, Index k)
      : ActivationTape(Slices<Scalar>(tape), rows, n, k) {}

  [[nodiscard]] static Index size(Index rows, Index n, Index k) noexcept {
    return Slices<Scalar>::size(rows * n) + (k > 0 ? Slices<Scalar>::size(rows * n * (1 + k)) : 0);
  }

  /// Where the caller writes the pre-activation [A B] (rows × (1+k)n).
  [[nodiscard]] BatchMap<Scalar> pre() { return pre_; }

  /// Y = [σ(A), σ'(A) ⊙ B]. Y is contiguous or a block of columns.
  void linearize(BatchRef<Scalar> Y) {
    const Index n = first_.cols();
    for_columns(Y.leftCols(n), [&](Index size, Index offset, Scalar* y) {
      if (pre_.cols() == n)
        pathline::activate<Sigma>(size, pre_.data() + offset, y, first_.data() + offset);
      else
        pathline::activate<Sigma>(size, pre_.data() + offset, y, first_.data() + offset, pre_.data() + offset);
    });
    for (Index j = n; j < pre_.cols(); j += n) Y.middleCols(j, n) = first_.cwiseProduct(pre_.middleCols(j, n));
  }

  /// Turns Y_bar into the cotangent of [A B], in place. This is the one place where σ'' appears.
  void pullback(BatchRef<Scalar> Y_bar) const {
    const Index n = first_.cols();
    for (Index i = 0; i < n; ++i) {
      Y_bar.col(i).array() *= first_.col(i).array();
      for (Index j = n + i; j < pre_.cols(); j += n) {
        Y_bar.col(i).array() += pre_.col(i).array() * pre_.col(j).array() * Y_bar.col(j).array();
        Y_bar.col(j).array() *= first_.col(i).array();
      }
    }
  }

 private:
  ActivationTape(Slices<Scalar> slices, Index rows, Index n, Index k)
      : first_(slices.batch(rows, n)), pre_(k > 0 ? slices.batch(rows, n * (1 + k)) : first_) {}

  /// One call where the block is contiguous, one per column otherwise.
  template <class Work>
  static void for_columns(BatchRef<Scalar> Y, Work&& work) {
    if (Y.outerStride() == Y.rows()) return work(Y.size(), 0, Y.data());
    for (Index j = 0; j < Y.cols(); ++j) work(Y.rows(), j * Y.rows(), Y.col(j).data());
  }

  BatchMap<Scalar> first_, pre_;
};

}  // namespace pathline::detail
