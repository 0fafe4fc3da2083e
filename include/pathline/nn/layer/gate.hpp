/// \file
/// The product of a gate that depends on side inputs and a packed batch; docs/maths.md, (9.4). Shared by the layers
/// whose weights are switched by time.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>

namespace pathline::detail {

/// A view of a gate G for n samples: rows × m, or 1 × m for the same factor in every row. Its m columns are those of
/// the side inputs that it comes from: 1 (shared), n (one a sample) or (1+k)n (packed, with tangents of its own).
template <Real Scalar>
class Gate {
 public:
  /// G is not copied.
  Gate(ConstBatchRef<Scalar> G, Index n)
      : G_(G.data(), G.rows(), G.cols(), Eigen::OuterStride<>(G.outerStride())), n_(n) {}

  /// Y += [g ⊙ P, g ⊙ Pʲ + gʲ ⊙ P], the product rule. P and Y are rows × (1+k)n.
  void add_product(ConstBatchRef<Scalar> P, BatchRef<Scalar> Y) const {
    for (Index j = 0; j < P.cols(); ++j) add(value(j), P.col(j), Y.col(j));
    for (Index j = n_; j < moving_columns(); ++j) add(j, P.col(j % n_), Y.col(j));
  }

  /// Turns Y_bar into the cotangent of P, in place, and overwrites that of G:
  /// P̄ = g ⊙ Ȳ + Σ gʲ ⊙ Ȳʲ, P̄ʲ = g ⊙ Ȳʲ, ḡ = P ⊙ Ȳ + Σ Pʲ ⊙ Ȳʲ, ḡʲ = P ⊙ Ȳʲ, summed over samples where G is shared.
  void pullback(ConstBatchRef<Scalar> P, BatchRef<Scalar> Y_bar, BatchRef<Scalar> G_bar) const {
    G_bar.setZero();
    for (Index j = 0; j < P.cols(); ++j) add_cotangent(P.col(j), Y_bar.col(j), G_bar.col(value(j)));
    for (Index j = n_; j < moving_columns(); ++j) add_cotangent(P.col(j % n_), Y_bar.col(j), G_bar.col(j));
    for (Index j = 0; j < n_; ++j) scale(value(j), Y_bar.col(j));
    for (Index j = n_; j < moving_columns(); ++j) add(j, Y_bar.col(j), Y_bar.col(j % n_));
    for (Index j = n_; j < P.cols(); ++j) scale(value(j), Y_bar.col(j));
  }

 private:
  /// The gate's column for the values of column j, and the end of its columns with tangents.
  [[nodiscard]] Index value(Index j) const { return G_.cols() == 1 ? 0 : j % n_; }
  [[nodiscard]] Index moving_columns() const { return std::max(n_, G_.cols()); }

  void add(Index gate, ConstVectorRef<Scalar> p, VectorRef<Scalar> y) const {
    if (G_.rows() == 1)
      y += G_(0, gate) * p;
    else
      y += G_.col(gate).cwiseProduct(p);
  }
  void scale(Index gate, VectorRef<Scalar> y) const {
    if (G_.rows() == 1)
      y *= G_(0, gate);
    else
      y.array() *= G_.col(gate).array();
  }
  void add_cotangent(ConstVectorRef<Scalar> p, ConstVectorRef<Scalar> y_bar, VectorRef<Scalar> g_bar) const {
    if (G_.rows() == 1)
      g_bar(0) += p.dot(y_bar);
    else
      g_bar += p.cwiseProduct(y_bar);
  }

  Eigen::Map<const Batch<Scalar>, 0, Eigen::OuterStride<>> G_;
  Index n_;
};

}  // namespace pathline::detail
