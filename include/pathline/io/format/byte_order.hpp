/// \file
/// Numbers from bytes and back, in the byte order of a file. Files that pathline writes are little-endian on every
/// machine: one with the other order swaps.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace pathline::io::detail {

/// The number that the first sizeof(T) bytes from `bytes` on are. They need no alignment.
template <class T>
requires std::is_arithmetic_v<T>
[[nodiscard]] T load_number(const std::byte* bytes, std::endian order = std::endian::little) {
  std::array<std::byte, sizeof(T)> copy;
  std::memcpy(copy.data(), bytes, sizeof(T));
  if (order != std::endian::native) std::reverse(copy.begin(), copy.end());
  T number;
  std::memcpy(&number, copy.data(), sizeof(T));
  return number;
}

/// Writes the sizeof(T) bytes of a number, little-endian.
template <class T>
requires std::is_arithmetic_v<T>
void store_number(T number, std::byte* bytes) {
  std::memcpy(bytes, &number, sizeof(T));
  if (std::endian::native != std::endian::little) std::reverse(bytes, bytes + sizeof(T));
}

}  // namespace pathline::io::detail
