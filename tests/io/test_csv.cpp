/// \file
/// Tables in text files: what is read, what is refused with which words, and what is written reads back as the same
/// bits.
#include <pathline/io/csv.hpp>

#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/write_csv.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <locale>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace pathline;
using io::CsvHeader;
using io::CsvOptions;
using io::parse_csv_table;
namespace fs = std::filesystem;

Batch<double> numbers(const std::string& text, const CsvOptions& options = {}) {
  return parse_csv_table<double>(text, options).data;
}

Batch<double> one_to_six() {
  Batch<double> X(2, 3);  // a column per row of the file
  X << 1, 3, 5, 2, 4, 6;
  return X;
}

TEST_CASE("read_csv: a row of the file becomes a column of the batch", "[io][csv]") {
  const Folder folder;
  const fs::path path = folder.write("a.csv", "x,y\n1,2\n3,4\n5,6\n");
  CHECK(io::read_csv<double>(path) == one_to_six());
  CHECK(io::read_csv<float>(path) == one_to_six().cast<float>());
  const io::Table<double> table = io::read_csv_table<double>(path);
  CHECK(table.names == std::vector<std::string>{"x", "y"});
  CHECK(table.data == one_to_six());
}

TEST_CASE("read_csv: spreadsheets' habits are read as the plain text is", "[io][csv]") {
  const std::string text = GENERATE(  //
      "x,y\r\n1,2\r\n3,4\r\n5,6\r\n", "x,y\r1,2\r3,4\r5,6\r", "x,y\n1,2\n3,4\n5,6", "\xEF\xBB\xBFx,y\n1,2\n3,4\n5,6\n",
      "x,y\n1,2\n3,4\n5,6\n\n \t\n\r\n", " x , y \n 1,2 \n\t3 ,\t4\n5,6 ", "\"x\",\"y\"\n\"1\",\"2\"\n3, \"4\" \n5,6\n",
      "x,y\n+1,2.0\n3e0,.4e1\n0.5E+1,6.\n");
  CHECK(numbers(text) == one_to_six());
  CHECK(parse_csv_table<double>(text).names == std::vector<std::string>{"x", "y"});
}

TEST_CASE("read_csv: the first line is a header when a name stands above a number and none beside it", "[io][csv]") {
  CHECK(numbers("1,2\n3,4\n5,6\n") == one_to_six());
  CHECK(parse_csv_table<double>("1,2\n3,4\n").names == std::vector<std::string>{"column 1", "column 2"});
  CHECK(parse_csv_table<double>(",y\n3,4\n").names == std::vector<std::string>{"column 1", "y"});
  CHECK_THROWS_AS(parse_csv_table<double>("2019,y\n3,4\n"), DataError);  // names, or a number and a mistake
  const CsvOptions names{.header = CsvHeader::present};
  CHECK(parse_csv_table<double>("2019,y\n3,4\n", names).names == std::vector<std::string>{"2019", "y"});
  CHECK(parse_csv_table<double>("x,y\n3,4\n").has_header);
  CHECK_FALSE(parse_csv_table<double>("1,2\n3,4\n").has_header);
  // A missing number is no name: the line must not vanish as a header.
  CHECK_THROWS_WITH(numbers("1,,3\n4,5,6\n"), ContainsSubstring("line 1, column \"column 2\" is empty"));
  CHECK_THROWS_WITH(numbers("1,nan\n2,3\n"), ContainsSubstring("line 1, column \"column 2\" is \"nan\""));
  CHECK(numbers("2019,2020\n1,2\n3,4\n5,6\n", {.header = CsvHeader::present}) == one_to_six());
  CHECK(numbers("a,1,2\nb,3,4\nc,5,6\n", {.columns = {"2", "3"}, .header = CsvHeader::absent}) == one_to_six());
}

TEST_CASE("read_csv: quoted cells hold separators, quotes and line ends", "[io][csv]") {
  const auto table =
      parse_csv_table<double>("\"a,b\",\"say \"\"x\"\"\",\"two\r\nlines\"\n1,2,3\nx,2,3\n", {.columns = {"2", "3"}});
  CHECK(table.names == std::vector<std::string>{"say \"x\"", "two\r\nlines"});
  CHECK(table.data.cols() == 2);
  // The second row of data stands on line 4: the header took two.
  CHECK_THROWS_WITH(numbers("\"two\nlines\",b\n1,2\nx,2\n"), ContainsSubstring("line 4, column"));
}

