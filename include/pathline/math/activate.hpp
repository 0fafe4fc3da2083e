/// \file
/// Applies an activation to contiguous memory, with its first and second derivative if wanted, in one pass.
///
/// What an element becomes depends on the element alone, not on its place: all of them go through the same instructions
/// in whole packs, also the last ones. Any output may be the input; two outputs must not overlap.
#pragma once

#include <pathline/math/activations.hpp>
#include <pathline/math/exponential.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/tanh_table.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <utility>

namespace pathline {
namespace detail {

/// Scalars of a block: a staged activation does the first stage of so many before the second.
template <Real Scalar>
inline constexpr Index activation_block = 16 * Pack<Scalar>::size;

/// Whether values come from a table.
template <class Sigma, Real Scalar>
inline constexpr bool by_table = std::same_as<Sigma, Tanh>&& has_tanh_table<Scalar>;

/// Whether derivatives are `Sigma::of_value(y)`, so that who has y needs no others. Those of tanh by its table are:
/// their error is that of y, small beside 1 and not beside a small σ', as in PyTorch and JAX.
template <class Sigma, Real Scalar>
inline constexpr bool derivatives_of_value = by_table<Sigma, Scalar> ||
                                             (!std::same_as<Sigma, Tanh> && OfValue<Sigma, Scalar>);

/// At least one pack. The last pack ends with the array and so overlaps the one before; its input is read first of all,
/// since the output may replace it. `Orders` counts what is written: σ, σ' and σ''.
///
/// Never inlined: two inlined copies may differ in what the compiler contracts to a fused multiply-add, and then the
/// last elements would differ from the others.
template <class Sigma, int Orders, Real Scalar>
EIGEN_DONT_INLINE void activate_packs(Index size, const Scalar* x, Scalar* y, Scalar* first, Scalar* second) noexcept {
  using P = Pack<Scalar>;
  const Index last = size - P::size;
  typename P::Lanes last_x;
  P::load(x + last).store(last_x.data());
  const auto output = [&](Index i, const Jet<P>& jet) {
    jet.value.store(y + i);
    if constexpr (Orders > 1) jet.first.store(first + i);
    if constexpr (Orders > 2) jet.second.store(second + i);
  };
  // Whole packs, then the last one if it overlaps: by the same instructions.
  const Scalar* input = x;
  for (Index begin = 0, whole = size / P::size * P::size;; begin = last, whole = size, input = last_x.data()) {
    if constexpr (by_table<Sigma, Scalar>) {
      Index i = begin;
      const auto take = [&](auto packs) {
        for (const P& value : tanh_by_table(packs, input)) {
          output(i, Sigma::of_value(value));
          i += P::size;
          input += P::size;
        }
      };
      while (i + 4 * P::size <= whole) take(std::make_index_sequence<4>{});
      while (i < whole) take(std::make_index_sequence<1>{});
    } else if constexpr (StagedActivation<Sigma, Scalar>) {
      constexpr Index block = activation_block<Scalar>;
      alignas(64) std::array<Scalar, std::size_t(block)> exp, expm1;
      for (Index i = begin; i < whole; i += block, input += block) {
        const Index count = std::min(block, whole - i);
        for (Index k = 0; k < count; k += P::size) {
          const ExpPair<P> e = Sigma::start(P::load(input + k));
          e.exp.store(&exp[std::size_t(k)]);
          e.expm1.store(&expm1[std::size_t(k)]);
        }
        for (Index k = 0; k < count; k += P::size)
          output(i + k,
                 Sigma::finish({P::load(&exp[std::size_t(k)]), P::load(&expm1[std::size_t(k)])}, P::load(input + k)));
      }
    } else {
      for (Index i = begin; i < whole; i += P::size, input += P::size) output(i, Sigma::jet(P::load(input)));
    }
    if (whole == size) break;
  }
}

/// For activations that know plain scalars only.
template <class Sigma, int Orders, Real Scalar>
EIGEN_DONT_INLINE void activate_scalars(Index size, const Scalar* x, Scalar* y, Scalar* first,
                                        Scalar* second) noexcept {
  for (Index i = 0; i < size; ++i) {
    const Jet<Scalar> jet = Sigma::jet(x[i]);
    y[i] = jet.value;
    if constexpr (Orders > 1) first[i] = jet.first;
    if constexpr (Orders > 2) second[i] = jet.second;
  }
}

template <class Sigma, int Orders, Real Scalar>
void activate(Index size, const Scalar* x, Scalar* y, Scalar* first, Scalar* second) noexcept {
  static_assert(Activation<Sigma, Scalar>, "activate: an activation needs static Jet<P> jet(P x) for P = the scalar");
  eigen_assert(size >= 0);
  if constexpr (PackActivation<Sigma, Scalar>) {
    if (size >= Pack<Scalar>::size) {
      activate_packs<Sigma, Orders>(size, x, y, first, second);
    } else if (size > 0) {
      typename Pack<Scalar>::Lanes in{}, value, slope, curvature;  // zeros beyond the end
      std::copy_n(x, size, in.data());
      activate_packs<Sigma, Orders>(Pack<Scalar>::size, in.data(), value.data(), slope.data(), curvature.data());
      std::copy_n(value.data(), size, y);
      if constexpr (Orders > 1) std::copy_n(slope.data(), size, first);
      if constexpr (Orders > 2) std::copy_n(curvature.data(), size, second);
    }
  } else {
    activate_scalars<Sigma, Orders>(size, x, y, first, second);
  }
}

}  // namespace detail

/// y = σ(x) for `size` scalars. Allocates nothing.
template <class Sigma, Real Scalar>
void activate(Index size, const Scalar* x, Scalar* y) noexcept {
  detail::activate<Sigma, 1>(size, x, y, static_cast<Scalar*>(nullptr), static_cast<Scalar*>(nullptr));
}

/// y = σ(x), first = σ'(x).
template <class Sigma, Real Scalar>
void activate(Index size, const Scalar* x, Scalar* y, Scalar* first) noexcept {
  detail::activate<Sigma, 2>(size, x, y, first, static_cast<Scalar*>(nullptr));
}

/// y = σ(x), first = σ'(x), second = σ''(x).
template <class Sigma, Real Scalar>
void activate(Index size, const Scalar* x, Scalar* y, Scalar* first, Scalar* second) noexcept {
  detail::activate<Sigma, 3>(size, x, y, first, second);
}

}  // namespace pathline
