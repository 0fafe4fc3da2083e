#include <pathline/io/csv/csv_advice.hpp>

#include <support/catch.hpp>

#include <string>
#include <string_view>

using namespace pathline;
using namespace pathline::io;
using namespace pathline::io::detail;

namespace {

std::string advice(std::string_view cell, char decimal = '.', bool in_float = false) {
  CsvOptions options;
  options.decimal = decimal;
  return cell_advice(cell, options, in_float);
}

std::string layout(std::string_view all, std::string_view rest, char separator = ',', char decimal = '.') {
  CsvOptions options;
  options.separator = separator;
  options.decimal = decimal;
  return layout_advice(all, rest, options);
}

constexpr std::string_view thousands = "remove the separators of thousands";

}  // namespace

TEST_CASE("A cell that is no number is told what to do about it", "[io][csv]") {
  CHECK(advice("") == "set skip_missing to leave such rows out, correct the line, or choose other columns");
  CHECK(advice("1e999") == "it is too large for double: choose another unit");
  CHECK(advice("1e99", '.', true) == "it is too large for float: read it as double");
  CHECK(advice("1e999", '.', true) == "it is too large for double: choose another unit");
  CHECK(advice("inf") == "infinity is no data: correct or remove the line");
  CHECK(advice("\xE2\x88\x92"
               "3") == "its minus sign is a typographic one: write -");
  CHECK(advice("12%") == "write the number without its % sign");
  CHECK(advice("0X1F") == "hexadecimal numbers are not read: write it in decimals");
  CHECK(advice("True") == "write 1 for true and 0 for false");
  CHECK(advice("FALSE") == "write 1 for true and 0 for false");
  CHECK(advice("'3'") == "remove the single quotes");
  CHECK(advice("1d5") == "write its exponent with e in place of \"d\"");
  CHECK(advice("1D5") == "write its exponent with e in place of \"D\"");
  CHECK(advice("2024-01-31") == "a date or time is no number: write it as days or seconds, or choose other columns");
  CHECK(advice("12:30") == "a date or time is no number: write it as days or seconds, or choose other columns");
  CHECK(advice("1;2") == "if \";\" separates cells, set separator");
  CHECK(advice("1\t2") == "if tab separates cells, set separator");
  CHECK(advice("1|2") == "if \"|\" separates cells, set separator");
  CHECK(advice("1 2") == "if blank (\" \") separates cells, set separator");
  CHECK(advice("5 kg") == "write the number alone, without a unit or a sign");
  CHECK(advice("$5") == "write the number alone, without a unit or a sign");
  CHECK(advice("€5") == "write the number alone, without a unit or a sign");
  CHECK(advice("width").empty());  // text that is just text
  CHECK(advice("x1").empty());
}

TEST_CASE("Decimal signs and separators of thousands are told apart by groups of three digits", "[io][csv]") {
  CHECK(advice("1,5") == "set decimal to \",\"");
  CHECK(advice("1.5", ',') == "set decimal to \".\"");
  CHECK(advice("1,2345") == "set decimal to \",\"");
  CHECK(advice("1,500") == std::string(thousands) + "; if \",\" is the decimal sign, set decimal");
  CHECK(advice("1.500", ',') == std::string(thousands) + "; if \".\" is the decimal sign, set decimal");
  CHECK(advice("1,500.5") == thousands);
  CHECK(advice("1,500,000") == thousands);
  CHECK(advice("1 500") == thousands);
  CHECK(advice("1'500.25") == thousands);
  CHECK(advice("1_500") == thousands);
  CHECK(advice("1 50") != thousands);
  CHECK(advice("1 5000") != thousands);
}

TEST_CASE("What separates the cells of a table is seen by its first line and the two at hand", "[io][csv]") {
  CHECK(layout("a;b\n1;2\n3;4\n", "1;2\n3;4\n") == "its lines look like cells with the separator \";\": set separator");
  CHECK(layout("a\tb\n1\t2\n", "1\t2\n") == "its lines look like cells with the separator tab: set separator");
  CHECK(layout("1 2\n3 4\n", "1 2\n") == "its lines look like cells with the separator blank (\" \"): set separator");
  CHECK(layout("a;b\n1,5;2\n", "1,5;2\n") ==
        "its lines look like cells with the separator \";\" and the decimal sign \",\": set separator and decimal");
  CHECK(layout("a,b\n1,2\n", "1,2\n").empty());            // the reader's own
  CHECK(layout("a;b\nc;d\n", "c;d\n").empty());            // no number
  CHECK(layout("a;b;c\n1;2\n", "1;2\n").empty());          // not equally many
  CHECK(layout("a\n1\n", "1\n", ';').empty());             // one cell
  CHECK_FALSE(layout("a;b\n\n1;2\n", "\n1;2\n").empty());  // lines with nothing on them do not count
}

TEST_CASE("What is no text is named by its first bytes, or by the line of a NUL", "[io][csv][errors]") {
  CHECK_THROWS_WITH(require_text("t.csv", "PK\x03\x04..."),
                    "t.csv is a workbook (xlsx, ods) or a zip archive, expected a table in plain text; export it as "
                    "CSV, or unpack it");
  CHECK_THROWS_WITH(require_text("t.csv", "%PDF-1.7"),
                    "t.csv is a PDF, expected a table in plain text; export it as CSV");
  CHECK_THROWS_WITH(require_text("t.csv", std::string_view("1,2\n3\0,4\n", 9)),
                    "t.csv, line 2 has a NUL byte, expected plain text; the file is binary or in UTF-16: save it as "
                    "UTF-8");
  CHECK_NOTHROW(require_text("t.csv", "1,2\n%PDF-\n"));
}

TEST_CASE("Lines are taken one after another, those with nothing on them left out", "[io][csv]") {
  std::string_view text = "\n \t\r\na,b\r\n\nc";
  CHECK(take_line(text) == "a,b");
  CHECK(take_line(text) == "c");
  CHECK(take_line(text).empty());
  CHECK(text.empty());
  CHECK(without("1,500,000", ",") == "1500000");
  CHECK(is_several_numbers("1;2,5", ';'));
  CHECK_FALSE(is_several_numbers("1;x", ';'));
  CHECK_FALSE(is_several_numbers("1", ';'));
  CHECK_FALSE(is_several_numbers("\"1;2\"", ';'));
}
