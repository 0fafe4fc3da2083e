/// \file
/// The header of numpy's files: a magic string, a version, and the literal of a Python dictionary with type, order and
/// shape. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/format/any_number.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/tensor_type.hpp>
#include <pathline/io/format/token_reader.hpp>
#include <pathline/io/format_error.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io::detail {

/// What a file says of its numbers: n samples of d numbers each.
struct NpyArray {
  TensorType type = TensorType::f64;
  std::endian order = std::endian::little;
  bool column_major = false;        ///< Fortran's order: number after number of a column, each of n samples.
  std::vector<std::int64_t> shape;  ///< (n, d), or (n) for d = 1.
  Index samples = 0, dim = 0;
  std::size_t start = 0;  ///< Where the numbers begin, in bytes.

  /// Component i of sample j, from the bytes of the file.
  [[nodiscard]] AnyNumber number(std::string_view bytes, Index i, Index j) const {
    const auto position = std::size_t(column_major ? i * samples + j : j * dim + i);
    const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
    return number_at(type, data + start + position * type_size(type), order);
  }
};

/// Reads the literals of Python that such a header has.
class NpyReader : public TokenReader {
 public:
  using TokenReader::TokenReader;

  /// A string in single or double quotes, without escapes.
  [[nodiscard]] std::string quoted(const char* what) {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote, what);
    const std::size_t first = at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\\') ++at_;
    if (at_ == text_.size() || text_[at_] != quote) refuse(what, next_text(), "a string that ends in its quote");
    ++at_;
    return std::string(text_.substr(first, at_ - 1 - first));
  }
  [[nodiscard]] bool truth(const char* what) {
    skip_spaces();
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    refuse(what, next_text(), "True or False");
  }
  [[nodiscard]] std::vector<std::int64_t> tuple(const char* what) {
    std::vector<std::int64_t> numbers;
    expect('(', what);
    for (bool more = !accept(')'); more; more = another(')', what) && !accept(')'))
      numbers.push_back(whole_number(what));
    return numbers;
  }
};

/// "<f8": the byte order, a letter for the kind, the size.
inline void read_type(NpyReader& reader, NpyArray& array) {
  const std::size_t position = reader.position();
  const auto refuse = [&](const std::string& got) {
    throw FormatError(reader.source(), position, "descr", got,
                      "<, >, = or | and then f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1; in Python, save "
                      "x.astype(float), and one array in place of a structured one");
  };
  if (reader.accept('[')) refuse("a list, as of a structured array");
  const std::string text = reader.quoted("descr");
  struct Kind {
    std::string_view name;
    TensorType type;
  };
  static constexpr Kind kinds[]{{"f8", TensorType::f64}, {"f4", TensorType::f32}, {"f2", TensorType::f16},
                                {"i8", TensorType::i64}, {"i4", TensorType::i32}, {"i2", TensorType::i16},
                                {"i1", TensorType::i8},  {"u8", TensorType::u64}, {"u4", TensorType::u32},
                                {"u2", TensorType::u16}, {"u1", TensorType::u8},  {"b1", TensorType::boolean}};
  const bool ordered = !text.empty() && std::string_view("<>=|").find(text[0]) != std::string_view::npos;
  const auto* const kind = std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& one) {
    return ordered && one.name == std::string_view(text).substr(1);
  });
  if (kind == std::end(kinds) || (text[0] == '|' && type_size(kind->type) > 1)) refuse(shown(text));
  array.type = kind->type;
  array.order = text[0] == '>' ? std::endian::big : text[0] == '=' ? std::endian::native : std::endian::little;
}

