/// \file
/// Files of named tensors in the format safetensors, which Python's `safetensors` and numpy read: 8 bytes with the
/// length of the header, the header in JSON, the tensors' numbers. No file can make a reader run code, or take more
/// memory than a few times its size. https://github.com/huggingface/safetensors#format
///
///     io::write_safetensors("w.safetensors", {.tensors = {io::tensor_of("W", W)}, .metadata = {{"made by", "me"}}});
///     Batch<float> W = io::matrix_of<float>(*io::read_safetensors("w.safetensors").find("W"));
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/json_reader.hpp>
#include <pathline/io/format/tensor_type.hpp>
#include <pathline/io/format_error.hpp>
#include <pathline/io/read_text.hpp>
#include <pathline/io/replace_file.hpp>
#include <pathline/io/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ios>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io {

namespace detail {

/// As the format's own implementation has it.
inline constexpr std::uint64_t longest_safetensors_header = 100'000'000;

/// A tensor of the header, where its numbers are, and where its entry stands in the file.
struct TensorEntry {
  Tensor tensor;
  std::uint64_t begin = 0, end = 0;
  std::size_t position = 0;
};

[[nodiscard]] inline TensorType dtype(JsonReader& reader) {
  const std::size_t position = reader.position();
  const std::string name = reader.string("dtype");
  std::string known;
  for (const TensorTypeEntry& entry : tensor_types) {
    if (entry.name == name) return entry.type;
    known += (known.empty() ? "one of " : ", ") + std::string(entry.name);
  }
  throw FormatError(reader.source(), position, "dtype", shown(name), known);
}

[[nodiscard]] inline std::vector<std::int64_t> whole_numbers(JsonReader& reader, const char* what) {
  std::vector<std::int64_t> numbers;
  reader.expect('[', what);
  for (bool more = !reader.accept(']'); more; more = reader.another(']', what))
    numbers.push_back(reader.whole_number(what));
  return numbers;
}

/// {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, the three in any order.
[[nodiscard]] inline TensorEntry tensor_entry(JsonReader& reader, const std::string& name) {
  TensorEntry entry;
  entry.tensor.name = name;
  bool has_dtype = false, has_shape = false, has_offsets = false;
  const std::string what = "tensor " + shown(name);
  entry.position = reader.position();
  reader.expect('{', what.c_str());
  do {
    const std::size_t position = reader.position();
    const std::string key = reader.string("a key of a tensor");
    reader.expect(':', "what follows a key");
    const auto first_time = [&](bool& seen) {
      if (seen) throw FormatError(reader.source(), position, "key", shown(key) + " twice", "each key once");
      seen = true;
    };
    if (key == "dtype") {
      first_time(has_dtype);
      entry.tensor.type = dtype(reader);
    } else if (key == "shape") {
      first_time(has_shape);
      entry.tensor.shape = whole_numbers(reader, "shape");
    } else if (key == "data_offsets") {
      first_time(has_offsets);
      const std::vector<std::int64_t> range = whole_numbers(reader, "data_offsets");
      if (range.size() != 2 || range[0] > range[1])
        throw FormatError(reader.source(), position, "data_offsets", shape_text(range), "[begin, end], begin <= end");
      entry.begin = std::uint64_t(range[0]);
      entry.end = std::uint64_t(range[1]);
    } else {
      throw FormatError(reader.source(), position, "key of " + what, shown(key), "dtype, shape or data_offsets");
    }
  } while (reader.another('}', what.c_str()));
  const char* const missing = !has_dtype ? "dtype" : !has_shape ? "shape" : !has_offsets ? "data_offsets" : nullptr;
  if (missing != nullptr)
    throw FormatError(reader.source(), entry.position, what, std::string("without ") + missing,
                      "dtype, shape and data_offsets");
  return entry;
}

[[nodiscard]] inline std::map<std::string, std::string> text_entries(JsonReader& reader) {
  std::map<std::string, std::string> entries;
  reader.expect('{', "__metadata__");
  for (bool more = !reader.accept('}'); more; more = reader.another('}', "__metadata__")) {
    const std::size_t position = reader.position();
    const std::string key = reader.string("a key of __metadata__");
    reader.expect(':', "what follows a key");
    if (!entries.emplace(key, reader.string("a value of __metadata__")).second)
      throw FormatError(reader.source(), position, "key of __metadata__", shown(key) + " twice", "each key once");
  }
  return entries;
}

/// Refuses tensors whose data do not lie one after another from the start of the data to the end of the file.
inline void require_cover(const std::string& source, const std::vector<TensorEntry>& entries, std::uint64_t size) {
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& entry : entries) {
    const std::optional<std::uint64_t> bytes = byte_count(entry.tensor.type, entry.tensor.shape);
    const std::string what = "tensor " + shown(entry.tensor.name);
    if (bytes != entry.end - entry.begin)
      throw FormatError(source, entry.position, what, std::to_string(entry.end - entry.begin) + " bytes of data",
                        (bytes ? std::to_string(*bytes) + " bytes" : "fewer than 2^63 bytes") + " for " +
                            std::string(type_name(entry.tensor.type)) + " of shape " + shape_text(entry.tensor.shape));
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](const TensorEntry* a, const TensorEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t covered = 0;
  for (const TensorEntry* const entry : order) {
    if (entry->begin != covered)
      throw FormatError(source, entry->position, "data of tensor " + shown(entry->tensor.name),
                        "from byte " + std::to_string(entry->begin) + " of the data on",
                        "byte " + std::to_string(covered) + ": tensors neither overlap nor leave holes");
    covered = entry->end;
  }
  if (covered != size)
    throw FormatError(source, order.empty() ? 8 : order.back()->position, "data of all tensors",
                      std::to_string(covered) + " bytes",
                      std::to_string(size) + ", which follow the header; the file may be cut off");
}

}  // namespace detail

