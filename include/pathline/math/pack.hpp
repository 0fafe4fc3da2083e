/// \file
/// A SIMD vector that reads like a number, so that a kernel is written once, as mathematics.
///
/// `Pack<Scalar>` wraps the packet that Eigen has for the target (SSE2, AVX2, AVX-512, NEON; one scalar without
/// vectorisation) and uses Eigen's elementary operations only: what is built from them (exponential.hpp,
/// trigonometric.hpp) does not depend on Eigen's version. Functions that a kernel calls exist for plain scalars too.
#pragma once

#include <pathline/core/types.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace pathline {

/// Lane by lane truth, the result of comparing two packs; a condition of select().
template <Real Scalar>
class Mask {
 public:
  using Packet = typename Eigen::internal::packet_traits<Scalar>::type;
  EIGEN_ALWAYS_INLINE explicit Mask(const Packet& bits) : bits_(bits) {}
  [[nodiscard]] EIGEN_ALWAYS_INLINE const Packet& bits() const { return bits_; }
  EIGEN_ALWAYS_INLINE friend Mask operator&(Mask a, Mask b) { return Mask(Eigen::internal::pand(a.bits_, b.bits_)); }
  EIGEN_ALWAYS_INLINE friend Mask operator|(Mask a, Mask b) { return Mask(Eigen::internal::por(a.bits_, b.bits_)); }

 private:
  Packet bits_;
};

/// `size` scalars that go through every operation together. A number converts to a pack with that number in all lanes.
template <Real Scalar>
class Pack {
 public:
  using Packet = typename Eigen::internal::packet_traits<Scalar>::type;
  static constexpr Index size = Eigen::internal::unpacket_traits<Packet>::size;
  using Lanes = std::array<Scalar, std::size_t(size)>;

  EIGEN_ALWAYS_INLINE Pack(Scalar x) : data_(Eigen::internal::pset1<Packet>(x)) {}
  /// A named function and not a constructor: without vectorisation a packet *is* a scalar.
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Pack from(const Packet& data) { return Pack(data, Private{}); }
  /// Reads `size` scalars; needs no alignment.
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Pack load(const Scalar* x) {
    return from(Eigen::internal::ploadu<Packet>(x));
  }
  /// Writes `size` scalars; needs no alignment.
  EIGEN_ALWAYS_INLINE void store(Scalar* x) const { Eigen::internal::pstoreu(x, data_); }
  [[nodiscard]] EIGEN_ALWAYS_INLINE const Packet& data() const { return data_; }
  /// The first lane.
  [[nodiscard]] EIGEN_ALWAYS_INLINE Scalar front() const { return Eigen::internal::pfirst(data_); }
  /// All lanes, through memory.
  [[nodiscard]] EIGEN_ALWAYS_INLINE Lanes lanes() const {
    Lanes result;
    store(result.data());
    return result;
  }

  EIGEN_ALWAYS_INLINE friend Pack operator+(Pack a, Pack b) { return from(Eigen::internal::padd(a.data_, b.data_)); }
  EIGEN_ALWAYS_INLINE friend Pack operator-(Pack a, Pack b) { return from(Eigen::internal::psub(a.data_, b.data_)); }
  EIGEN_ALWAYS_INLINE friend Pack operator*(Pack a, Pack b) { return from(Eigen::internal::pmul(a.data_, b.data_)); }
  EIGEN_ALWAYS_INLINE friend Pack operator/(Pack a, Pack b) { return from(Eigen::internal::pdiv(a.data_, b.data_)); }
  EIGEN_ALWAYS_INLINE friend Pack operator-(Pack a) { return from(Eigen::internal::pnegate(a.data_)); }
  EIGEN_ALWAYS_INLINE Pack& operator+=(Pack b) { return *this = *this + b; }
  EIGEN_ALWAYS_INLINE Pack& operator-=(Pack b) { return *this = *this - b; }
  EIGEN_ALWAYS_INLINE Pack& operator*=(Pack b) { return *this = *this * b; }
  EIGEN_ALWAYS_INLINE Pack& operator/=(Pack b) { return *this = *this / b; }

  EIGEN_ALWAYS_INLINE friend Mask<Scalar> operator<(Pack a, Pack b) {
    return Mask<Scalar>(Eigen::internal::pcmp_lt(a.data_, b.data_));
  }
  EIGEN_ALWAYS_INLINE friend Mask<Scalar> operator<=(Pack a, Pack b) {
    return Mask<Scalar>(Eigen::internal::pcmp_le(a.data_, b.data_));
  }
  EIGEN_ALWAYS_INLINE friend Mask<Scalar> operator>(Pack a, Pack b) { return b < a; }
  EIGEN_ALWAYS_INLINE friend Mask<Scalar> operator>=(Pack a, Pack b) { return b <= a; }

