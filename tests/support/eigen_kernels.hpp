/// \file
/// Eigen's products and LU factorisations, compiled once for all tests instead of once in each. They are the larger
/// part of a test's compile time under the sanitizers: 18 s for a small test, 8 s with this header.
///
/// The names are internals of Eigen 3.4 and 5.0; with any other version this header does nothing.
#pragma once

#include <Eigen/LU>

#include <complex>

#if (EIGEN_VERSION_AT_LEAST(3, 4, 0) && !EIGEN_VERSION_AT_LEAST(3, 4, 90)) || \
    (EIGEN_VERSION_AT_LEAST(5, 0, 0) && !EIGEN_VERSION_AT_LEAST(5, 1, 0))

// An explicit instantiation cannot go through an alias template, hence a macro.
// clang-format off
#define PATHLINE_EIGEN_PRODUCTS(EXTERN, S) \
  EXTERN template struct gebp_kernel<S, S, Index, blas_data_mapper<S, Index, ColMajor>, gebp_traits<S, S>::mr, gebp_traits<S, S>::nr, false, false>; \
  EXTERN template struct gemm_pack_lhs<S, Index, const_blas_data_mapper<S, Index, ColMajor>, gebp_traits<S, S>::mr, gebp_traits<S, S>::LhsProgress, gebp_traits<S, S>::LhsPacket4Packing, ColMajor>; \
  EXTERN template struct gemm_pack_lhs<S, Index, const_blas_data_mapper<S, Index, RowMajor>, gebp_traits<S, S>::mr, gebp_traits<S, S>::LhsProgress, gebp_traits<S, S>::LhsPacket4Packing, RowMajor>; \
  EXTERN template struct gemm_pack_rhs<S, Index, const_blas_data_mapper<S, Index, ColMajor>, gebp_traits<S, S>::nr, ColMajor>; \
  EXTERN template struct gemm_pack_rhs<S, Index, const_blas_data_mapper<S, Index, RowMajor>, gebp_traits<S, S>::nr, RowMajor>; \
  EXTERN template struct general_matrix_vector_product<Index, S, const_blas_data_mapper<S, Index, ColMajor>, ColMajor, false, S, const_blas_data_mapper<S, Index, RowMajor>, false>; \
  EXTERN template struct general_matrix_vector_product<Index, S, const_blas_data_mapper<S, Index, RowMajor>, RowMajor, false, S, const_blas_data_mapper<S, Index, ColMajor>, false>;
// What PartialPivLU of a matrix of dynamic size is made of.
#define PATHLINE_EIGEN_LU(EXTERN, S) \
  EXTERN template struct partial_lu_impl<S, ColMajor, int, Dynamic>; \
  EXTERN template struct triangular_solve_matrix<S, Index, OnTheLeft, UnitLower, false, ColMajor, ColMajor, 1>; \
  EXTERN template struct triangular_solve_matrix<S, Index, OnTheLeft, Upper, false, ColMajor, ColMajor, 1>; \
  EXTERN template struct triangular_solve_vector<S, S, Index, OnTheLeft, UnitLower, false, ColMajor>; \
  EXTERN template struct triangular_solve_vector<S, S, Index, OnTheLeft, Upper, false, ColMajor>;
// clang-format on

namespace Eigen::internal {

PATHLINE_EIGEN_PRODUCTS(extern, float)
PATHLINE_EIGEN_PRODUCTS(extern, double)
PATHLINE_EIGEN_LU(extern, float)
PATHLINE_EIGEN_LU(extern, double)
PATHLINE_EIGEN_LU(extern, std::complex<double>)

}  // namespace Eigen::internal

#else
#define PATHLINE_EIGEN_PRODUCTS(EXTERN, S)
#define PATHLINE_EIGEN_LU(EXTERN, S)
#endif
