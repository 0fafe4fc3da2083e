/// \file
/// The types of numbers in files of tensors and arrays, and what their shapes need.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pathline::io {

/// As safetensors names them: "F64", "F32", "F16", "BF16", "I64", …, "U8", "BOOL".
enum class TensorType { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

namespace detail {

struct TensorTypeEntry {
  TensorType type;
  std::string_view name;
  std::size_t size;
};
inline constexpr std::array<TensorTypeEntry, 13> tensor_types{{{TensorType::f64, "F64", 8},
                                                               {TensorType::f32, "F32", 4},
                                                               {TensorType::f16, "F16", 2},
                                                               {TensorType::bf16, "BF16", 2},
                                                               {TensorType::i64, "I64", 8},
                                                               {TensorType::i32, "I32", 4},
                                                               {TensorType::i16, "I16", 2},
                                                               {TensorType::i8, "I8", 1},
                                                               {TensorType::u64, "U64", 8},
                                                               {TensorType::u32, "U32", 4},
                                                               {TensorType::u16, "U16", 2},
                                                               {TensorType::u8, "U8", 1},
                                                               {TensorType::boolean, "BOOL", 1}}};

/// Of a number of C++.
template <class T>
requires std::is_arithmetic_v<T>
[[nodiscard]] constexpr TensorType tensor_type() {
  static_assert(sizeof(T) <= 8, "tensor_of: long double has no tensor type; take double");
  if constexpr (std::same_as<T, bool>) return TensorType::boolean;
  if constexpr (std::floating_point<T>) return sizeof(T) == 8 ? TensorType::f64 : TensorType::f32;
  constexpr bool is_signed = std::is_signed_v<T>;
  if constexpr (sizeof(T) == 8) return is_signed ? TensorType::i64 : TensorType::u64;
  if constexpr (sizeof(T) == 4) return is_signed ? TensorType::i32 : TensorType::u32;
  if constexpr (sizeof(T) == 2) return is_signed ? TensorType::i16 : TensorType::u16;
  return is_signed ? TensorType::i8 : TensorType::u8;
}

}  // namespace detail

/// "F64".
[[nodiscard]] constexpr std::string_view type_name(TensorType type) {
  return detail::tensor_types[std::size_t(type)].name;
}
/// Bytes of a number.
[[nodiscard]] constexpr std::size_t type_size(TensorType type) { return detail::tensor_types[std::size_t(type)].size; }

/// "[2, 3]", for messages; at most 16 sides.
[[nodiscard]] inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < std::min<std::size_t>(shape.size(), 16); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + (shape.size() > 16 ? ", …]" : "]");
}

/// How many bytes a shape needs; nothing when that is more than 2⁶³ - 1, or a side is negative.
[[nodiscard]] inline std::optional<std::uint64_t> byte_count(TensorType type, const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = type_size(type);
  bool empty = false;
  for (const std::int64_t side : shape) {
    if (side < 0) return std::nullopt;
    empty = empty || side == 0;
    if (side == 0) continue;  // the sides beside it must not overflow either
    if (bytes > std::uint64_t(std::numeric_limits<std::int64_t>::max()) / std::uint64_t(side)) return std::nullopt;
    bytes *= std::uint64_t(side);
  }
  return empty ? 0 : bytes;
}

}  // namespace pathline::io