TEST_CASE("read_csv: columns are chosen by name or number, in the order asked for", "[io][csv]") {
  const std::string text = "id,x,2,y\nA,1,9,2\nB,3,9,4\nC,5,9,6\n";  // text in a column that nobody chose
  CHECK(numbers(text, {.columns = {"x", "y"}}) == one_to_six());
  CHECK(numbers(text, {.columns = {"#2", "#4"}, .header = CsvHeader::present}) == one_to_six());
  CHECK(numbers(text, {.columns = {"y", "x"}}) == one_to_six().colwise().reverse());
  CHECK(numbers("1,0,2\n3,0,4\n5,0,6\n", {.columns = {"1", "3"}}) == one_to_six());
  CHECK(parse_csv_table<double>(text, {.columns = {"4"}, .header = CsvHeader::present}).names ==
        std::vector<std::string>{"y"});
}

TEST_CASE("read_csv: an unknown column lists those that are there", "[io][csv][errors]") {
  CHECK_THROWS_AS(numbers("x,y\n1,2\n", {.columns = {"z"}}), ArgumentError);
  CHECK_THROWS_WITH(numbers("x,y\n1,2\n", {.columns = {"x", "z"}}),
                    "parse_csv: column is \"z\", expected one of \"x\", \"y\", or a number from 1 to 2");
  CHECK_THROWS_WITH(numbers("1,2\n", {.columns = {"z"}}), "parse_csv: column is \"z\", expected a number from 1 to 2");
  for (const char* wrong : {"0", "3", "-1", "+1", "1.0", "", "4294967297", "18446744073709551617"})
    CHECK_THROWS_AS(numbers("x,y\n1,2\n", {.columns = {wrong}}), ArgumentError);
  CHECK_THROWS_WITH(numbers("x,x\n1,2\n", {.columns = {"x"}}), ContainsSubstring("say its number instead"));
  CHECK(numbers("x,x\n1,2\n", {.columns = {"2"}})(0, 0) == 2);
}

TEST_CASE("read_csv: other separators", "[io][csv]") {
  CHECK(numbers("x;y\n1;2\n3;4\n5;6\n", {.separator = ';'}) == one_to_six());
  CHECK(numbers("x\ty\n1\t2\n 3\t4 \n5\t6\n", {.separator = '\t'}) == one_to_six());
  CHECK(numbers("1 2\n3 4\n5 6\n", {.separator = ' '}) == one_to_six());
  for (const char wrong : {'"', '\n', '\r', '.', '-', '7', 'e'})
    CHECK_THROWS_AS(numbers("1 2\n", {.separator = wrong}), ArgumentError);
}

TEST_CASE("read_csv: a cell that is no finite number is named by line and column", "[io][csv][errors]") {
  CHECK_THROWS_WITH(numbers("x,waiting\n1,2\n3,abc\n"),
                    "parse_csv, line 3, column \"waiting\" is \"abc\", expected a finite number; correct or remove the "
                    "line, or choose other columns");
  const std::string cell = GENERATE("nan", "NaN", "inf", "-inf", "1e999", "", "1.2.3", "0x10", "1,", "--1", "+-1",
                                    "1 2", "1e", "e5", ".", "-", "٣");
  CHECK_THROWS_AS(numbers("x,y\n1,2\n3," + cell + "\n"), DataError);
  CHECK_THROWS_WITH(numbers("x,y\n1,2\n3," + cell + "\n"), ContainsSubstring("line 3"));
}

TEST_CASE("read_csv: a number too large for float is no finite number for float", "[io][csv][errors]") {
  CHECK(numbers("x\n1e39\n")(0, 0) == 1e39);
  CHECK_THROWS_AS(parse_csv_table<float>("x\n1e39\n"), DataError);
  CHECK(numbers("x\n1e-999\n")(0, 0) == 0);
  CHECK(parse_csv_table<float>("x\n-1e-60\n").data(0, 0) == 0);
}

