/// \file
/// Where the parameters of OT-Flow's potential are in θ; docs/maths.md, section 10.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/few_rows.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

namespace pathline::detail {

/// d rows of z, m rows of the hidden layers, M residual layers.
struct PotentialShape {
  /// \throws ArgumentError when a number is below 1.
  PotentialShape(Index a_dim, Index a_width, Index a_depth) : dim(a_dim), width(a_width), depth(a_depth) {
    if (dim < 1) throw ArgumentError("Potential: dim", dim, "at least 1");
    if (width < 1) throw ArgumentError("Potential: width", width, "at least 1");
    if (depth < 1) throw ArgumentError("Potential: number of residual layers", depth, "at least 1");
  }

  /// Rows of A.
  [[nodiscard]] Index rank() const noexcept { return std::min<Index>(10, dim + 1); }
  [[nodiscard]] Index count() const noexcept {
    return width * (dim + 2) + depth * width * (width + 1) + width + (rank() + 1) * (dim + 1);
  }

  Index dim, width, depth;
};

/// θ = [K0 | b0 | K1 | b1 | … | w | A | b], each matrix column by column. T is Scalar or const Scalar.
template <class T>
class PotentialParameters {
  using Scalar = std::remove_const_t<T>;
  template <class M>
  using MapOf = Eigen::Map<std::conditional_t<std::is_const_v<T>, const M, M>>;

 public:
  using Matrix = MapOf<Batch<Scalar>>;
  using Column = MapOf<Vector<Scalar>>;

  PotentialParameters(const PotentialShape& shape, T* theta) : shape_(shape), theta_(theta) {}

  /// K_i: m × (d+1) for i = 0, time in the last column; m × m for i = 1 … M.
  [[nodiscard]] Matrix K(Index i) const { return Matrix(theta_ + start(i), shape_.width, columns(i)); }
  /// b_i (m).
  [[nodiscard]] Column bias(Index i) const {
    return Column(theta_ + start(i) + shape_.width * columns(i), shape_.width);
  }
  /// w (m).
  [[nodiscard]] Column w() const { return Column(theta_ + start(shape_.depth + 1), shape_.width); }
  /// A (r × (d+1)).
  [[nodiscard]] Matrix A() const { return Matrix(w().data() + shape_.width, shape_.rank(), shape_.dim + 1); }
  /// b (d+1).
  [[nodiscard]] Column b() const { return Column(A().data() + A().size(), shape_.dim + 1); }

 private:
  [[nodiscard]] Index columns(Index i) const noexcept { return i == 0 ? shape_.dim + 1 : shape_.width; }
  [[nodiscard]] Index start(Index i) const noexcept {
    return i == 0 ? 0 : shape_.width * (shape_.dim + 2) + (i - 1) * shape_.width * (shape_.width + 1);
  }

  PotentialShape shape_;
  T* theta_;
};

/// As the code of the paper starts: w = 1, b = 0, A uniform on ±√(6/(r + d + 1)) (Xavier), K_i and b_i uniform on
/// ±1/√(fan-in), the residual layers equal. Three draws.
template <Real Scalar>
void initialize_potential(const PotentialShape& shape, VectorRef<Scalar> theta, Rng& rng) {
  const PotentialParameters<Scalar> p(shape, theta.data());
  const auto uniform = [&](Scalar* first, Index rows, Index columns, Scalar bound) {
    Eigen::Map<Batch<Scalar>> block(first, rows, columns);
    fill<Uniform>(rng.draw(), 0, block);
    block.array() = bound * (Scalar(2) * block.array() - Scalar(1));
  };
  const auto fan_in = [](Index inputs) { return Scalar(1) / std::sqrt(Scalar(inputs)); };
  // A bias follows its matrix: one block for both.
  uniform(p.K(0).data(), shape.width, shape.dim + 2, fan_in(shape.dim + 1));
  uniform(p.K(1).data(), shape.width, shape.width + 1, fan_in(shape.width));
  for (Index i = 2; i <= shape.depth; ++i) {
    p.K(i) = p.K(1);
    p.bias(i) = p.bias(1);
  }
  p.w().setOnes();
  uniform(p.A().data(), shape.rank(), shape.dim + 1, std::sqrt(Scalar(6) / Scalar(shape.rank() + shape.dim + 1)));
  p.b().setZero();
}

/// Q = [X; t] ((d+1) × (1+k)n): time goes below the sample. S is s × 1, s × n, or packed as X is; else the tangents
/// have no component along time.
template <Real Scalar>
void append_time(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Q) {
  copy_rows<Scalar>(X, Q.topRows(X.rows()));
  auto time = Q.row(X.rows());
  if (S.cols() == 1) {
    time.head(n).setConstant(S(0, 0));
    time.tail(X.cols() - n).setZero();
  } else {
    time.head(S.cols()) = S.row(0);
    time.tail(X.cols() - S.cols()).setZero();
  }
}

/// Adds the cotangent of time, the last row of Q_bar, to the first row of S_bar.
template <Real Scalar>
void add_time_bar(ConstBatchRef<Scalar> Q_bar, Index n, BatchRef<Scalar> S_bar) {
  const auto time_bar = Q_bar.row(Q_bar.rows() - 1);
  if (S_bar.cols() == 1)
    S_bar(0, 0) += time_bar.head(n).sum();
  else
    S_bar.row(0) += time_bar.head(S_bar.cols());
}

}  // namespace pathline::detail
