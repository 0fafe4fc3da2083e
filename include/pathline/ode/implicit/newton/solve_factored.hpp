/// \file
/// Linear systems of implicit steps: their factors, and solutions by factors that are there without a request to the
/// heap.
#pragma once

#include <Eigen/LU>

namespace pathline::detail {

/// Factors of I - hγJ, J d × d.
/// \param M  Storage, d × d afterwards.
template <class Matrix, class Derived>
void factor_identity_minus(double h_gamma, const Eigen::MatrixBase<Derived>& J, Matrix& M,
                           Eigen::PartialPivLU<Matrix>& factors) {
  using Scalar = typename Matrix::Scalar;
  M = J;
  M *= Scalar(-h_gamma);
  M.diagonal().array() += Scalar(1);
  factors.compute(M);
}

/// x = A⁻¹ b by the factors P A = L U, to the last bit what factors.solve(b) gives. That one makes a temporary of P b
/// with Eigen 5 (not with 3.4), at every call. x must not overlap b; it is resized where its type can be.
template <class Matrix, class Right, class Solution>
void solve_factored(const Eigen::PartialPivLU<Matrix>& factors, const Eigen::MatrixBase<Right>& b, Solution&& x) {
  x.noalias() = factors.permutationP() * b;
  factors.matrixLU().template triangularView<Eigen::UnitLower>().solveInPlace(x);
  factors.matrixLU().template triangularView<Eigen::Upper>().solveInPlace(x);
}

/// x = A⁻ᵀ b by the same factors: Uᵀ and Lᵀ, then the rows back in order. b is overwritten; x must not overlap it.
template <class Matrix, class Right, class Solution>
void solve_factored_transposed(const Eigen::PartialPivLU<Matrix>& factors, Right&& b, Solution&& x) {
  factors.matrixLU().transpose().template triangularView<Eigen::Lower>().solveInPlace(b);
  factors.matrixLU().transpose().template triangularView<Eigen::UnitUpper>().solveInPlace(b);
  x.noalias() = factors.permutationP().transpose() * b;
}

}  // namespace pathline::detail
