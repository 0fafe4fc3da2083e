/// \file
/// What a compiled library and the program that links it must agree on, as a type: part of the names that the linker
/// compares.
#pragma once

#include <Eigen/Core>

namespace pathline::detail {

/// \tparam alignment  Of Eigen's buffers, in bytes: part of the layout of its matrices.
/// \tparam pack       Floats in a vector register.
/// \tparam threads    Whether OpenMP is on.
template <int alignment, int pack, bool threads>
struct CompilerOptions {};

#ifdef _OPENMP
inline constexpr bool with_threads = true;
#else
inline constexpr bool with_threads = false;
#endif

/// Those of the unit that includes this header.
using TheseOptions =
    CompilerOptions<EIGEN_MAX_ALIGN_BYTES, int(Eigen::internal::packet_traits<float>::size), with_threads>;

}  // namespace pathline::detail
