/// \file
/// Named arrays of numbers as files of other programs hold them: row-major, little-endian, of one of thirteen types.
/// `tensor_of` makes them of Eigen's matrices and of numbers, `matrix_of`, `vector_of`, `values_of` and `value_of` read
/// them.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/format/any_number.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/tensor_type.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::io {

/// An array of any number of dimensions. For a matrix W of rows × cols, `shape` is [rows, cols] and `bytes` has row
/// after row, as numpy and PyTorch see it.
struct Tensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;  ///< None for a single number.
  std::vector<std::byte> bytes;     ///< Little-endian on every machine; product(shape) · type_size(type) of them.
};

/// The tensors of a file, in its order.
struct TensorFile {
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor of this name, or null.
  [[nodiscard]] const Tensor* find(std::string_view name) const {
    for (const Tensor& tensor : tensors)
      if (tensor.name == name) return &tensor;
    return nullptr;
  }
};

/// A tensor that is not what its reader needs: another shape, or numbers that the wanted type does not hold.
struct TensorError : FileError {
  using FileError::FileError;
};

/// How many numbers there are.
[[nodiscard]] inline std::size_t size_of(const Tensor& tensor) { return tensor.bytes.size() / type_size(tensor.type); }

namespace detail {

[[noreturn]] inline void refuse_number(const Tensor& tensor, std::size_t i, const AnyNumber& number,
                                       TensorType wanted) {
  throw TensorError("tensor " + shown(tensor.name) + ", number " + std::to_string(i) + " of type " +
                    std::string(type_name(tensor.type)) + " is " + number_text(number) +
                    ", expected one that the type " + std::string(type_name(wanted)) + " holds");
}

/// Refuses another shape than the expected one, of which -1 stands for any number.
inline void require_shape(const Tensor& tensor, const std::vector<std::int64_t>& expected) {
  bool same = tensor.shape.size() == expected.size();
  for (std::size_t i = 0; same && i < expected.size(); ++i) same = expected[i] < 0 || tensor.shape[i] == expected[i];
  if (!same) {
    std::string text = shape_text(expected);
    for (std::size_t at; (at = text.find("-1")) != std::string::npos;) text.replace(at, 2, "any");
    throw TensorError("tensor " + shown(tensor.name) + " has shape " + shape_text(tensor.shape) + ", expected " + text);
  }
  if (byte_count(tensor.type, tensor.shape) != tensor.bytes.size())
    throw TensorError("tensor " + shown(tensor.name) + " has " + std::to_string(tensor.bytes.size()) +
                      " bytes, expected those of shape " + shape_text(tensor.shape) + " and type " +
                      std::string(type_name(tensor.type)));
}

template <class T>
[[nodiscard]] T number_in(const Tensor& tensor, std::size_t i) {
  const AnyNumber number =
      number_at(tensor.type, tensor.bytes.data() + i * type_size(tensor.type), std::endian::little);
  const std::optional<T> value = number_as<T>(number);
  if (!value) refuse_number(tensor, i, number, tensor_type<T>());
  return *value;
}

template <class T>
[[nodiscard]] Tensor empty_tensor(std::string name, std::vector<std::int64_t> shape) {
  Tensor tensor{.name = std::move(name), .type = tensor_type<T>(), .shape = std::move(shape), .bytes = {}};
  tensor.bytes.resize(std::size_t(byte_count(tensor.type, tensor.shape).value()));
  return tensor;
}

}  // namespace detail

/// One number; its shape is [].
template <class T>
requires std::is_arithmetic_v<T>
[[nodiscard]] Tensor tensor_of(std::string name, T value) {
  Tensor tensor = detail::empty_tensor<T>(std::move(name), {});
  detail::store_number(value, tensor.bytes.data());
  return tensor;
}

/// n numbers; its shape is [n].
template <class T>
requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) [[nodiscard]] Tensor
    tensor_of(std::string name, const std::vector<T>& values) {
  Tensor tensor = detail::empty_tensor<T>(std::move(name), {std::int64_t(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) detail::store_number(values[i], tensor.bytes.data() + i * sizeof(T));
  return tensor;
}

/// A matrix or an expression: shape [rows, cols]; of a vector or a row (by its type) shape [size]. Of a `View`, pass
/// `view.map()` or `view.vector()`.
template <class Derived>
[[nodiscard]] Tensor tensor_of(std::string name, const Eigen::DenseBase<Derived>& values) {
  using T = typename Derived::Scalar;
  constexpr bool has_type = std::is_arithmetic_v<T> && sizeof(T) <= 8;
  static_assert(has_type, "tensor_of: a tensor has real numbers of at most 8 bytes");
  Tensor tensor;
  if constexpr (has_type) {
    const typename Derived::PlainObject X = values.derived();
    std::vector<std::int64_t> shape{X.rows(), X.cols()};
    if constexpr (Derived::IsVectorAtCompileTime) shape = {X.size()};
    tensor = detail::empty_tensor<T>(std::move(name), std::move(shape));
    for (Index i = 0; i < X.rows(); ++i)
      for (Index j = 0; j < X.cols(); ++j)
        detail::store_number(X(i, j), tensor.bytes.data() + std::size_t(i * X.cols() + j) * sizeof(T));
  }
  return tensor;
}

/// Its numbers in row-major order, whatever its shape. Integers become floating point only if that changes none of
/// them, never the other way; a double may lose digits as a float, but not become infinite.
///
/// \throws TensorError for a number that T does not hold, and for a tensor whose bytes do not fit its shape.
template <class T>
requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
    [[nodiscard]] std::vector<T> values_of(const Tensor& tensor) {
  detail::require_shape(tensor, tensor.shape);
  std::vector<T> values(size_of(tensor));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = detail::number_in<T>(tensor, i);
  return values;
}

/// The number of a tensor of shape [].
/// \throws TensorError for another shape, and as values_of().
template <class T>
requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) [[nodiscard]] T value_of(const Tensor& tensor) {
  detail::require_shape(tensor, {});
  return detail::number_in<T>(tensor, 0);
}

/// The numbers of a tensor of shape [size]. Eigen::Dynamic accepts any size.
/// \throws TensorError for another shape, and as values_of().
template <Real Scalar>
[[nodiscard]] Vector<Scalar> vector_of(const Tensor& tensor, Index size = Eigen::Dynamic) {
  detail::require_shape(tensor, {size});
  Vector<Scalar> result(tensor.shape[0]);
  for (Index i = 0; i < result.size(); ++i) result(i) = detail::number_in<Scalar>(tensor, std::size_t(i));
  return result;
}

/// The matrix of a tensor of shape [rows, cols]. Eigen::Dynamic accepts any number of them.
/// \throws TensorError for another shape, and as values_of().
template <Real Scalar>
[[nodiscard]] Batch<Scalar> matrix_of(const Tensor& tensor, Index rows = Eigen::Dynamic, Index cols = Eigen::Dynamic) {
  detail::require_shape(tensor, {rows, cols});
  Batch<Scalar> result(tensor.shape[0], tensor.shape[1]);
  if (result.size() == 0) return result;  // a file can say 2^60 rows of no columns
  for (Index i = 0; i < result.rows(); ++i)
    for (Index j = 0; j < result.cols(); ++j)
      result(i, j) = detail::number_in<Scalar>(tensor, std::size_t(i * result.cols() + j));
  return result;
}

}  // namespace pathline::io
