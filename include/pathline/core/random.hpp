/// \file
/// Random numbers without hidden state. A number is named by a seed, a draw, a sample and a component, and by nothing
/// else: not by the order of calls, the batch that the sample is in, or the thread. The same name gives the same bits
/// on every machine.
///
///     Rng rng(7);                         // a program's seed
///     fill<Gaussian>(rng.draw(), 0, Z);   // samples 0, 1, … of draw 0
///     fill<Rademacher>(rng.draw(), ids, V);   // draw 1: other numbers, whatever draw 0 was used for
///
/// A distribution is a struct with a number of components per block and a rule that makes them, see `Distribution`.
#pragma once

#include <pathline/core/box_muller.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/philox.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// How 128 random bits become numbers.
/// - `per_block`: components made from one block; component i of a sample comes from block i / per_block. So the first
///   components of a sample do not depend on how many are asked for.
/// - `write(block, out)`: overwrites the column `out` of float or double, a `View`, with the first of them, at most
///   per_block.
template <class D>
concept Distribution = requires(const PhiloxBlock& block, View<float> floats, View<double> doubles) {
  { D::per_block } -> std::convertible_to<Index>;
  D::write(block, floats);
  D::write(block, doubles);
};

namespace detail {

[[nodiscard]] constexpr std::uint64_t join(std::uint32_t low, std::uint32_t high) noexcept {
  return std::uint64_t{high} << 32 | low;
}

}  // namespace detail

/// Uniform on the open interval (0, 1): midpoints of 2⁵² (double) or 2²³ (float) equal cells, so that log u and
/// log(1 - u) are finite and the mean is ½ exactly. A float and the double of the same name differ by at most 2⁻²⁴.
struct Uniform {
  static constexpr Index per_block = 2;
  template <class Out>
  static void write(const PhiloxBlock& block, Out&& out) {
    using Scalar = typename std::remove_cvref_t<Out>::Scalar;
    out[0] = midpoint<Scalar>(detail::join(block[0], block[1]));
    if (out.size() > 1) out[1] = midpoint<Scalar>(detail::join(block[2], block[3]));
  }

 private:
  template <Real Scalar>
  [[nodiscard]] static constexpr Scalar midpoint(std::uint64_t bits) noexcept {
    if constexpr (std::is_same_v<Scalar, float>)
      return float((bits >> 41) * 2 + 1) * 0x1p-24F;
    else
      return double((bits >> 12) * 2 + 1) * 0x1p-53;
  }
};

/// N(0, 1), see core/box_muller.hpp. A float is the rounded double.
struct Gaussian {
  static constexpr Index per_block = 2;
  template <class Out>
  static void write(const PhiloxBlock& block, Out&& out) {
    using Scalar = typename std::remove_cvref_t<Out>::Scalar;
    const auto pair = detail::box_muller(detail::join(block[0], block[1]), detail::join(block[2], block[3]));
    out[0] = Scalar(pair[0]);
    if (out.size() > 1) out[1] = Scalar(pair[1]);
  }
};

/// +1 or -1 with equal probability. One bit a number: 128 of them cost one block.
struct Rademacher {
  static constexpr Index per_block = 128;
  template <class Out>
  static void write(const PhiloxBlock& block, Out&& out) {
    using Scalar = typename std::remove_cvref_t<Out>::Scalar;
    for (Index i = 0; i < out.size(); ++i)
      out[i] = Scalar(1 - 2 * std::int32_t(block[std::size_t(i / 32)] >> i % 32 & 1U));
  }
};

/// The name of one draw: as many random numbers as there are samples and components. A value; nothing is stored.
struct Draw {
  std::uint64_t seed = 0;
  std::uint64_t number = 0;  ///< Below 2⁴⁸.

  friend bool operator==(const Draw&, const Draw&) = default;

  /// 128 random bits of a sample (0 ≤ sample < 2⁴⁸, 0 ≤ block < 2³²). Distinct arguments never share a counter.
  [[nodiscard]] constexpr PhiloxBlock bits(Index sample, Index block) const {
    eigen_assert(sample >= 0 && sample >> 48 == 0 && block >= 0 && block >> 32 == 0 && number >> 48 == 0);
    const auto s = std::uint64_t(sample);
    return philox(
        {std::uint32_t(block), std::uint32_t(number), std::uint32_t(s), std::uint32_t(number >> 32 << 16 | s >> 32)},
        {std::uint32_t(seed), std::uint32_t(seed >> 32)});
  }

  /// One number: what `fill` gives at row `component` of the column of that sample.
  template <Distribution D, Real Scalar = double>
  [[nodiscard]] Scalar number_at(Index sample, Index component) const {
    Scalar numbers[D::per_block];
    D::write(bits(sample, component / D::per_block), View<Scalar>(numbers, D::per_block, 1));
    return numbers[component % D::per_block];
  }
};