TEST_CASE("read_csv: a column whose spread float cannot hold is refused for float", "[io][csv][errors]") {
  // Seconds of 2023 a second apart: floats are 128 apart there.
  std::string text = "x,t\n";
  for (int i = 0; i < 200; ++i) text += std::to_string(i) + "," + std::to_string(1700000000 + i) + "\n";
  CHECK(numbers(text).row(1).maxCoeff() == 1700000199);
  CHECK_THROWS_WITH(parse_csv_table<float>(text), ContainsSubstring("column \"t\" keeps 3 of 200 different numbers in "
                                                                    "float") &&
                                                      ContainsSubstring("read it as double"));
  CHECK(parse_csv_table<float>(text, {.columns = {"x"}}).data.cols() == 200);
  // Rounding is 3e-8 of a number here, and its spread a third of it. Equal numbers are refused where they matter.
  CHECK(parse_csv_table<float>("x\n0.1\n0.2\n0.3\n").data.cols() == 3);
  CHECK(parse_csv_table<float>("x\n0.1\n0.1\n").data.cols() == 2);
  CHECK(parse_csv_table<float>("x\n1e30\n-1e30\n1e-30\n").data.cols() == 3);
}

TEST_CASE("read_csv: a number between two floats is rounded once", "[io][csv]") {
  // A little above the middle of 1 and the next float, by less than double can tell: rounded to double first, it would
  // be the middle, and then 1.
  CHECK(parse_csv_table<float>("x\n1.00000005960464477540\n2\n").data(0, 0) == std::nextafter(1.F, 2.F));
}

TEST_CASE("read_csv: ragged rows, blank lines and bad quotes say the line", "[io][csv][errors]") {
  CHECK_THROWS_WITH(numbers("x,y\n1,2\n3\n"),
                    "parse_csv, line 3 has 1 cell, expected 2 as in the first line; check the separator and quotes");
  CHECK_THROWS_WITH(numbers("x,y\n1,2,3\n"), ContainsSubstring("line 2 has 3 cells, expected 2"));
  CHECK_THROWS_WITH(numbers("x,y\n1,2\n\n\n3,4\n"), ContainsSubstring("line 3 is blank"));
  CHECK_THROWS_WITH(numbers("\nx,y\n1,2\n"), ContainsSubstring("line 1 is blank"));
  CHECK_THROWS_WITH(numbers("x,y\n1,\"2\n3,4\n"), ContainsSubstring("line 2 has a quote that does not close"));
  CHECK_THROWS_WITH(numbers("x,y\n1,\"2\"3\n"), ContainsSubstring("line 2 has \"3\" after a closing quote"));
}

TEST_CASE("read_csv: nothing to read is an error that says so", "[io][csv][errors]") {
  CHECK_THROWS_WITH(numbers(""), "parse_csv is empty, expected at least one row of numbers");
  CHECK_THROWS_AS(numbers("\xEF\xBB\xBF"), DataError);
  CHECK_THROWS_WITH(numbers("x,y\n"), "parse_csv has a header and no rows, expected at least one row of numbers");
  CHECK_THROWS_AS(numbers("x,y\n\n\n"), DataError);
}

