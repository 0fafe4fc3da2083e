/// \file
/// Eigen's products, compiled once for all tests instead of once in each. They are the larger part of a test's compile
/// time under the sanitizers: 18 s for a small test, 8 s with this header.
///
/// The names are internals of Eigen 3.4; with any other version this header does nothing.
#pragma once

#include <Eigen/Core>

#if EIGEN_VERSION_AT_LEAST(3, 4, 0) && !EIGEN_VERSION_AT_LEAST(3, 4, 90)

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
// clang-format on

namespace Eigen::internal {

PATHLINE_EIGEN_PRODUCTS(extern, float)
PATHLINE_EIGEN_PRODUCTS(extern, double)

}  // namespace Eigen::internal

#else
#define PATHLINE_EIGEN_PRODUCTS(EXTERN, S)
#endif