/// A seed and the number of the next draw. Copies continue independently of each other, with the same draws.
class Rng {
 public:
  /// `next`: the draw to continue from, for a program that was interrupted.
  explicit Rng(std::uint64_t seed, std::uint64_t next = 0) noexcept : next_{seed, next} {}

  /// A new draw: the numbers 0, 1, 2, … of this seed.
  [[nodiscard]] Draw draw() noexcept {
    const Draw result = next_;
    ++next_.number;
    return result;
  }
  [[nodiscard]] std::uint64_t seed() const noexcept { return next_.seed; }
  [[nodiscard]] std::uint64_t next() const noexcept { return next_.number; }

  friend bool operator==(const Rng&, const Rng&) = default;

 private:
  Draw next_;
};

namespace detail {

/// Column j of X gets the numbers of the sample sample_of(j), a block of bits at a time.
template <class D, class Matrix, class SampleOf>
void fill_columns(const Draw& draw, Matrix& X, SampleOf&& sample_of) {
  using Scalar = typename Matrix::Scalar;
  constexpr Index most = D::per_block;
  for (Index j = 0; j < X.cols(); ++j)
    for (Index i = 0; i < X.rows(); i += most) {
      const Index count = std::min(most, X.rows() - i);
      if constexpr (std::constructible_from<View<Scalar>, Matrix&>) {
        D::write(draw.bits(sample_of(j), i / most), View<Scalar>(X).col(j).segment(i, count));
      } else {  // row-major: a column is no run of scalars
        std::array<Scalar, std::size_t(most)> numbers{};
        D::write(draw.bits(sample_of(j), i / most), View<Scalar>(numbers.data(), count, 1));
        for (Index k = 0; k < count; ++k) X(i + k, j) = numbers[std::size_t(k)];
      }
    }
}

}  // namespace detail

/// Overwrites X (d × n): column j gets the numbers of sample first + j, row i those of component i. Allocates nothing.
template <Distribution D, class Matrix>
void fill(const Draw& draw, Index first, Matrix&& X) {
  detail::fill_columns<D>(draw, X, [first](Index j) { return first + j; });
}

/// Overwrites X (d × n): column j gets the numbers of sample samples[j].
/// \throws ShapeError unless there are n samples.
template <Distribution D, class Matrix>
void fill(const Draw& draw, std::span<const Index> samples, Matrix&& X) {
  require_columns("fill: X", X.cols(), Index(samples.size()));
  detail::fill_columns<D>(draw, X, [samples](Index j) { return samples[std::size_t(j)]; });
}

/// The bits of one sample of a draw, one 64-bit word after another: for rules that cannot say beforehand how many words
/// they need.
class IntegerStream {
 public:
  explicit IntegerStream(const Draw& draw, Index sample = 0) noexcept : draw_(draw), sample_(sample) {}

  [[nodiscard]] std::uint64_t next() {
    if (half_ == 0) block_ = draw_.bits(sample_, index_++);
    const std::uint64_t word = detail::join(block_[2 * half_], block_[2 * half_ + 1]);
    half_ = 1 - half_;
    return word;
  }

  /// Uniform on 0, 1, …, bound - 1, without bias.
  /// \throws ArgumentError when bound is 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    if (bound == 0) throw ArgumentError("below: bound", "0", "at least 1");
    // The words from 2⁶⁴ mod bound on are a whole number of periods of the remainder; the few before are drawn again.
    const std::uint64_t excess = (0 - bound) % bound;
    std::uint64_t word = next();
    while (word < excess) word = next();
    return word % bound;
  }

 private:
  Draw draw_;
  Index sample_, index_ = 0;
  PhiloxBlock block_{};
  std::size_t half_ = 0;
};

/// Uniform on 0, 1, …, bound - 1, without bias: the first such integer of a sample of a draw.
/// \throws ArgumentError when bound is 0.
[[nodiscard]] inline std::uint64_t below(const Draw& draw, std::uint64_t bound, Index sample = 0) {
  return IntegerStream(draw, sample).below(bound);
}

/// 0, 1, …, n - 1 in random order, all n! orders alike (Fisher & Yates; Knuth, TAOCP 2, algorithm 3.4.2 P).
/// \throws ArgumentError when n is negative.
[[nodiscard]] inline std::vector<Index> permutation(const Draw& draw, Index n) {
  if (n < 0) throw ArgumentError("permutation: n", n, "at least 0");
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  IntegerStream integers(draw);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[integers.below(i)]);
  return order;
}

}  // namespace pathline