/// The tensors that the bytes of a file hold, in the order of its header; `source` is what messages call it. As strict
/// as the format's own implementation, and in addition each key may stand once only, and a tensor has no other key than
/// dtype, shape and data_offsets.
///
/// \throws FormatError for whatever is no such file: says the byte, what is there, and what was expected.
[[nodiscard]] inline TensorFile parse_safetensors(std::string_view bytes,
                                                  const std::string& source = "parse_safetensors") {
  if (bytes.size() < 8)
    throw FormatError(source, 0, "size of the file", std::to_string(bytes.size()) + " bytes",
                      "at least 8, with the length of the header");
  const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
  const auto length = detail::load_number<std::uint64_t>(data);
  const std::uint64_t longest = std::min<std::uint64_t>(bytes.size() - 8, detail::longest_safetensors_header);
  if (length < 2 || length > longest)
    throw FormatError(source, 0, "length of the header", std::to_string(length) + " bytes",
                      "at least 2 and at most " + std::to_string(longest) + "; the file is cut off or of another kind");

  TensorFile file;
  std::vector<detail::TensorEntry> entries;
  std::set<std::string> names;
  detail::JsonReader reader(source, bytes.substr(8, std::size_t(length)), 8);
  if (bytes[8] != '{') throw FormatError(source, 8, "start of the header", detail::shown(bytes.substr(8, 20)), "\"{\"");
  reader.expect('{', "the header");
  for (bool more = !reader.accept('}'); more; more = reader.another('}', "the header")) {
    const std::size_t position = reader.position();
    const std::string name = reader.string("name of a tensor");
    reader.expect(':', "what follows a name");
    if (!names.insert(name).second)
      throw FormatError(source, position, "name", detail::shown(name) + " twice", "each name once");
    if (name == "__metadata__")
      file.metadata = detail::text_entries(reader);
    else
      entries.push_back(detail::tensor_entry(reader, name));
  }
  reader.expect_end("what follows the header's JSON", " ");

  const std::size_t start = 8 + std::size_t(length);
  detail::require_cover(source, entries, bytes.size() - start);
  for (detail::TensorEntry& entry : entries) {
    entry.tensor.bytes.assign(data + start + entry.begin, data + start + entry.end);
    file.tensors.push_back(std::move(entry.tensor));
  }
  return file;
}

