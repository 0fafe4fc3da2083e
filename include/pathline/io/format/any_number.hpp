/// \file
/// A number of any type that a file can hold, and whether a wanted type holds it too.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/tensor_type.hpp>

#include <Eigen/Core>

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

namespace pathline::io::detail {

/// A number of any type, without loss: neither double nor an integer of 64 bits holds all of the other.
struct AnyNumber {
  bool whole = false, negative = false;
  std::uint64_t magnitude = 0;  ///< If it is whole.
  double real = 0;              ///< Else.
};

template <std::integral T>
[[nodiscard]] AnyNumber whole_number(T value) {
  const bool negative = std::is_signed_v<T> && value < T(0);
  const auto bits = static_cast<std::uint64_t>(value);  // of a negative number its complement
  return {.whole = true, .negative = negative, .magnitude = negative ? std::uint64_t(0) - bits : bits};
}

[[nodiscard]] inline AnyNumber number_at(TensorType type, const std::byte* bytes, std::endian order) {
  const auto half = [&] { return load_number<std::uint16_t>(bytes, order); };
  switch (type) {
    case TensorType::f64:
      return {.real = load_number<double>(bytes, order)};
    case TensorType::f32:
      return {.real = double(load_number<float>(bytes, order))};
    case TensorType::f16:
      return {.real = double(Eigen::half_impl::half_to_float(Eigen::half_impl::raw_uint16_to_half(half())))};
    case TensorType::bf16:
      return {.real = double(std::bit_cast<float>(std::uint32_t(half()) << 16))};
    case TensorType::i64:
      return whole_number(load_number<std::int64_t>(bytes, order));
    case TensorType::i32:
      return whole_number(load_number<std::int32_t>(bytes, order));
    case TensorType::i16:
      return whole_number(load_number<std::int16_t>(bytes, order));
    case TensorType::i8:
      return whole_number(load_number<std::int8_t>(bytes, order));
    case TensorType::u64:
      return whole_number(load_number<std::uint64_t>(bytes, order));
    case TensorType::u32:
      return whole_number(load_number<std::uint32_t>(bytes, order));
    case TensorType::u16:
      return whole_number(load_number<std::uint16_t>(bytes, order));
    case TensorType::u8:
      return whole_number(load_number<std::uint8_t>(bytes, order));
    case TensorType::boolean:
      return whole_number(int(load_number<std::uint8_t>(bytes, order) != 0));
  }
  return {};  // no other value of the type
}

/// For messages.
[[nodiscard]] inline std::string number_text(const AnyNumber& number) {
  if (!number.whole) return pathline::detail::number(number.real);
  return (number.negative ? "-" : "") + std::to_string(number.magnitude);
}

/// Nothing when T does not hold it: a whole number must stay what it is; of a real one the last digits may go, but a
/// finite one must stay finite, and an integer holds none.
template <class T>
[[nodiscard]] std::optional<T> number_as(const AnyNumber& number) {
  if constexpr (std::floating_point<T>) {
    if (!number.whole) {
      const T value = static_cast<T>(number.real);
      return std::isinf(value) && !std::isinf(number.real) ? std::nullopt : std::optional<T>(value);
    }
    const T value = static_cast<T>(number.magnitude);
    if (value >= T(18446744073709551616.0) || static_cast<std::uint64_t>(value) != number.magnitude)
      return std::nullopt;
    return number.negative ? -value : value;
  } else {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    const bool below = number.negative && (!std::is_signed_v<T> || number.magnitude > largest + 1);
    if (!number.whole || below || (!number.negative && number.magnitude > largest)) return std::nullopt;
    return static_cast<T>(number.negative ? std::uint64_t(0) - number.magnitude : number.magnitude);
  }
}

}  // namespace pathline::io::detail
