/// \file
/// The definitions behind library_kernels.hpp.
#include <support/library_kernels.hpp>

namespace pathline {

PATHLINE_PRODUCTS(, float)
PATHLINE_PRODUCTS(, double)

}  // namespace pathline
