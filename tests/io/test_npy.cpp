/// \file
/// numpy's arrays: files that numpy wrote are read, whatever is no table of numbers is refused with its byte, and what
/// is written reads back as the same bits.
#include <pathline/io/npy.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/format/npy_header.hpp>
#include <pathline/io/format_error.hpp>
#include <pathline/io/mapped_npy.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>
#include <support/posix.hpp>

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pathline;
using namespace std::string_literals;
using io::parse_npy_table;

Batch<double> one_to_six() {
  Batch<double> X(2, 3);  // a column per row of the array
  X << 1, 3, 5, 2, 4, 6;
  return X;
}

/// A file of version 1.0 with this dictionary.
std::string file_of(const std::string& dictionary, const std::string& data = "") {
  return "\x93NUMPY\x01\0"s + static_cast<char>(dictionary.size()) + '\0' + dictionary + data;
}

template <class Scalar>
std::string bytes_of(const Batch<Scalar>& X) {
  std::ostringstream out;
  io::write_npy(out, X);
  return out.str();
}

TEST_CASE("read_npy: files of numpy are read, whatever their type and order", "[io][npy]") {
  const std::string name =
      GENERATE("f8", "f4_fortran", "f2", "f8_big_endian", "i4_big_endian_fortran", "i8_version_2", "u1_version_3");
  INFO(name);
  const auto path = test_data("python/" + name + ".npy");
  CHECK(io::read_npy<double>(path) == one_to_six());
  CHECK(io::read_npy<float>(path) == one_to_six().cast<float>());
  const io::MappedNpy<float> mapped(path);
  CHECK(mapped.dim() == 2);
  CHECK(mapped.size() == 3);
  CHECK(mapped.samples(0, 3) == one_to_six().cast<float>());
  CHECK(mapped.samples(2, 1) == one_to_six().cast<float>().col(2));
  const std::vector<Index> numbers{2, 0, 2};
  CHECK(mapped.samples(numbers).col(2) == one_to_six().cast<float>().col(2));
  CHECK(mapped.samples(numbers).col(1) == one_to_six().cast<float>().col(0));
  const auto as_it_lies = io::MappedNpy<double>(path).view();
  CHECK(as_it_lies.has_value() == (name == "f8"));
  CHECK_THROWS_WITH(mapped.samples(1, 3), ContainsSubstring("samples is the 3 from 1 on, expected some of the 3"));
  CHECK_THROWS_AS(mapped.samples(-1, 1), ArgumentError);
  CHECK_THROWS_AS(mapped.samples(std::numeric_limits<Index>::max(), 2), ArgumentError);
  CHECK_THROWS_WITH(mapped.samples(std::vector<Index>{3}), ContainsSubstring("is 3, expected one from 0 to 2"));
}

TEST_CASE("read_npy: one dimension is one number per sample, truth is 0 and 1", "[io][npy]") {
  CHECK(io::read_npy<double>(test_data("python/u8_one_dimension.npy")) == Row<double>(Row<double>::LinSpaced(6, 1, 6)));
  Batch<double> second(2, 3);
  second << 0, 0, 0, 1, 1, 1;
  CHECK(io::read_npy<double>(test_data("python/truth.npy")) == second);
}

TEST_CASE("read_npy: columns by number, rows without NaN", "[io][npy]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Batch<double> X(3, 3);
  X << 1, 2, 3, nan, 5, 6, 7, 8, 9;
  // As write_npy refuses a NaN, its bytes are put in the place of the 4.
  Batch<double> finite = X;
  finite(1, 0) = 4;
  std::string bytes = bytes_of(finite);
  bytes.replace(bytes.size() - 8 * 8, 8, "\0\0\0\0\0\0\xF8\x7F"s);
  CHECK_THROWS_WITH(parse_npy_table<double>(bytes),
                    ContainsSubstring("parse_npy: number 2 of row 1 is nan, expected a finite number"));
  const auto some = parse_npy_table<double>(bytes, {.columns = {"3", "#1"}});
  CHECK(some.data.row(0) == X.row(2));
  CHECK(some.data.row(1) == X.row(0));
  CHECK(some.names == std::vector<std::string>{"column 3", "column 1"});
  const auto rest = parse_npy_table<double>(bytes, {.skip_missing = true});
  CHECK(rest.data == X.rightCols(2));
  CHECK(rest.skipped == 1);
  CHECK_FALSE(rest.has_header);
  CHECK_THROWS_WITH(parse_npy_table<double>(bytes, {.columns = {"4"}}),
                    ContainsSubstring("column is \"4\", expected a number from 1 to 3"));
  CHECK_THROWS_AS(parse_npy_table<double>(bytes, {.columns = {"1", "#1"}}), ArgumentError);
  CHECK_THROWS_WITH(parse_npy_table<double>(bytes, {.separator = ';'}), ContainsSubstring("separator is set"));
  CHECK_THROWS_AS(parse_npy_table<double>(bytes, {.header = io::CsvHeader::present}), ArgumentError);
  CHECK_THROWS_AS(parse_npy_table<double>(bytes, {.decimal = ','}), ArgumentError);
}

