/// \file
/// The definitions behind eigen_kernels.hpp.
#include <support/eigen_kernels.hpp>

namespace Eigen::internal {

PATHLINE_EIGEN_PRODUCTS(, float)
PATHLINE_EIGEN_PRODUCTS(, double)
PATHLINE_EIGEN_LU(, float)
PATHLINE_EIGEN_LU(, double)
PATHLINE_EIGEN_LU(, std::complex<double>)

}  // namespace Eigen::internal
