/// \file
/// Files of tensors: what is written is read back as the same bytes, files of Python's library are read, and whatever
/// breaks the format's rules is refused with its byte.
#include <pathline/io/safetensors.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/format/json_reader.hpp>
#include <pathline/io/format_error.hpp>
#include <pathline/io/tensor.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pathline;
using namespace std::string_literals;
using io::parse_safetensors;
using io::Tensor;
using io::TensorFile;
using io::TensorType;

/// A file with this header and as many zeros for data.
std::string file_of(const std::string& header, std::size_t data = 0) {
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  return length + header + std::string(data, '\0');
}

std::string bytes_of(const TensorFile& file) {
  std::ostringstream out;
  io::write_safetensors(out, file);
  return out.str();
}

TensorFile some_tensors() {
  TensorFile file;
  for (const io::detail::TensorTypeEntry& entry : io::detail::tensor_types) {
    Tensor tensor{std::string(entry.name), entry.type, {2, 3}, {}};
    for (std::size_t i = 0; i < 6 * entry.size; ++i) tensor.bytes.push_back(std::byte(i + 1));
    file.tensors.push_back(tensor);
  }
  file.tensors.push_back({"one number", TensorType::i64, {}, std::vector<std::byte>(8, std::byte{7})});
  file.tensors.push_back({"nothing", TensorType::f32, {3, 0, 2}, {}});
  file.tensors.push_back({"", TensorType::u8, {1}, {std::byte{9}}});
  file.metadata = {{"format", "pt"}, {"quotes \" and \\", "line\nend\x01"}, {"", "é 語 😀"}};
  return file;
}

TEST_CASE("safetensors: what is written is read back", "[io][safetensors]") {
  const TensorFile file = some_tensors();
  const std::string bytes = bytes_of(file);
  const TensorFile again = parse_safetensors(bytes);
  CHECK(again.metadata == file.metadata);
  REQUIRE(again.tensors.size() == file.tensors.size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    INFO(file.tensors[i].name);
    CHECK(again.tensors[i].name == file.tensors[i].name);
    CHECK(again.tensors[i].type == file.tensors[i].type);
    CHECK(again.tensors[i].shape == file.tensors[i].shape);
    CHECK(again.tensors[i].bytes == file.tensors[i].bytes);
    CHECK(again.find(file.tensors[i].name) == &again.tensors[i]);
  }
  CHECK(again.find("none") == nullptr);
  CHECK(bytes_of(again) == bytes);
  CHECK(parse_safetensors(bytes_of({})).tensors.empty());
}

TEST_CASE("safetensors: the bytes are those of Python's library", "[io][safetensors]") {
  // save_file({"x": float32 [1, 2]}): its header needs 5 spaces for the data to begin at a multiple of 8.
  const std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"s;
  REQUIRE(header.size() == 54);
  CHECK(bytes_of({.tensors = {io::tensor_of("x", std::vector<float>{1, 2})}, .metadata = {}}) ==
        file_of(header + "  ") + "\x00\x00\x80\x3F\x00\x00\x00\x40"s);
}

TEST_CASE("read_safetensors: a file of Python's library", "[io][safetensors]") {
  const TensorFile file = io::read_safetensors(test_data("python/numpy.safetensors"));
  REQUIRE(file.tensors.size() == 6);
  Batch<double> weight(3, 2);
  weight << 1, 2, 3, 4, 5, 6;
  CHECK(io::matrix_of<double>(*file.find("layer.weight"), 3, 2) == weight);
  CHECK(io::values_of<double>(*file.find("layer.bias")) == std::vector<double>{0.1, -0.2});
  CHECK(io::values_of<float>(*file.find("half")) == std::vector<float>{1.5F});
  CHECK(io::value_of<int>(*file.find("steps")) == 7);
  CHECK(io::values_of<int>(*file.find("truth")) == std::vector<int>{1, 0});
  CHECK(file.find("é")->shape == std::vector<std::int64_t>{0, 3});
  CHECK(file.metadata.at("quote") == "\"é\"");
}