TEST_CASE("read_csv: a file that cannot be read is named", "[io][csv][errors]") {
  const Folder folder;
  const fs::path missing = folder.path / "missing.csv";
  CHECK_THROWS_AS(io::read_csv<double>(missing), FileError);
  CHECK_THROWS_WITH(io::read_csv<double>(missing), ContainsSubstring("read_csv: cannot read " + missing.string()) &&
                                                       ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(io::read_csv<double>(folder.path), ContainsSubstring("it is a folder"));
  CHECK_THROWS_WITH(io::read_csv<double>("no/such.csv"),
                    ContainsSubstring("cannot read no/such.csv in " + fs::current_path().string()));
  const fs::path broken = folder.write("broken.csv", "x\n1\nb\n");
  CHECK_THROWS_WITH(io::read_csv<double>(broken),
                    ContainsSubstring("read_csv: " + broken.string() + ", line 3, column \"x\""));
}

template <class Scalar>
Batch<Scalar> awkward_numbers() {
  using Limits = std::numeric_limits<Scalar>;
  Batch<Scalar> X(3, 300);
  std::mt19937_64 bits(5);
  for (Scalar& x : X.reshaped()) {
    do {
      if constexpr (sizeof(Scalar) == 4)
        x = std::bit_cast<float>(static_cast<std::uint32_t>(bits()));
      else
        x = std::bit_cast<double>(std::uint64_t{bits()});
    } while (!(x - x == 0));
  }
  X.col(0) << Limits::max(), Limits::lowest(), Limits::min();
  X.col(1) << Limits::denorm_min(), -Scalar(0), Scalar(0.1);
  X.col(2) << 1, Scalar(1) / 3, Scalar(1e22);
  return X;
}

TEMPLATE_TEST_CASE("write_csv: read_csv gives the same bits back", "[io][csv]", float, double) {
  using Word = std::conditional_t<sizeof(TestType) == 4, std::uint32_t, std::uint64_t>;
  const Folder folder;
  const fs::path path = folder.path / "out.csv";
  const Batch<TestType> X = awkward_numbers<TestType>();
  const std::vector<std::string> names{"a,\"b\"", " spaced ", "3rd"};
  io::write_csv(path, names, X);
  const io::Table<TestType> back = io::read_csv_table<TestType>(path);
  CHECK(back.names == names);
  REQUIRE(back.data.cols() == X.cols());
  Index different = 0;
  for (Index i = 0; i < X.size(); ++i)
    different += std::bit_cast<Word>(back.data.data()[i]) != std::bit_cast<Word>(X.data()[i]);
  CHECK(different == 0);
  io::write_csv(path, {}, X.topRows(2));
  CHECK(io::read_csv<TestType>(path) == X.topRows(2));
  CHECK(folder.files() == 1);  // no temporary is left
  // Two steps of float apart, so that reading must not find them too close.
  const auto at = TestType(1.7e18);
  Batch<TestType> close(1, 3);
  close << at, at + TestType(std::ldexp(1, 38)), at + TestType(std::ldexp(1, 39));
  io::write_csv(path, {"t"}, close);
  CHECK(io::read_csv<TestType>(path) == close);
}

TEST_CASE("write_csv: the file is what a person would write", "[io][csv]") {
  const Folder folder;
  io::write_csv(folder.path / "out.csv", {"x", "y"}, one_to_six() / 10);
  CHECK(folder.text("out.csv") == "x,y\n0.1,0.2\n0.3,0.4\n0.5,0.6\n");
}

TEST_CASE("write_csv: what could not be read back is refused, and the old file stays", "[io][csv][errors]") {
  const Folder folder;
  const fs::path path = folder.write("out.csv", "old");
  Batch<double> X = one_to_six();
  CHECK_THROWS_AS(io::write_csv(path, {"x"}, X), ShapeError);
  CHECK_THROWS_AS(io::write_csv(path, {"1", "2"}, X), ArgumentError);
  CHECK_THROWS_AS(io::write_csv(path, {"x", "2"}, X), ArgumentError);
  CHECK_THROWS_AS(io::write_csv(path, {"1st", "2nd"}, X), ArgumentError);
  CHECK_THROWS_AS(io::write_csv(path, {"NA", "?"}, X), ArgumentError);
  CHECK_THROWS_AS(io::write_csv(path, {"x", "y"}, Batch<double>(2, 0)), DataError);
  X(1, 2) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(io::write_csv(path, {"x", "y"}, X), ContainsSubstring("component 1 of sample 2"));
  CHECK(folder.text("out.csv") == "old");
  CHECK_THROWS_AS(io::write_csv(folder.path / "no" / "out.csv", {"x", "y"}, one_to_six()), FileError);
  CHECK_THROWS_WITH(io::write_csv(folder.path, {"x", "y"}, one_to_six()),
                    ContainsSubstring("write_csv: cannot write " + folder.path.string()));
  CHECK(folder.files() == 1);
}

TEST_CASE("Numbers are parsed without <charconv> as they are with it", "[io][csv]") {
  const std::string text = GENERATE("1", "-1.5e3", "+2", ".5", "5.", "1e5", "1e", "e5", "", "-", "1 ", " 1", "1x",
                                    "0x1", "1e-999", "1e999", "-1e999", "1.2.3", "1e5.0", "0.1", "1e-320");
  INFO(text);
  CHECK(io::detail::parse_by_stream<double>(text) == io::parse_number<double>(text));
  CHECK(io::detail::parse_by_stream<float>(text) == io::parse_number<float>(text));
  for (const double x : {0.1, -1e-300, 12345678901234567.0, 1. / 3})
    CHECK(io::parse_number<double>(io::detail::format_by_stream(x)) == x);
}

TEST_CASE("Numbers do not follow the program's locale", "[io][csv]") {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  const auto parsed = io::parse_number<double>("1234.5"), by_stream = io::detail::parse_by_stream<double>("1234.5");
  const std::string text = io::format_number(1234.5), text_by_stream = io::detail::format_by_stream(1234.5);
  std::locale::global(before);
  CHECK(parsed == 1234.5);
  CHECK(by_stream == 1234.5);
  CHECK(text == "1234.5");
  CHECK(text_by_stream == "1234.5");
}

TEST_CASE("read_csv: a table with random faults gives finite numbers, and never more rows than lines",
          "[io][csv][fuzz]") {
  const std::string pieces[] = {"NA",    ",",   ";",  "\n", "\r\n", "\"", "#2", "-",
                                "1e400", "inf", "\t", " ",  "0,1",  "x",  ""};
  std::mt19937 bits(23);
  int parsed = 0, refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text = i % 2 == 0 ? "x,y,z\n" : "";
    for (int row = 0; row < 4; ++row)
      text += std::to_string(bits() % 100) + ".5," + (i % 3 == 0 ? "a" : "2") + "," + std::to_string(bits() % 9) + "\n";
    for (auto faults = bits() % 3; faults > 0; --faults)
      text.replace(bits() % text.size(), bits() % 3, pieces[bits() % std::size(pieces)]);
    const auto lines = 1 + std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; });
    CsvOptions options{.skip_missing = bits() % 2 == 0};
    if (i % 3 == 0) options.columns = {"#1", "3"};
    try {
      const auto table = parse_csv_table<double>(text, options);
      REQUIRE(table.data.allFinite());
      REQUIRE(table.data.rows() == Index(table.names.size()));
      REQUIRE(table.data.cols() + table.skipped + table.has_header <= lines);
      ++parsed;
    } catch (const Error& error) {
      REQUIRE(std::string(error.what()).starts_with("parse_csv"));
      ++refused;
    }
  }
  CHECK(parsed > 500);
  CHECK(refused > 500);
}