/// Refuses numbers that are not as many as the file has, and more or fewer than one or two sides.
inline void check_shape(const std::string& source, std::size_t position, std::uintmax_t size, NpyArray& array) {
  const std::optional<std::uint64_t> bytes = byte_count(array.type, array.shape);
  const std::string shape = shape_text(array.shape);
  if (array.shape.empty() || array.shape.size() > 2)
    throw FormatError(source, position, "shape", shape,
                      "[n, d] for n samples of d numbers, or [n]; in Python, save x.reshape(n, -1)");
  if (bytes != size - array.start)
    throw FormatError(source, array.start, "size of the numbers", std::to_string(size - array.start) + " bytes",
                      (bytes ? std::to_string(*bytes) : "too many") + " for shape " + shape + " and type " +
                          std::string(type_name(array.type)) + "; the file is cut off, or has more than one array");
  array.samples = Index(array.shape[0]);
  array.dim = array.shape.size() == 2 ? Index(array.shape[1]) : 1;
}

/// \param bytes  Of the file's start, with the header.
/// \param size   Bytes of the file.
/// \throws FormatError for whatever is no such file, or holds other than numbers in one or two dimensions.
[[nodiscard]] inline NpyArray parse_npy_header(std::string_view bytes, std::uintmax_t size, const std::string& source) {
  constexpr std::string_view magic = "\x93NUMPY";
  if (!bytes.starts_with(magic))
    throw FormatError(source, 0, "start of the file", shown(bytes.substr(0, 6)), "\"\\x93NUMPY\", as numpy writes");
  const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
  const unsigned major = byte(6), minor = byte(7);
  if (major < 1 || major > 3 || minor != 0 || bytes.size() < 8)
    throw FormatError(source, 6, "version", std::to_string(major) + "." + std::to_string(minor), "1.0, 2.0 or 3.0");
  const std::size_t head = major == 1 ? 10 : 12;
  std::uint64_t length = byte(8) | (byte(9) << 8U);
  if (major > 1) length |= std::uint64_t(byte(10)) << 16U | std::uint64_t(byte(11)) << 24U;
  const auto refuse_length = [&](const std::string& expected) {
    throw FormatError(source, 8, "length of the header", std::to_string(length) + " bytes", expected);
  };
  if (size < head || length > size - head) refuse_length("at most as many as follow; the file is cut off");
  if (length > bytes.size() - head)
    refuse_length("at most " + std::to_string(bytes.size() - head) + ", as of an array of numbers");

  NpyArray array;
  array.start = head + std::size_t(length);
  NpyReader reader(source, bytes.substr(head, std::size_t(length)), head);
  bool has_type = false, has_order = false, has_shape = false;
  std::size_t shape_position = head;
  reader.expect('{', "the header");
  for (bool more = !reader.accept('}'); more; more = reader.another('}', "the header") && !reader.accept('}')) {
    const std::size_t position = reader.position();
    const std::string key = reader.quoted("a key of the header");
    reader.expect(':', "what follows a key");
    bool& seen = key == "descr" ? has_type : key == "fortran_order" ? has_order : has_shape;
    if (seen || (key != "descr" && key != "fortran_order" && key != "shape"))
      throw FormatError(source, position, "key", shown(key), "descr, fortran_order and shape, each once");
    seen = true;
    if (key == "descr") {
      read_type(reader, array);
    } else if (key == "fortran_order") {
      array.column_major = reader.truth("fortran_order");
    } else {
      shape_position = reader.position();
      array.shape = reader.tuple("shape");
    }
  }
  reader.expect_end("what follows the header's dictionary", " \n");
  const char* const missing = !has_type ? "descr" : !has_order ? "fortran_order" : !has_shape ? "shape" : nullptr;
  if (missing != nullptr)
    throw FormatError(source, head, "the header", std::string("without ") + missing, "descr, fortran_order and shape");
  check_shape(source, shape_position, size, array);
  return array;
}

/// Of a little-endian array in row-major order, padded so that the numbers begin at a multiple of 64 bytes.
[[nodiscard]] inline std::string npy_header(std::string_view descr, Index samples, Index dim) {
  std::string text = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (" +
                     std::to_string(samples) + ", " + std::to_string(dim) + "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(text.size() % 256) +
         static_cast<char>(text.size() / 256) + text;
}

}  // namespace pathline::io::detail