TEST_CASE("read_npy: what float or double cannot hold is refused", "[io][npy][errors]") {
  Batch<double> X(1, 2);
  X << 1e300, 1;
  CHECK(parse_npy_table<double>(bytes_of(X)).data == X);
  CHECK_THROWS_WITH(parse_npy_table<float>(bytes_of(X)),
                    ContainsSubstring("number 1 of row 1 is 1e+300, expected a number that float holds"));
  X << 1700000000, 1700000001;  // in float both are 1700000000
  CHECK_THROWS_WITH(parse_npy_table<float>(bytes_of(X)), ContainsSubstring("keeps 1 of 2 different numbers in float"));
  const std::string header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}";
  CHECK_THROWS_WITH(parse_npy_table<double>(file_of(header, "\x01\0\0\0\0\0\x20\0"s)),
                    ContainsSubstring("is 9007199254740993, expected a whole number that double holds"));
  CHECK(parse_npy_table<double>(file_of(header, "\0\0\0\0\0\0\x20\0"s)).data(0, 0) == 9007199254740992.0);
}

TEST_CASE("read_npy: numpy's other arrays are refused", "[io][npy][errors]") {
  const auto refusal = [](const std::string& name) {
    try {
      return std::to_string(io::read_npy<double>(test_data("python/" + name + ".npy")).size());
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
  };
  CHECK_THAT(refusal("three_dimensions"), ContainsSubstring("shape is [1, 2, 3], expected [n, d]"));
  CHECK_THAT(refusal("complex"), ContainsSubstring("descr is \"<c16\", expected <, >, = or | and then f2"));
  CHECK_THAT(refusal("structured"), ContainsSubstring("descr is a list, as of a structured array"));
  CHECK_THAT(refusal("text"), ContainsSubstring("descr is \"<U1\""));
  CHECK_THAT(refusal("objects"), ContainsSubstring("descr is \"|O\""));
  CHECK_THROWS_AS(io::read_npy<double>(test_data("python/none.npy")), FileError);
  CHECK_THROWS_AS(io::MappedNpy<double>(test_data("python/none.npy")), FileError);
}

TEST_CASE("read_npy: what breaks the format is refused, with the byte", "[io][npy][errors]") {
  const auto refusal = [](const std::string& bytes) {
    try {
      (void)parse_npy_table<double>(bytes, {}, "f");
      return "nothing"s;
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const std::string eight(8, '\0'), good = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }  \n";
  REQUIRE(refusal(file_of(good, eight)) == "nothing");
  REQUIRE(refusal(file_of("{\"shape\":(1),\"descr\":\"=f8\",\"fortran_order\":True}", eight)) == "nothing");
  for (const auto& [header, expected] : std::vector<std::pair<std::string, std::string>>{
           {"", "the header is its end"},
           {"{}", "without descr"},
           {"{'descr': '<f8'}", "without fortran_order"},
           {"{'descr': '<f8', 'fortran_order': True}", "without shape"},
           {"{'descr': '<f8', 'descr': '<f8'}", "key is \"descr\", expected descr, fortran_order and shape, each once"},
           {"{'more': 1, 'descr': '<f8'}", "key is \"more\""},
           {"{'descr': 'f8'}", "descr is \"f8\""},
           {"{'descr': '|f8'}", "descr is \"|f8\""},
           {"{'descr': ''}", "descr is \"\""},
           {"{'descr': '<f8}", "a string that ends in its quote"},
           {"{'descr': '<\\x66'}", "a string that ends in its quote"},
           {"{'descr': 8}", "descr is \"8}\""},
           {"{'descr': '<f8' 'fortran_order'", "expected \",\" or \"}\""},
           {"{'fortran_order': 1}", "expected True or False"},
           {"{'shape': [1]}", "shape is \"[1]}\""},
           {"{'shape': (-1,)}", "shape is \"-1,)}\""},
           {"{'shape': (1L,)}", "shape is \"L,)}\""},
           {"{'descr': '<f8', 'fortran_order': False, 'shape': ()}", "shape is [], expected [n, d]"},
           {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "8 bytes, expected 16 for shape [2]"},
           {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 8)}", "expected too many"},
           {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "expected too many"},
           {good + "x", "what follows the header's dictionary is \"x\""}}) {
    INFO(header);
    CHECK_THAT(refusal(file_of(header, eight)), ContainsSubstring("f, byte "));
    CHECK_THAT(refusal(file_of(header, eight)), ContainsSubstring(expected));
  }
  CHECK(refusal(file_of("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3)}")) ==
        "f has shape [0, 3], expected at least one row of numbers");
  CHECK_THAT(refusal("PK\x03\x04"), ContainsSubstring("f, byte 0: start of the file is \"PK"));
  for (const std::string& version : {"\x00\x00"s, "\x01\x01"s, "\x04\x00"s, ""s})
    CHECK_THAT(refusal("\x93NUMPY" + version), ContainsSubstring("f, byte 6: version is "));
  CHECK_THAT(refusal("\x93NUMPY\x02\0\xFF\xFF\xFF\xFF{}"s), ContainsSubstring("header is 4294967295 bytes"));

  const std::string bytes = bytes_of(one_to_six());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_THROWS_AS(parse_npy_table<double>(bytes.substr(0, size)), FormatError);
  CHECK_THROWS_AS(parse_npy_table<double>(bytes + '\0'), FormatError);
}

TEMPLATE_TEST_CASE("write_npy: read_npy gives the same bits back", "[io][npy]", float, double) {
  const Folder folder;
  const auto path = folder.path / "x.npy";
  const Batch<TestType> X = Batch<TestType>::Random(3, 50) * TestType(1e-3);
  io::write_npy(path, X);
  CHECK(io::read_npy<TestType>(path) == X);
  CHECK(io::MappedNpy<TestType>(path).view().value() == X);
  io::write_npy(path, X.topRows(2).rightCols(7));
  CHECK(io::read_npy<TestType>(path) == X.topRows(2).rightCols(7));
  const std::string old = folder.text("x.npy");
  CHECK_THROWS_AS(io::write_npy(path, X / TestType(0)), DataError);
  CHECK_THROWS_AS(io::write_npy(path, Batch<TestType>(2, 0)), DataError);
  CHECK(folder.text("x.npy") == old);
  CHECK(folder.files() == 1);
}

TEST_CASE("write_npy: the bytes are those of numpy", "[io][npy]") {
  CHECK(bytes_of(one_to_six()) == Folder::text_of(test_data("python/f8.npy")));
  // The header's length stays a multiple of 64, as its end comes near one.
  for (Index n = 1; n < 2'000'000'000'000; n *= 10) CHECK(io::detail::npy_header("<f8", n, n).size() % 64 == 0);
}

TEST_CASE("MappedNpy: a NaN stays one, a number that float does not hold is named", "[io][npy]") {
  const Folder folder;
  Batch<double> X(1, 2);
  X << 1, 1e300;
  io::write_npy(folder.path / "x.npy", X);
  const io::MappedNpy<float> mapped(folder.path / "x.npy");
  CHECK(mapped.samples(0, 1)(0, 0) == 1);
  CHECK_THROWS_WITH(mapped.samples(0, 2), ContainsSubstring("number 0 of sample 1 is 1e+300"));
  const auto nan =
      folder.write("nan.npy", file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "\0\0\xC0\x7F"s));
  io::MappedNpy<double> moved = io::MappedNpy<double>(nan);
  moved = io::MappedNpy<double>(nan);
  CHECK(std::isnan(moved.samples(0, 1)(0, 0)));
}

#if defined(__unix__) || defined(__APPLE__)
TEST_CASE("read_npy: a pipe is opened once, so that its writer is not cut off", "[io][npy]") {
  const Folder folder;
  const std::string pipe = (folder.path / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string write = "cat '" + test_data("python/f8.npy").string() + "' > '" + pipe + "' &";
  for (int i = 0; i < 50; ++i) {  // opened twice, about every fifth time was one to wait for ever
    REQUIRE(std::system(write.c_str()) == 0);
    CHECK(io::read_npy<double>(pipe) == one_to_six());
  }
}
#endif

}  // namespace
