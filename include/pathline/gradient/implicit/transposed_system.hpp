/// \file
/// The linear systems of the way back over an implicit step, one for each sample.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/implicit/newton/solve_factored.hpp>

#include <Eigen/LU>

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
    factor();
    solve_factored();
  }
  void factor() { factors_.compute(matrix); }
  /// The same by the factors of the last matrix.
  void solve_factored() { solve_factored_transposed(factors_, right, solution); }

  Matrix matrix;
  Vector<Scalar> right, solution;

 private:
  Eigen::PartialPivLU<Matrix> factors_;
};

}  // namespace pathline::detail
