/// \file
/// The definitions behind library_kernels.hpp.
#include <support/library_kernels.hpp>

namespace pathline {

PATHLINE_PRODUCTS(, float)
PATHLINE_PRODUCTS(, double)

namespace detail {

PATHLINE_ACTIVATIONS(, Tanh)
PATHLINE_ACTIVATIONS(, LogTwoCosh)

}  // namespace detail

}  // namespace pathline