/// The tensors of a file, see parse_safetensors().
///
/// \throws FileError when it cannot be read; as parse_safetensors().
[[nodiscard]] inline TensorFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(detail::read_text("read_safetensors", path), "read_safetensors: " + path.string());
}

namespace detail {

/// What format and readers need of a file to be written.
inline void require_writable(const TensorFile& file) {
  const auto require_text = [](const std::string& what, const std::string& text) {
    if (!is_utf8(text)) throw ArgumentError("write_safetensors: " + what, shown(text), "text in UTF-8");
  };
  std::set<std::string_view> names;
  for (const Tensor& tensor : file.tensors) {
    require_text("name of a tensor", tensor.name);
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second)
      throw ArgumentError("write_safetensors: name of a tensor", shown(tensor.name),
                          "a name that no other tensor has, and not __metadata__");
    if (byte_count(tensor.type, tensor.shape) != tensor.bytes.size())
      throw ArgumentError("write_safetensors: tensor " + shown(tensor.name),
                          std::to_string(tensor.bytes.size()) + " bytes",
                          "as many as shape " + shape_text(tensor.shape) + " and type " +
                              std::string(type_name(tensor.type)) + " need");
  }
  for (const auto& [key, value] : file.metadata) {
    require_text("key of the metadata", key);
    require_text("value of the metadata", value);
  }
}

/// The order of the tensors' data: the larger numbers first, so that each is aligned in the file, as readers need that
/// map it into memory.
[[nodiscard]] inline std::vector<std::size_t> data_order(const std::vector<Tensor>& tensors) {
  std::vector<std::size_t> order;
  for (const std::size_t size : {8U, 4U, 2U, 1U})
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (type_size(tensors[i].type) == size) order.push_back(i);
  return order;
}

/// The header's JSON, with the spaces that make its length a multiple of 8.
[[nodiscard]] inline std::string safetensors_header(const TensorFile& file, const std::vector<std::size_t>& order) {
  std::vector<std::size_t> begin(file.tensors.size());
  std::size_t size = 0;
  for (const std::size_t i : order) {
    begin[i] = size;
    size += file.tensors[i].bytes.size();
  }
  std::string header = "{";
  if (!file.metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : file.metadata)
      header += (header.back() == '{' ? "" : ",") + json_string(key) + ':' + json_string(value);
    header += '}';
  }
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const Tensor& tensor = file.tensors[i];
    std::string shape;
    for (const std::int64_t side : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(side);
    header += (header.size() == 1 ? "" : ",") + json_string(tensor.name) + ":{\"dtype\":\"" +
              std::string(type_name(tensor.type)) + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(begin[i]) + ',' + std::to_string(begin[i] + tensor.bytes.size()) + "]}";
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > longest_safetensors_header)
    throw ArgumentError("write_safetensors: header", std::to_string(header.size()) + " bytes",
                        "at most 100000000; put less into the metadata");
  return header;
}

}  // namespace detail

/// Writes the bytes of such a file: header entries in the order of the tensors, each tensor's data aligned to its type.
///
/// \throws ArgumentError for two tensors of one name, text that is not UTF-8, or bytes that do not fit their shape.
inline void write_safetensors(std::ostream& out, const TensorFile& file) {
  detail::require_writable(file);
  const std::vector<std::size_t> order = detail::data_order(file.tensors);
  const std::string header = detail::safetensors_header(file, order);
  std::array<std::byte, 8> length{};
  detail::store_number(std::uint64_t(header.size()), length.data());
  const auto write = [&](const std::byte* bytes, std::size_t size) {
    out.write(reinterpret_cast<const char*>(bytes), std::streamsize(size));
  };
  write(length.data(), length.size());
  out << header;
  for (const std::size_t i : order) write(file.tensors[i].bytes.data(), file.tensors[i].bytes.size());
}

/// Writes a file that parse_safetensors() reads; see replace_file() for what happens if that fails.
///
/// \throws FileError when the file cannot be written. The old file is then as it was. As above.
inline void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  replace_file("write_safetensors", path, [&](std::ostream& out) { write_safetensors(out, file); });
}

}  // namespace pathline::io
