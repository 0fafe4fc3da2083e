/// \file
/// All of pathline for programs that link `pathline::precompiled`: the common fields, and the solves of flows by Dopri5
/// and PiController or Rk4 and FixedSteps, are compiled there once, in float and in double. A program that includes
/// this header in place of pathline/pathline.hpp does not compile them again.
///
///     find_package(pathline REQUIRED)                              # built with -DPATHLINE_PRECOMPILED=ON
///     target_link_libraries(program PRIVATE pathline::precompiled)
///
/// Program and library must agree on what decides the layout of Eigen's matrices and the bits: the vector instructions
/// (-march), OpenMP, and the versions of Eigen and pathline. Where they do not, the linker misses
/// `PrecompiledLibrary<…>::has_these_options`.
#pragma once

#include <pathline/core/compiler_options.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/nn/layer_operations.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/pathline.hpp>

#include <span>

namespace pathline {
namespace detail {

template <class Options>
struct PrecompiledLibrary {
  static const bool has_these_options;  ///< Defined in the library, for its own `CompilerOptions` alone.
};
/// What a solve of a flow or of a neural ODE calls, whatever its field and its policies: see `solve_dynamics`.
template <Real Scalar, class Method>
using WatcherOfBatch = ObserverView<Stepper<Method, Batch<Scalar>>, Scalar, false>;

// For the linker alone. Marked as used, since a compiler may drop what no one reads.
[[gnu::used]] static const bool precompiled_with_the_options_of_this_program =
    PrecompiledLibrary<TheseOptions>::has_these_options;

}  // namespace detail

extern template struct detail::LayerSweeps<Mlp<float, Tanh>::Layers>;
extern template struct detail::LayerSweeps<Mlp<double, Tanh>::Layers>;
extern template struct detail::LayerSweeps<Mlp<float, Softplus>::Layers>;
extern template struct detail::LayerSweeps<Mlp<double, Softplus>::Layers>;
extern template struct detail::LayerSweeps<SquashMlp<float, Tanh>::Layers>;
extern template struct detail::LayerSweeps<SquashMlp<float, Softplus>::Layers>;
extern template struct detail::LayerSweeps<SquashMlp<double, Tanh>::Layers>;
extern template struct detail::LayerSweeps<SquashMlp<double, Softplus>::Layers>;
extern template struct detail::LayerSweeps<Potential<float>>;
extern template struct detail::LayerSweeps<Potential<double>>;
extern template struct detail::TracedLayerSweeps<Potential<float>>;
extern template struct detail::TracedLayerSweeps<Potential<double>>;
extern template Statistics integrate(const Dopri5&, const PiController&, detail::RightHandSideView<float>&,
                                     Batch<float>&, std::span<const double>, Stepper<Dopri5, Batch<float>>&,
                                     detail::WatcherOfBatch<float, Dopri5>&);
extern template Statistics integrate(const Rk4&, const FixedSteps&, detail::RightHandSideView<float>&, Batch<float>&,
                                     std::span<const double>, Stepper<Rk4, Batch<float>>&,
                                     detail::WatcherOfBatch<float, Rk4>&);
extern template Statistics integrate(const Dopri5&, const PiController&, detail::RightHandSideView<double>&,
                                     Batch<double>&, std::span<const double>, Stepper<Dopri5, Batch<double>>&,
                                     detail::WatcherOfBatch<double, Dopri5>&);
extern template Statistics integrate(const Rk4&, const FixedSteps&, detail::RightHandSideView<double>&, Batch<double>&,
                                     std::span<const double>, Stepper<Rk4, Batch<double>>&,
                                     detail::WatcherOfBatch<double, Rk4>&);

}  // namespace pathline
