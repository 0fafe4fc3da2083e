/// \file
/// Philox 4x32-10: a counter in, 128 random bits out, no state. Salmon, Moraes, Dror & Shaw, "Parallel random numbers:
/// as easy as 1, 2, 3", SC 2011, section 3.3.
///
/// For a fixed key it is a bijection of counters, so that distinct counters never give the same block.
#pragma once

#include <array>
#include <cstdint>

namespace pathline {

/// 128 random bits.
using PhiloxBlock = std::array<std::uint32_t, 4>;

/// The block of a counter (128 bits) under a key (64 bits): ten rounds.
[[nodiscard]] constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t q = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {std::uint32_t(q >> 32) ^ counter[1] ^ key[0], std::uint32_t(q),
               std::uint32_t(p >> 32) ^ counter[3] ^ key[1], std::uint32_t(p)};
    key[0] += 0x9E3779B9;  // The Weyl sequences of the paper: golden ratio and √3 - 1, both times 2³².
    key[1] += 0xBB67AE85;
  }
  return counter;
}

}  // namespace pathline