TEST_CASE("read_csv: random bytes parse or throw a pathline::Error", "[io][csv][fuzz]") {
  // Mostly characters with a meaning; of each eight one is any byte.
  const std::string alphabet = "0123456789.-+eE,,,,;\"\"\n\n\r \txyn\xEF\xBB\xBF";
  std::mt19937 bits(17);
  int parsed = 0, refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text(bits() % 60, ' ');
    for (char& c : text) c = bits() % 8 == 0 ? char(bits() % 256) : alphabet[bits() % alphabet.size()];
    if (i % 2 == 0)  // nearly a table
      for (char& c : text) c = bits() % 16 == 0 ? c : "12,3\n"[bits() % 5];
    CsvOptions options;
    if (i % 3 == 0) options.columns = {i % 2 == 0 ? "1" : "x"};
    if (i % 5 == 0) options.separator = " ;\t"[i % 3];
    try {
      const Batch<double> X = numbers(text, options);
      REQUIRE(X.allFinite());
      REQUIRE(X.size() > 0);
      ++parsed;
    } catch (const Error& error) {
      REQUIRE(std::string(error.what()).starts_with("parse_csv"));
      ++refused;
    }
  }
  CHECK(parsed > 50);  // both ways are taken
  CHECK(refused > 50);
}

}  // namespace
