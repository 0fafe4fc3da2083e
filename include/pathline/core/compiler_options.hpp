/// \file
/// What a compiled library and the program that links it must agree on, as a type: part of the names that the linker
/// compares.
#pragma once

#include <pathline/version.hpp>

#include <Eigen/Core>

namespace pathline::detail {

/// \tparam alignment  Of Eigen's buffers, in bytes: part of the layout of its matrices.
/// \tparam pack       Floats in a vector register.
/// \tparam fused      Whether products and sums are fused: other bits.
/// \tparam threads    Whether OpenMP is on.
/// \tparam eigen      Its version, as pathline's.
/// \tparam pathline   PATHLINE_VERSION: a library that was not built again after an update does not fit.
template <int alignment, int pack, bool fused, bool threads, int eigen, int pathline>
struct CompilerOptions {};

#ifdef __FMA__
inline constexpr bool with_fused_products = true;
#else
inline constexpr bool with_fused_products = false;
#endif

#ifdef _OPENMP
inline constexpr bool with_threads = true;
#else
inline constexpr bool with_threads = false;
#endif

/// Those of the unit that includes this header.
using TheseOptions =
    CompilerOptions<EIGEN_MAX_ALIGN_BYTES, int(Eigen::internal::packet_traits<float>::size), with_fused_products,
                    with_threads, 10000 * EIGEN_WORLD_VERSION + 100 * EIGEN_MAJOR_VERSION + EIGEN_MINOR_VERSION,
                    PATHLINE_VERSION>;

}  // namespace pathline::detail