  EIGEN_ALWAYS_INLINE friend Pack abs(Pack a) { return from(Eigen::internal::pabs(a.data_)); }
  /// As Eigen's `sqrt` of an array has it.
  EIGEN_ALWAYS_INLINE friend Pack sqrt(Pack a) { return from(Eigen::internal::psqrt(a.data_)); }
  /// The smaller of the two; a where a is NaN (so `min(x, bound)` keeps a NaN in x).
  EIGEN_ALWAYS_INLINE friend Pack min(Pack a, Pack b) { return from(Eigen::internal::pmin(a.data_, b.data_)); }
  /// The larger of the two; a where a is NaN.
  EIGEN_ALWAYS_INLINE friend Pack max(Pack a, Pack b) { return from(Eigen::internal::pmax(a.data_, b.data_)); }
  /// a b + c, with one rounding where the target has the instruction.
  EIGEN_ALWAYS_INLINE friend Pack madd(Pack a, Pack b, Pack c) {
    return from(Eigen::internal::pmadd(a.data_, b.data_, c.data_));
  }
  /// |a| with the sign of b; the sign of a zero counts.
  EIGEN_ALWAYS_INLINE friend Pack copysign(Pack a, Pack b) {
    const Packet sign = Eigen::internal::pset1<Packet>(Scalar(-0.0));
    return from(Eigen::internal::por(Eigen::internal::pabs(a.data_), Eigen::internal::pand(b.data_, sign)));
  }
  /// a, its sign flipped where b is negative (bit by bit: also for zeros and NaN).
  EIGEN_ALWAYS_INLINE friend Pack flipsign(Pack a, Pack b) {
    const Packet sign = Eigen::internal::pset1<Packet>(Scalar(-0.0));
    return from(Eigen::internal::pxor(a.data_, Eigen::internal::pand(b.data_, sign)));
  }

 private:
  struct Private {};
  EIGEN_ALWAYS_INLINE Pack(const Packet& data, Private) : data_(data) {}
  Packet data_;
};

/// a where the condition holds, b elsewhere. Both are computed.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> select(Mask<Scalar> condition, std::type_identity_t<Pack<Scalar>> a,
                                                      std::type_identity_t<Pack<Scalar>> b) {
  return Pack<Scalar>::from(Eigen::internal::pselect(condition.bits(), a.data(), b.data()));
}
/// Whether the condition holds in any lane.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE bool any(Mask<Scalar> condition) {
  // Ones are summed, not the bits of the mask: as numbers those are NaN.
  return Eigen::internal::predux(select(condition, Scalar(1), Scalar(0)).data()) > 0;
}

// The same words for plain scalars.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar abs(Scalar a) {
  return std::abs(a);
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar min(Scalar a, std::type_identity_t<Scalar> b) {
  return b < a ? b : a;
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar max(Scalar a, std::type_identity_t<Scalar> b) {
  return a < b ? b : a;
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar madd(Scalar a, std::type_identity_t<Scalar> b,
                                              std::type_identity_t<Scalar> c) {
  return madd(Pack<Scalar>(a), Pack<Scalar>(b), Pack<Scalar>(c)).front();
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar copysign(Scalar a, std::type_identity_t<Scalar> b) {
  return std::copysign(a, b);
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar flipsign(Scalar a, std::type_identity_t<Scalar> b) {
  return std::signbit(b) ? -a : a;
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar select(bool condition, Scalar a, std::type_identity_t<Scalar> b) {
  return condition ? a : b;
}

namespace detail {

/// What a kernel's argument is made of: float for float and for Pack<float>.
template <class P>
struct LaneOf {
  using type = P;
};
template <Real Scalar>
struct LaneOf<Pack<Scalar>> {
  using type = Scalar;
};
template <class P>
using Lane = typename LaneOf<P>::type;

template <Real Scalar>
using BitsOf = std::conditional_t<std::is_same_v<Scalar, float>, std::uint32_t, std::uint64_t>;

/// The bits of every lane, shifted left as an unsigned integer. Eigen 3.4 has no 64-bit integer packets for SSE and
/// AVX.
template <int Count, Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> shift_left(Pack<Scalar> x) {
#if defined(__GNUC__)
  using Packet = typename Pack<Scalar>::Packet;
  typedef BitsOf<Scalar> Bits __attribute__((vector_size(sizeof(Packet))));
  return Pack<Scalar>::from(std::bit_cast<Packet>(std::bit_cast<Bits>(x.data()) << Count));
#else
  auto lanes = x.lanes();
  for (Scalar& lane : lanes) lane = std::bit_cast<Scalar>(std::bit_cast<BitsOf<Scalar>>(lane) << Count);
  return Pack<Scalar>::load(lanes.data());
#endif
}

/// Keeps -ffast-math from simplifying (x + c) - c, the rounding to an integer, and from joining the parts of π/2.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> opaque(Pack<Scalar> x) {
#if defined(__FAST_MATH__)
  typename Pack<Scalar>::Packet data = x.data();
  EIGEN_OPTIMIZATION_BARRIER(data)
  return Pack<Scalar>::from(data);
#else
  return x;
#endif
}

/// c0 + x (c1 + x (c2 + …)): a recursion and not a loop, which -O2 would not unroll.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> horner(Pack<Scalar>, std::type_identity_t<Scalar> last) {
  return last;
}
template <Real Scalar, class... Rest>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> horner(Pack<Scalar> x, std::type_identity_t<Scalar> first,
                                                      Rest... rest) {
  return madd(horner(x, rest...), x, Pack<Scalar>(first));
}

/// function(lane) for each lane.
template <Real Scalar, class Function>
[[nodiscard]] Pack<Scalar> map_lanes(Pack<Scalar> x, Function function) {
  auto lanes = x.lanes();
  for (Scalar& lane : lanes) lane = function(lane);
  return Pack<Scalar>::load(lanes.data());
}

}  // namespace detail
}  // namespace pathline
