/// \file
/// All of pathline for programs that link `pathline::precompiled`: the common fields are compiled there once, in float
/// and in double, and a program that includes this header in place of pathline/pathline.hpp does not compile them
/// again.
///
///     find_package(pathline REQUIRED)                              # built with -DPATHLINE_PRECOMPILED=ON
///     target_link_libraries(program PRIVATE pathline::precompiled)
///
/// Program and library must agree on what decides the layout of Eigen's matrices: the vector instructions (-march) and
/// OpenMP. Where they do not, the linker misses `PrecompiledLibrary<…>::has_these_options`.
#pragma once

#include <pathline/math/pack.hpp>
#include <pathline/nn/layer_operations.hpp>
#include <pathline/pathline.hpp>

namespace pathline {
namespace detail {

/// \tparam alignment  Of Eigen's buffers, in bytes.
/// \tparam pack       Floats in a vector register.
/// \tparam threads    Whether OpenMP is on.
template <int alignment, Index pack, bool threads>
struct PrecompiledLibrary {
  static const bool has_these_options;  ///< Defined in the library, for its own options alone.
};
#ifdef _OPENMP
inline constexpr bool with_threads = true;
#else
inline constexpr bool with_threads = false;
#endif
using PrecompiledLibraryOfThisProgram = PrecompiledLibrary<EIGEN_MAX_ALIGN_BYTES, Pack<float>::size, with_threads>;
inline const bool precompiled_with_the_options_of_this_program = PrecompiledLibraryOfThisProgram::has_these_options;

}  // namespace detail

extern template class detail::LayerOperations<Network<Mlp<float, Tanh>::Layers>, Mlp<float, Tanh>::Layers>;
extern template class detail::LayerOperations<Network<Mlp<double, Tanh>::Layers>, Mlp<double, Tanh>::Layers>;
extern template class detail::LayerOperations<Network<Mlp<float, Softplus>::Layers>, Mlp<float, Softplus>::Layers>;
extern template class detail::LayerOperations<Network<Mlp<double, Softplus>::Layers>, Mlp<double, Softplus>::Layers>;
extern template class detail::LayerOperations<Network<SquashMlp<float, Tanh>::Layers>, SquashMlp<float, Tanh>::Layers>;
extern template class detail::LayerOperations<Network<SquashMlp<double, Tanh>::Layers>,
                                              SquashMlp<double, Tanh>::Layers>;
extern template class detail::LayerOperations<Network<Potential<float>>, Potential<float>>;
extern template class detail::LayerOperations<Network<Potential<double>>, Potential<double>>;

}  // namespace pathline
