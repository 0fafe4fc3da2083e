#include <pathline/io/format/any_number.hpp>

#include <pathline/io/format/tensor_type.hpp>

#include <support/catch.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

using namespace pathline::io;
using detail::AnyNumber;
using detail::number_as;
using detail::whole_number;

TEST_CASE("A number of a file becomes one of a type that holds it, or none", "[io]") {
  const AnyNumber lowest = whole_number(std::numeric_limits<std::int64_t>::min());
  CHECK(number_as<std::int64_t>(lowest) == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(number_as<std::int32_t>(lowest));
  CHECK_FALSE(number_as<std::uint64_t>(lowest));
  CHECK(number_as<double>(lowest) == -0x1p63);
  CHECK(detail::number_text(lowest) == "-9223372036854775808");
  const AnyNumber highest = whole_number(std::numeric_limits<std::uint64_t>::max());
  CHECK(number_as<std::uint64_t>(highest) == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(number_as<std::int64_t>(highest));
  CHECK_FALSE(number_as<double>(highest));  // 2⁶⁴ - 1 is no double
  CHECK_FALSE(number_as<float>(whole_number(16777217)));
  CHECK(number_as<float>(whole_number(-16777216)) == -16777216.F);
  CHECK(number_as<std::int8_t>(whole_number(-128)) == -128);
  CHECK_FALSE(number_as<std::int8_t>(whole_number(128)));

  CHECK(number_as<float>(AnyNumber{.real = 0.1}) == 0.1F);
  CHECK_FALSE(number_as<float>(AnyNumber{.real = 1e39}));
  CHECK(std::isinf(number_as<float>(AnyNumber{.real = std::numeric_limits<double>::infinity()}).value()));
  CHECK_FALSE(number_as<int>(AnyNumber{.real = 2}));
}

TEST_CASE("A half and a bfloat16 are read in both byte orders", "[io]") {
  const std::array<std::byte, 2> half{std::byte{0x00}, std::byte{0xC1}}, bfloat{std::byte{0x41}, std::byte{0x20}};
  CHECK(detail::number_at(TensorType::f16, half.data(), std::endian::little).real == -2.5);
  CHECK(detail::number_at(TensorType::bf16, bfloat.data(), std::endian::big).real == 10);
  CHECK(detail::number_at(TensorType::boolean, bfloat.data(), std::endian::big).magnitude == 1);
}