TEST_CASE("safetensors: each tensor's data begin at a multiple of its numbers' size", "[io][safetensors]") {
  const TensorFile file{
      .tensors = {io::tensor_of("a", std::vector<std::uint8_t>{1}), io::tensor_of("b", 1.0), io::tensor_of("c", 1.0F)},
      .metadata = {}};
  const std::string bytes = bytes_of(file);
  // The header keeps the order of the tensors.
  CHECK(bytes.find(R"("a":{"dtype":"U8","shape":[1],"data_offsets":[12,13]},"b")") != std::string::npos);
  CHECK(bytes.find(R"("b":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"c")") != std::string::npos);
  CHECK((bytes.size() - 13) % 8 == 0);
}

TEST_CASE("safetensors: whatever JSON allows in names is read", "[io][safetensors]") {
  const TensorFile file = parse_safetensors(
      file_of("{ \"\\u0041\\n\\/\\\"\\\\\\b\\f\\r\\t\\u00e9\\u8A9E\\ud83D\\uDE00é\" :\r\n\t{ \"shape\" : [ 0 , 7 ] , "
              "\"data_offsets\":[0,0],\"dtype\":\"F64\" } , \"__metadata__\": { } }   "));
  REQUIRE(file.tensors.size() == 1);
  CHECK(file.tensors[0].name == "A\n/\"\\\b\f\r\té語😀é");
  CHECK(file.tensors[0].shape == std::vector<std::int64_t>{0, 7});
}

