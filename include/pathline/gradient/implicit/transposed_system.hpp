/// \file
/// The linear systems of the way back over an implicit step, one for each sample.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/implicit/newton/solve_factored.hpp>

#include <Eigen/LU>

#include <cmath>
#include <utility>

namespace pathline::detail {

/// Storage of Mᵀ w = b, M m × m. After the first system of a size nothing is allocated (m above 16: Eigen's LU may).
template <Real Scalar>
class TransposedSystem {
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

 public:
  void resize(Index m) {
    matrix.resize(m, m);
    right.resize(m);
    solution.resize(m);
  }
  /// `solution` from `matrix` and `right`, which it may overwrite.
  void solve() {
    if (matrix.rows() <= few) {
      eliminate();
    } else {
      factor();
      solve_factored();
    }
  }
  /// Factors `matrix` for solve_factored().
  void factor() { factors_.compute(matrix); }
  /// `solution` from `right`, by the matrix of the last factor(). solve() makes no factors for it.
  void solve_factored() { solve_factored_transposed(factors_, right, solution); }

  Matrix matrix;
  Vector<Scalar> right, solution;

 private:
  /// Up to so many rows Eigen's LU, made for blocks, spends most of its time on what is not arithmetic: of the gradient
  /// of Kvaerno5 on three rows it took a tenth.
  static constexpr Index few = 8;

  /// Gaussian elimination with exchanges of rows. Row i of Mᵀ is column i of M, which lies in one piece.
  void eliminate() {
    const Index m = matrix.rows();
    Scalar* const b = right.data();
    const auto row = [&](Index i) { return matrix.data() + i * m; };
    for (Index k = 0; k < m; ++k) {
      Index pivot = k;
      for (Index i = k + 1; i < m; ++i)
        if (std::abs(row(i)[k]) > std::abs(row(pivot)[k])) pivot = i;
      if (pivot != k) {
        for (Index c = k; c < m; ++c) std::swap(row(k)[c], row(pivot)[c]);
        std::swap(b[k], b[pivot]);
      }
      const Scalar* const upper = row(k);
      for (Index i = k + 1; i < m; ++i) {
        Scalar* const lower = row(i);
        const Scalar factor = lower[k] / upper[k];
        for (Index c = k + 1; c < m; ++c) lower[c] -= factor * upper[c];
        b[i] -= factor * b[k];
      }
    }
    for (Index k = m; k-- > 0;) {
      Scalar sum = b[k];
      for (Index c = k + 1; c < m; ++c) sum -= row(k)[c] * solution(c);
      solution(k) = sum / row(k)[k];
    }
  }

  Eigen::PartialPivLU<Matrix> factors_;
};

}  // namespace pathline::detail
