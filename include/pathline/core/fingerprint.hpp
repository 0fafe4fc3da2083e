/// \file
/// Whether bytes are those of before: a number for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pathline::detail {

/// A number for some bytes: FNV-1a (Fowler, Noll & Vo), eight bytes at a time.
/// \param start  The number of the bytes before these, of which there are a multiple of eight, or none.
inline std::uint64_t fingerprint(const void* data, std::size_t bytes, std::uint64_t start = 0xCBF29CE484222325U) {
  const auto* const first = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < bytes; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, first + i, bytes - i < 8 ? bytes - i : 8);
    start = (start ^ word) * 0x100000001B3U;
    start ^= start >> 32;  // else high bits would never reach low ones
  }
  return start;
}

}  // namespace pathline::detail