TEST_CASE("safetensors: what breaks the format is refused, with the byte", "[io][safetensors][errors]") {
  const auto refusal = [](const std::string& bytes) {
    try {
      (void)parse_safetensors(bytes, "f");
      return "nothing"s;
    } catch (const FormatError& error) {
      CHECK(error.offset <= bytes.size());
      CHECK_FALSE(error.got.empty());
      CHECK_FALSE(error.expected.empty());
      return std::string(error.what());
    }
  };
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
  };
  const std::string good = entry("F32", "[2]", "[0,8]");
  REQUIRE(refusal(file_of("{\"x\":{" + good + "}", 8)) == "nothing");

  // Each with its data's size, and what the message has in it.
  struct Case {
    std::string header;
    std::size_t data;
    std::string expected;
  };
  for (const Case& wrong : std::vector<Case>{
           {"[]", 0, "byte 8: start of the header is \"[]\", expected \"{\""},
           {" {}", 0, "byte 8: start of the header is \" {}\""},
           {"{}}", 0, "byte 10: what follows the header's JSON is \"}\""},
           {"{}\n", 0, "what follows"},
           {"{,}", 0, "name of a tensor is \",}\""},
           {"{\"x\":{" + good + ",}", 8, "name of a tensor"},
           {"{\"x\":{" + good, 8, "the header is its end, expected \",\" or \"}\""},
           {"{\"x\"", 0, "what follows a name is its end, expected \":\""},
           {"{\"x", 0, "cut off"},
           {"{\"x\":1}", 0, "tensor \"x\" is \"1}\", expected \"{\""},
           {"{\"x\":{}}", 0, "a key of a tensor"},
           {"{\"x\":{\"dtype\":\"F32\"}}", 0, "without shape"},
           {"{\"x\":{\"shape\":[]}}", 0, "without dtype"},
           {"{\"x\":{\"shape\":[],\"dtype\":\"F32\"}}", 0, "without data_offsets"},
           {"{\"x\":{\"dtype\":\"F32\"," + good + "}", 8, "key is \"dtype\" twice"},
           {"{\"x\":{\"more\":1," + good + "}", 8, "key of tensor \"x\" is \"more\""},
           {"{\"x\":{" + good + ",\"x\":{" + good + "}", 8, "name is \"x\" twice"},
           {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"},
           {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "key of __metadata__ is \"a\" twice"},
           {"{\"__metadata__\":{\"a\":1}}", 0, "a value of __metadata__ is \"1}}\""},
           {"{\"__metadata__\":{\"a\":{}}}", 0, "a value of __metadata__"},
           {"{\"__metadata__\":null}", 0, "__metadata__ is \"null}\""},
           {"{\"x\":{" + entry("F31", "[2]", "[0,8]") + "}", 8, "dtype is \"F31\", expected one of F64, F32"},
           {"{\"x\":{" + entry("F32", "[-2]", "[0,8]") + "}", 8, "shape is \"-2],"},
           {"{\"x\":{" + entry("F32", "[2.0]", "[0,8]") + "}", 8, "shape is \"2.0],"},
           {"{\"x\":{" + entry("F32", "[2e0]", "[0,8]") + "}", 8, "shape is \"2e0],"},
           {"{\"x\":{" + entry("F32", "[02]", "[0,8]") + "}", 8, "shape is \"02],"},
           {"{\"x\":{" + entry("F32", "[9223372036854775808]", "[0,8]") + "}", 8, "shape is \"9223372036854775808]"},
           {"{\"x\":{" + entry("F32", "[2,]", "[0,8]") + "}", 8, "shape is \"],"},
           {"{\"x\":{" + entry("F32", "[[2]]", "[0,8]") + "}", 8, "shape is \"[2]]"},
           {"{\"x\":{" + entry("F32", "2", "[0,8]") + "}", 8, "shape is \"2,"},
           {"{\"x\":{" + entry("F32", "[2]", "[0]") + "}", 8, "data_offsets is [0]"},
           {"{\"x\":{" + entry("F32", "[2]", "[0,8,8]") + "}", 8, "data_offsets is [0, 8, 8]"},
           {"{\"x\":{" + entry("F32", "[2]", "[8,0]") + "}", 8, "data_offsets is [8, 0]"},
           {"{\"x\":{" + entry("F32", "[3]", "[0,8]") + "}", 8, "is 8 bytes of data, expected 12 bytes"},
           {"{\"x\":{" + entry("F64", "[2]", "[0,8]") + "}", 8, "expected 16 bytes for F64 of shape [2]"},
           // 2⁶¹ · 8 is 0 in 64 bits, and so is 2³² · 2³² · 0 bytes too many.
           {"{\"x\":{" + entry("F64", "[2305843009213693952]", "[0,0]") + "}", 0, "fewer than 2^63 bytes"},
           {"{\"x\":{" + entry("F64", "[4294967296,4294967296,0]", "[0,0]") + "}", 0, "fewer than 2^63 bytes"},
           {"{\"x\":{" + entry("F32", "[2]", "[4,12]") + "}", 12, "from byte 4 of the data on, expected byte 0"},
           {"{\"x\":{" + good + ",\"y\":{" + entry("F32", "[2]", "[4,12]") + "}", 12, "overlap"},
           {"{\"x\":{" + good + ",\"y\":{" + good + "}", 8, "overlap"},
           {"{\"x\":{" + good + ",\"y\":{" + entry("F32", "[1]", "[12,16]") + "}", 16, "holes"},
           {"{\"x\":{" + good + "}", 7, "data of all tensors is 8 bytes, expected 7"},
           {"{\"x\":{" + good + "}", 9, "data of all tensors is 8 bytes, expected 9"},
           {"{}", 1, "data of all tensors is 0 bytes, expected 1"},
           {"{\"\\ud83d\":{" + good + "}", 8, "half of a surrogate pair"},
           {"{\"\\ude00\\ud83d\":{" + good + "}", 8, "half of a surrogate pair"},
           {"{\"\\ud83d\\u0041\":{" + good + "}", 8, "half of a surrogate pair"},
           {"{\"\\u12g4\":{" + good + "}", 8, "four hexadecimal digits"},
           {"{\"\\x41\":{" + good + "}", 8, "wrong escape"},
           {"{\"a\nb\":{" + good + "}", 8, "control character"},
           {"{\"a\0b\":{"s + good + "}", 8, "control character"},
           {"{\"\xC0\x80\":{" + good + "}", 8, "not UTF-8"},
           {"{\"\xE0\x80\x80\":{" + good + "}", 8, "not UTF-8"},
           {"{\"\xED\xA0\x80\":{" + good + "}", 8, "not UTF-8"},
           {"{\"\xF4\x90\x80\x80\":{" + good + "}", 8, "not UTF-8"},
           {"{\"\xF5\x80\x80\x80\":{" + good + "}", 8, "not UTF-8"},
           {"{\"\x80\":{" + good + "}", 8, "not UTF-8"},
           {"{\"\xE2\x82\":{" + good + "}", 8, "not UTF-8"}}) {
    INFO(wrong.header);
    CHECK_THAT(refusal(file_of(wrong.header, wrong.data)), ContainsSubstring(wrong.expected));
  }
  CHECK_THAT(refusal(""), ContainsSubstring("f, byte 0: size of the file is 0 bytes"));
  CHECK_THAT(refusal(file_of("{}").substr(0, 9)), ContainsSubstring("length of the header is 2 bytes"));
  for (const char last : {'\x00', '\x7F', '\xFF'})
    CHECK_THAT(refusal("\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s + last + "{}"), ContainsSubstring("length of the header"));
  // The format's limit, although the file has the bytes.
  CHECK_THAT(refusal(file_of("{" + std::string(100'000'000, ' ') + "}")), ContainsSubstring("at most 100000000"));
}

TEST_CASE("safetensors: no file that is cut off is read, and no changed byte does harm", "[io][safetensors][errors]") {
  TensorFile file{.tensors = {io::tensor_of("a", std::vector<float>{1, 2}), io::tensor_of("\u00e9", 3)},
                  .metadata = {{"k", "v"}}};
  const std::string bytes = bytes_of(file);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_THROWS_AS(parse_safetensors(bytes.substr(0, size)), FormatError);
  CHECK_THROWS_AS(parse_safetensors(bytes + '\0'), FormatError);
  int read = 0, refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const char change : {'\x01', '\x02', '\x10', '\x80'}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      try {
        read += parse_safetensors(changed).tensors.size() == 2 ? 1 : 0;
      } catch (const FormatError&) {
        ++refused;
      }
    }
  // The 12 bytes of numbers may be any, and most letters of a name.
  CHECK(read >= 4 * 12);
  CHECK(refused > 400);
}

TEST_CASE("write_safetensors: what could not be read is refused, and the old file stays", "[io][safetensors][errors]") {
  const Folder folder;
  const auto path = folder.path / "w.safetensors";
  const TensorFile good{.tensors = {io::tensor_of("x", 1.0)}, .metadata = {{"k", "v"}}};
  io::write_safetensors(path, good);
  const std::string old = folder.text("w.safetensors");
  CHECK(old == bytes_of(good));
  CHECK(io::value_of<double>(*io::read_safetensors(path).find("x")) == 1);

  std::vector<std::pair<TensorFile, std::string>> wrong(6, {good, ""});
  wrong[0].first.tensors.push_back(good.tensors[0]);
  wrong[0].second = "name of a tensor is \"x\"";
  wrong[1].first.tensors[0].name = "__metadata__";
  wrong[1].second = "name of a tensor is \"__metadata__\"";
  wrong[2].first.tensors[0].name = "\xFF";
  wrong[2].second = "expected text in UTF-8";
  wrong[3].first.metadata["\xFF"] = "";
  wrong[3].second = "key of the metadata";
  wrong[4].first.metadata["k"] = "\xFF";
  wrong[4].second = "value of the metadata";
  wrong[5].first.tensors[0].bytes.pop_back();
  wrong[5].second = "is 7 bytes, expected as many as shape [] and type F64 need";
  for (const auto& [file, expected] : wrong) {
    CHECK_THROWS_AS(io::write_safetensors(path, file), ArgumentError);
    CHECK_THROWS_WITH(io::write_safetensors(path, file), ContainsSubstring(expected));
    CHECK(folder.text("w.safetensors") == old);
  }
  CHECK(folder.files() == 1);
  CHECK_THROWS_WITH(io::read_safetensors(folder.path / "none"),
                    ContainsSubstring("read_safetensors: cannot read " + (folder.path / "none").string()));
  CHECK_THROWS_AS(io::read_safetensors(folder.path), FileError);
}

}  // namespace
