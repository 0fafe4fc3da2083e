/// \file
/// Tensors of matrices and numbers, and back: row-major, converted only where nothing but digits is lost.
#include <pathline/io/tensor.hpp>

#include <pathline/core/types.hpp>
#include <pathline/io/format/byte_order.hpp>

#include <support/catch.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace pathline;
using io::Tensor;
using io::tensor_of;
using io::TensorType;

TEST_CASE("tensor_of: a matrix is stored row after row, little-endian", "[io][tensor]") {
  Batch<float> W(2, 3);
  W << 1, 2, 3, 4, 5, 6;
  const Tensor tensor = tensor_of("W", W);
  CHECK(tensor.type == TensorType::f32);
  CHECK(tensor.shape == std::vector<std::int64_t>{2, 3});
  REQUIRE(tensor.bytes.size() == 24);
  // 2 = 0x40000000 is the second number: W(0, 1), not W(1, 0).
  CHECK(std::vector<std::byte>(tensor.bytes.begin() + 4, tensor.bytes.begin() + 8) ==
        std::vector<std::byte>{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0x40}});
  CHECK(io::values_of<float>(tensor) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(io::matrix_of<float>(tensor, 2, 3) == W);
  CHECK(io::matrix_of<double>(tensor) == W.cast<double>());
  CHECK(io::matrix_of<float>(tensor_of("W", W.transpose()), 3, 2) == W.transpose());
  CHECK(io::matrix_of<float>(tensor_of("W", W.cast<double>().rightCols(2))) == W.rightCols(2));
}

TEST_CASE("tensor_of: vectors, lists and numbers have one side or none", "[io][tensor]") {
  const Vector<double> b = Vector<double>::LinSpaced(4, -1, 1) / 3;
  CHECK(tensor_of("b", b).shape == std::vector<std::int64_t>{4});
  CHECK(io::vector_of<double>(tensor_of("b", b), 4) == b);
  CHECK(tensor_of("b", Row<double>(b.transpose())).shape == std::vector<std::int64_t>{4});
  CHECK(tensor_of("none", std::vector<float>{}).shape == std::vector<std::int64_t>{0});
  CHECK(io::values_of<float>(tensor_of("none", std::vector<float>{})).empty());
  const std::vector<std::uint64_t> words{0, 1, std::numeric_limits<std::uint64_t>::max()};
  CHECK(io::values_of<std::uint64_t>(tensor_of("words", words)) == words);
  const Tensor number = tensor_of("t1", 0.1);
  CHECK(number.shape.empty());
  CHECK(number.type == TensorType::f64);
  CHECK(io::value_of<double>(number) == 0.1);
  CHECK(io::value_of<int>(tensor_of("schema", 3)) == 3);
  CHECK(io::value_of<int>(tensor_of("on", true)) == 1);
}

TEST_CASE("values_of: bits survive where the types are equal", "[io][tensor]") {
  for (const double x : {0.0, -0.0, 0.1, 5e-324, std::numeric_limits<double>::max(),
                         std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(std::bit_cast<std::uint64_t>(io::value_of<double>(tensor_of("x", x))) == std::bit_cast<std::uint64_t>(x));
    const auto y = static_cast<float>(std::min(x, 1e38));
    CHECK(std::bit_cast<std::uint32_t>(io::value_of<float>(tensor_of("y", y))) == std::bit_cast<std::uint32_t>(y));
  }
}

TEST_CASE("values_of: numbers that the wanted type does not hold are refused", "[io][tensor][errors]") {
  CHECK(io::value_of<float>(tensor_of("x", 0.1)) == 0.1F);
  CHECK(std::isinf(io::value_of<float>(tensor_of("x", std::numeric_limits<double>::infinity()))));
  CHECK_THROWS_WITH(io::value_of<float>(tensor_of("x", 1e300)),
                    "tensor \"x\", number 0 of type F64 is 1e+300, expected one that the type F32 holds");
  CHECK(io::value_of<double>(tensor_of("x", std::int64_t(1) << 53U)) == 9007199254740992.0);
  CHECK_THROWS_AS(io::value_of<double>(tensor_of("x", (std::int64_t(1) << 53U) + 1)), io::TensorError);
  CHECK_THROWS_AS(io::value_of<double>(tensor_of("x", std::numeric_limits<std::uint64_t>::max())), io::TensorError);
  CHECK_THROWS_AS(io::value_of<float>(tensor_of("x", 16777217)), io::TensorError);
  CHECK(io::value_of<float>(tensor_of("x", -16777216)) == -16777216.0F);
  CHECK_THROWS_AS(io::value_of<int>(tensor_of("x", 1.0)), io::TensorError);
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  CHECK(io::value_of<std::int64_t>(tensor_of("x", least)) == least);
  CHECK(io::value_of<double>(tensor_of("x", least)) == -9223372036854775808.0);
  CHECK(io::value_of<std::int8_t>(tensor_of("x", -128)) == -128);
  CHECK_THROWS_AS(io::value_of<std::int8_t>(tensor_of("x", -129)), io::TensorError);
  CHECK_THROWS_AS(io::value_of<std::int8_t>(tensor_of("x", 128)), io::TensorError);
  CHECK_THROWS_AS(io::value_of<std::uint64_t>(tensor_of("x", -1)), io::TensorError);
}

TEST_CASE("values_of: numbers of two bytes", "[io][tensor]") {
  // 1 5 10 bits and 1 8 7 bits: IEEE 754 binary16, and the upper half of a float.
  const Tensor half{
      "h",
      TensorType::f16,
      {3},
      {std::byte{0x00}, std::byte{0x3C}, std::byte{0x01}, std::byte{0x00}, std::byte{0x00}, std::byte{0xFC}}};
  CHECK(io::values_of<double>(half) ==
        std::vector<double>{1, std::ldexp(1.0, -24), -std::numeric_limits<double>::infinity()});
  const Tensor brain{"b", TensorType::bf16, {1}, {std::byte{0xC0}, std::byte{0xBF}}};
  CHECK(io::values_of<float>(brain) == std::vector<float>{-1.5F});
}

TEST_CASE("matrix_of: another shape is named", "[io][tensor][errors]") {
  const Tensor tensor = tensor_of("W", Batch<float>(Batch<float>::Zero(2, 3)));
  CHECK_THROWS_WITH(io::matrix_of<float>(tensor, 3, 2), "tensor \"W\" has shape [2, 3], expected [3, 2]");
  CHECK_THROWS_WITH(io::vector_of<float>(tensor), "tensor \"W\" has shape [2, 3], expected [any]");
  CHECK_THROWS_WITH(io::value_of<float>(tensor), "tensor \"W\" has shape [2, 3], expected []");
  Tensor broken = tensor;
  broken.bytes.pop_back();
  CHECK_THROWS_WITH(io::matrix_of<float>(broken), ContainsSubstring("has 23 bytes"));
  broken.shape = {-2, -3};
  CHECK_THROWS_AS(io::values_of<float>(broken), io::TensorError);
  const Tensor empty{"E", TensorType::f32, {std::int64_t(1) << 60, 0}, {}};
  CHECK(io::matrix_of<float>(empty).rows() == Index(1) << 60);  // at once
}

TEST_CASE("load_number swaps the bytes of the other order", "[io][tensor]") {
  const std::byte bytes[]{std::byte{0x12}, std::byte{0x34}};
  CHECK(io::detail::load_number<std::uint16_t>(bytes) == 0x3412);
  CHECK(io::detail::load_number<std::uint16_t>(bytes, std::endian::big) == 0x1234);
}

}  // namespace
