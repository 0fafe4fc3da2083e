/// \file
/// The affine part of a layer, A = W X + U S + b, shared by `Linear` and `Dense`; docs/maths.md, (9.1) and (9.3).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/nn/layer/narrow_product.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace pathline {

/// θ = [U | W | b]: U (out × s) reads the side inputs, W (out × in) the batch, column-major one after the other, as if
/// side inputs stood above the batch; then the bias (out).
template <Real Scalar>
class Affine {
 public:
  /// \throws ArgumentError when in or out is below 1, or side below 0.
  Affine(Index in, Index out, Index side) : in_(in), out_(out), side_(side) {
    if (in < 1) throw ArgumentError("Affine: number of inputs", std::to_string(in), "at least 1");
    if (out < 1) throw ArgumentError("Affine: number of outputs", std::to_string(out), "at least 1");
    if (side < 0) throw ArgumentError("Affine: number of side inputs", std::to_string(side), "at least 0");
  }

  [[nodiscard]] Index in_rows() const noexcept { return in_; }
  [[nodiscard]] Index out_rows() const noexcept { return out_; }
  [[nodiscard]] Index side_rows() const noexcept { return side_; }
  [[nodiscard]] Index parameter_count() const noexcept { return out_ * (side_ + in_ + 1); }

  /// Uniform on ±1/√(fan-in) for U, W and b: keeps the variance of a layer's output near a third of its input's.
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    const Scalar bound = Scalar(1) / std::sqrt(Scalar(side_ + in_));
    Eigen::Map<Batch<Scalar>> columns(theta.data(), out_, side_ + in_ + 1);
    fill<Uniform>(rng.draw(), 0, columns);
    columns.array() = bound * (Scalar(2) * columns.array() - Scalar(1));
  }

  /// A (out × (1+k)n) = W X + U S, and b added to the first n columns; U S goes to the columns that S has: the values,
  /// and the tangents if the side inputs move (S packed). Starting from the bias instead of from zero saves a pass.
  /// Which product is taken depends on the layer's sizes alone (math/small_product.hpp, nn/layer/narrow_product.hpp).
  void apply(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
             BatchRef<Scalar> A, Workspace<Scalar>& workspace) const;

  /// Given A_bar (out × (1+k)n): overwrites X_bar, adds to S_bar and theta_bar.
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                ConstBatchRef<Scalar> A_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const;

 private:
  [[nodiscard]] Eigen::Map<const Batch<Scalar>> U(ConstVectorRef<Scalar> theta) const {
    return Eigen::Map<const Batch<Scalar>>(theta.data(), out_, side_);
  }
  [[nodiscard]] Eigen::Map<const Batch<Scalar>> W(ConstVectorRef<Scalar> theta) const {
    return Eigen::Map<const Batch<Scalar>>(theta.data() + out_ * side_, out_, in_);
  }

  Index in_, out_, side_;
};

// Outside the class: a program can have them compiled once, by `extern template class pathline::Affine<double>`.
template <Real Scalar>
void Affine<Scalar>::apply(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                           BatchRef<Scalar> A, Workspace<Scalar>& workspace) const {
  const auto b = theta.tail(out_);
  const Index tangents = A.cols() - n;
  const bool narrow = out_ <= detail::narrow_rows, side_moves = side_ > 0 && S.cols() == A.cols();
  // Else tangents need no zeros to start from. A large W is better packed once for all columns.
  const bool at_once = narrow || side_moves || out_ * in_ > small_product_limit;
  if (at_once) A.rightCols(tangents).setZero();
  if (side_ == 0) {
    A.leftCols(n).colwise() = b;
  } else if (S.cols() == 1) {
    typename Workspace<Scalar>::Frame frame(workspace);
    VectorMap<Scalar> column = frame.vector(out_);
    column = b;
    column.noalias() += U(theta) * S.col(0).head(side_);
    A.leftCols(n).colwise() = column;
  } else {
    A.leftCols(n).colwise() = b;
    A.leftCols(S.cols()).noalias() += U(theta) * S.topRows(side_);
  }
  if (narrow) {
    detail::add_narrow_product(A, W(theta), X);
  } else if (at_once) {
    add_product<Scalar>(W(theta), X, A);
  } else {
    add_product<Scalar>(W(theta), X.leftCols(n), A.leftCols(n));
    set_product<Scalar>(W(theta), X.rightCols(tangents), A.rightCols(tangents));
  }
}

template <Real Scalar>
void Affine<Scalar>::pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                              ConstBatchRef<Scalar> A_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                              VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
  Eigen::Map<Batch<Scalar>> W_bar(theta_bar.data() + out_ * side_, out_, in_);
  if (std::min(in_, out_) <= detail::narrow_rows)
    detail::add_narrow_outer_product(W_bar, A_bar, X);
  else
    add_outer_product<Scalar>(A_bar, X, W_bar);
  typename Workspace<Scalar>::Frame frame(workspace);
  VectorMap<Scalar> column = frame.vector(out_);
  column = A_bar.leftCols(n).rowwise().sum();
  theta_bar.tail(out_) += column;
  if (side_ > 0) {
    Eigen::Map<Batch<Scalar>> U_bar(theta_bar.data(), out_, side_);
    if (S.cols() == 1) {
      U_bar.noalias() += column * S.col(0).head(side_).transpose();
      S_bar.col(0).head(side_).noalias() += U(theta).transpose() * column;
    } else {
      U_bar.noalias() += A_bar.leftCols(S.cols()) * S.topRows(side_).transpose();
      S_bar.topRows(side_).noalias() += U(theta).transpose() * A_bar.leftCols(S.cols());
    }
  }
  if (in_ <= detail::narrow_rows) {
    detail::set_narrow_product(X_bar, W(theta).transpose(), A_bar);
  } else {
    BatchMap<Scalar> transposed = frame.batch(in_, out_);
    transposed = W(theta).transpose();
    set_product<Scalar>(transposed, A_bar, X_bar);
  }
}

}  // namespace pathline
