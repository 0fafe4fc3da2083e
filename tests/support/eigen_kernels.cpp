/// \file
/// The definitions behind eigen_kernels.hpp.
#include <support/eigen_kernels.hpp>

namespace Eigen::internal {

PATHLINE_EIGEN_PRODUCTS(, float)
PATHLINE_EIGEN_PRODUCTS(, double)

}  // namespace Eigen::internal
