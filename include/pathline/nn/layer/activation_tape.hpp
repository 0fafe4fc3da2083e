/// \file
/// An activation applied to a packed batch, and what its pullback needs; `Dense` puts an affine map before it.
#pragma once

#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <span>

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
    for_runs(Y.leftCols(n), [&](Index size, Index offset, Scalar* y) {
      if (pre_.cols() == n)
        pathline::activate<Sigma>(size, pre_.data() + offset, y, first_.data() + offset);
      else
        pathline::activate<Sigma>(size, pre_.data() + offset, y, first_.data() + offset, pre_.data() + offset);
    });
    for (Index j = n; j < pre_.cols(); j += n) Y.middleCols(j, n) = first_.cwiseProduct(pre_.middleCols(j, n));
  }

  /// Turns Y_bar into the cotangent of [A B], in place. This is the one place where σ'' appears. Y_bar as Y above.
  void pullback(BatchRef<Scalar> Y_bar) const {
    const Index n = first_.cols(), block = n * Y_bar.outerStride();
    for_runs(Y_bar.leftCols(n), [&](Index size, Index offset, Scalar* y_bar) {
      const ConstVectorMap<Scalar> first(first_.data() + offset, size), second(pre_.data() + offset, size);
      VectorMap<Scalar> A_bar(y_bar, size);
      A_bar.array() *= first.array();
      for (Index j = 1; j * n < pre_.cols(); ++j) {
        const ConstVectorMap<Scalar> B(pre_.data() + j * first_.size() + offset, size);
        VectorMap<Scalar> B_bar(y_bar + j * block, size);
        A_bar.array() += second.array() * B.array() * B_bar.array();
        B_bar.array() *= first.array();
      }
    });
  }

 private:
  ActivationTape(Slices<Scalar> slices, Index rows, Index n, Index k)
      : first_(slices.batch(rows, n)), pre_(k > 0 ? slices.batch(rows, n * (1 + k)) : first_) {}

  /// work(size, offset into the tape, pointer) for all of a block: in runs where it is contiguous, else by columns.
  /// A run of σ', σ'', a tangent and two cotangents stays in the first-level cache: 5 × 512 doubles are 20 KiB.
  template <class Work>
  static void for_runs(BatchRef<Scalar> Y, Work&& work) {
    const bool contiguous = Y.outerStride() == Y.rows();
    const Index length = contiguous ? Y.size() : Y.rows(), longest = contiguous ? 512 : length;
    for (Index j = 0; j * length < Y.size(); ++j)
      for (Index i = 0; i < length; i += longest)
        work(std::min(longest, length - i), j * length + i, Y.data() + j * Y.outerStride() + i);
  }

  BatchMap<Scalar> first_, pre_;
};

}  // namespace pathline::detail
