/// \file
/// The library's products, its two most used activations and a potential's sweeps, compiled once for all tests instead
/// of once in each: half of the compile time of a test of a layer.
#pragma once

#include <support/eigen_kernels.hpp>

#include <pathline/math/activate.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/nn/layer/activation_tape.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/side_product.hpp>
#include <pathline/nn/potential/potential_sweeps.hpp>

// An explicit instantiation cannot go through an alias template, hence a macro.
// clang-format off
#define PATHLINE_PRODUCTS(EXTERN, S) \
  EXTERN template void add_product<S>(const View<const S>&, const View<const S>&, const View<S>&); \
  EXTERN template void set_product<S>(const View<const S>&, const View<const S>&, const View<S>&); \
  EXTERN template void set_product<S>(const View<const S>&, const View<const S>&, const View<const S>&, const View<S>&); \
  EXTERN template void set_product_transposed<S>(View<const S>, View<const S>, View<S>); \
  EXTERN template void set_product_transposed<S>(View<const S>, View<const S>, View<const S>, View<S>); \
  EXTERN template void add_transposed_product<S>(View<const S>, View<const S>, View<S>); \
  EXTERN template void add_outer_product<S>(const View<const S>&, const View<const S>&, const View<S>&); \
  EXTERN template void detail::add_side_product<S>(View<const S>, View<const S>, Index, View<S>, Workspace<S>&); \
  EXTERN template void detail::pull_back_side_product<S>(View<const S>, View<const S>, View<const S>, View<const S>, View<S>, View<S>); \
  EXTERN template class Affine<S>; \
  EXTERN template class detail::PotentialSweeps<S>;
#define PATHLINE_ACTIVATION(EXTERN, SIGMA, S) \
  EXTERN template void activate_packs<SIGMA, 1, S>(Index, const S*, S*, S*, S*) noexcept; \
  EXTERN template void activate_packs<SIGMA, 2, S>(Index, const S*, S*, S*, S*) noexcept; \
  EXTERN template void activate_packs<SIGMA, 3, S>(Index, const S*, S*, S*, S*) noexcept; \
  EXTERN template class ActivationTape<SIGMA, S>;
#define PATHLINE_ACTIVATIONS(EXTERN, SIGMA) \
  PATHLINE_ACTIVATION(EXTERN, SIGMA, float) \
  PATHLINE_ACTIVATION(EXTERN, SIGMA, double)
// clang-format on

namespace pathline {

PATHLINE_PRODUCTS(extern, float)
PATHLINE_PRODUCTS(extern, double)

namespace detail {

PATHLINE_ACTIVATIONS(extern, Tanh)
PATHLINE_ACTIVATIONS(extern, LogTwoCosh)

}  // namespace detail

}  // namespace pathline
