/// \file
/// Loops over contiguous scalars in whole packs, and what is left one by one, with one body for both: several matrices
/// are read and written in one pass, where expressions would take a pass each.
#pragma once

#include <pathline/math/pack.hpp>

#include <concepts>

namespace pathline::detail {

/// How a body of for_packs reads and writes: P is Pack<Scalar> or Scalar.
template <class P>
struct Access {
  using Scalar = Lane<P>;
  using Value = P;
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P load(const Scalar* x) {
    if constexpr (std::same_as<P, Scalar>)
      return *x;
    else
      return P::load(x);
  }
  static EIGEN_ALWAYS_INLINE void store(P value, Scalar* x) {
    if constexpr (std::same_as<P, Scalar>)
      *x = value;
    else
      value.store(x);
  }
  static EIGEN_ALWAYS_INLINE void add(P value, Scalar* x) { store(load(x) + value, x); }
};

/// body(Access<P>{}, i) for i = 0, then on by as many scalars as P has.
template <Real Scalar, class Body>
EIGEN_ALWAYS_INLINE void for_packs(Index size, Body&& body) {
  constexpr Index step = Pack<Scalar>::size;
  Index i = 0;
  for (; i + step <= size; i += step) body(Access<Pack<Scalar>>{}, i);
  for (; i < size; ++i) body(Access<Scalar>{}, i);
}

/// The sum over all lanes of what body(Access<P>{}, i) returns.
template <Real Scalar, class Body>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar sum_packs(Index size, Body&& body) {
  constexpr Index step = Pack<Scalar>::size;
  Pack<Scalar> packs(Scalar(0));
  Index i = 0;
  for (; i + step <= size; i += step) packs += body(Access<Pack<Scalar>>{}, i);
  Scalar sum = Eigen::internal::predux(packs.data());
  for (; i < size; ++i) sum += body(Access<Scalar>{}, i);
  return sum;
}

}  // namespace pathline::detail
