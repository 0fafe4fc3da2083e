/// \file
/// Small tables as they come from spreadsheets, pandas, R, UCI and instruments, each with the numbers that it holds or
/// the words with which it is refused: none is read as something else in silence.
#include <pathline/io/csv.hpp>

#include <pathline/io/number_text.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace pathline;
using namespace std::string_literals;
using io::CsvHeader;
using io::CsvOptions;

struct Case {
  std::string name, text, expected;
  CsvOptions options = {};
};

/// "x,y | 1 2 | 3 4", with "-" for a table without names; of a refusal "! what()".
std::string read(const std::string& text, const CsvOptions& options) {
  try {
    const io::Table<double> table = io::parse_csv_table<double>(text, options, "t");
    std::string result;
    for (const std::string& name : table.names) result += (result.empty() ? "" : ",") + name;
    if (!table.has_header) result = "-";
    for (Index j = 0; j < table.data.cols(); ++j)
      for (Index i = 0; i < table.data.rows(); ++i)
        result += (i == 0 ? " | " : " ") + io::format_number(table.data(i, j));
    return result;
  } catch (const Error& error) {
    return std::string("! ") + error.what();
  }
}

/// A refusal has all parts of what is expected, which "…" separates; a table is equal.
bool matches(const std::string& got, std::string_view expected) {
  if (!expected.starts_with('!')) return got == expected;
  if (!got.starts_with('!')) return false;
  expected.remove_prefix(1);
  constexpr std::string_view gap = "…";
  for (std::size_t at = 0; !expected.empty();) {
    const std::string_view part = expected.substr(0, expected.find(gap));
    at = got.find(part, at);
    if (at == std::string::npos) return false;
    expected.remove_prefix(std::min(part.size() + gap.size(), expected.size()));
  }
  return true;
}

const CsvHeader absent = CsvHeader::absent, present = CsvHeader::present;

const std::vector<Case> cases{
    // Which line is the header.
    {"names over numbers", "x,y\n1,2\n3,4\n", "x,y | 1 2 | 3 4"},
    {"no names", "1,2\n3,4\n", "- | 1 2 | 3 4"},
    {"text in each row is no header", "4,a,3,7\n5,b,6,8\n9,c,2,1\n", "- | 4 7 | 5 8 | 9 1", {.columns = {"1", "4"}}},
    {"iris: classes last",
     "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n",
     "- | 5.1 3.5 | 4.9 3",
     {.columns = {"1", "2"}}},
    {"iris: all columns", "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n",
     "!line 1, column \"column 3\" is \"Iris-setosa\"…choose other columns…numbers in columns 1,2"},
    {"classes first", "R,1,5\nL,2,7\n", "- | 1 5 | 2 7", {.columns = {"#2", "#3"}}},
    {"classes with a header", "x,class\n1,a\n2,b\n", "x | 1 | 2", {.columns = {"x"}}},
    {"NA in the first row of data", "NA,1.0\n2,3\n4,5\n", "!line 1, column \"column 1\" is \"NA\"…skip_missing"},
    {"NA in the second row", "1,1.0\nNA,3\n4,5\n", "!line 2, column \"column 1\" is \"NA\"…skip_missing"},
    {"? in the first row", "?,1\n2,3\n", "!line 1, column \"column 1\" is \"?\""},
    {"all of the first row missing", "NA,nan\n2,3\n4,5\n", "!line 1, column \"column 1\" is \"NA\""},
    {"empty cell in the first row", ",1\n2,3\n", "!line 1, column \"column 1\" is empty"},
    {"NA in the first row, another column", "NA,1\n2,3\n", "- | 1 | 3", {.columns = {"2"}}},
    {"NA as the first cell below a name", "x,y\nNA,2\n3,4\n", "!line 2, column \"x\" is \"NA\""},
    {"a wrong word in the first row", "oops,1.5\n2,3\n", "!line 1 (\"oops\", \"1.5\") can be names…set header"},
    {"a wrong number in the first row", "1.2.3,4\n5,6\n", "!line 1, column \"column 1\" is \"1.2.3\""},
    {"a wrong number in a single column", "1.2.3\n4\n5\n", "!line 1, column \"column 1\" is \"1.2.3\""},
    {"a limit of detection in the first row", "<0.1\n0.3\n", "!line 1, column \"column 1\" is \"<0.1\""},
    {"a name beside a number", "x,2019\n3,4\n", "!line 1 (\"x\", \"2019\") can be names"},
    {"a name beside a number, asked for", "x,2019\n3,4\n", "x | 3", {.columns = {"x"}}},
    {"a name beside a number, told", "x,2019\n3,4\n", "x,2019 | 3 4", {.header = present}},
    {"pandas' numbers as names", "0,1\n0.5,0.7\n0.1,0.2\n", "!line 1 (\"0\", \"1\") can be names"},
    {"pandas' numbers as names, told", "0,1\n0.5,0.7\n", "0,1 | 0.5 0.7", {.header = present}},
    {"a path that starts at (0, 1), told", "0,1\n0.5,0.7\n", "- | 0 1 | 0.5 0.7", {.header = absent}},
    {"pandas' numbers above an index",
     ",0,1\n0,2.5,3\n1,2,4\n",
     "!line 1 (\"\", \"0\", \"1\") can be names",
     {.columns = {"2", "3"}}},
    {"pandas' index and names", ",x,y\n0,1,2\n1,3,4\n", "x,y | 1 2 | 3 4", {.columns = {"x", "y"}}},
    {"pandas' name of a single column", "0\n1.5\n2.5\n", "!line 1 (\"0\") can be names"},
    {"counts that start at 0", "0\n3\n2\n", "- | 0 | 3 | 2"},
    {"years as names", "country,1990,1991\nA,3,4\nB,5,6\n", "!can be names", {.columns = {"2", "3"}}},
    {"years as names, asked for", "country,1990,1991\nA,3,4\n", "1990,1991 | 3 4", {.columns = {"1990", "1991"}}},
    {"years apart as names", "country,1990,2000,2010\nA,3,4,2001\n", "!can be names", {.columns = {"2", "3", "4"}}},
    {"one year as a name", "country,2019\nA,3\nB,4\n", "!can be names", {.columns = {"2"}}},
    {"years as data", "2019,2020\n2021,2022\n", "- | 2019 2020 | 2021 2022"},
    {"a single column of years and others", "1950\n2300\n1700\n", "- | 1950 | 2300 | 1700"},
    {"years alone", "2019,2020\n1,2\n", "!line 1 (\"2019\", \"2020\") can be names"},
    {"numbers that count up from 1 are data", "1,2,3\n4,5,6\n", "- | 1 2 3 | 4 5 6"},
    {"names told to be there that look like numbers", "1,2\n3,4\n", "1,2 | 3 4", {.header = present}},
    {"names that begin with a digit", "1st,2nd\n3,4\n",
     "!line 1, column \"column 1\" is \"1st\"…set header to present"},
    {"a header alone", "x,y\n", "!has a header and no rows"},
    {"an empty text", "", "!t is empty"},
    {"a blank first line", "\nx,y\n1,2\n", "!line 1 is blank"},
    {"a typographic minus in the first row",
     "\xE2\x88\x92"
     "5\n3\n4\n",
     "!line 1, column \"column 1\" is"},
    {"Excel's error in the first row", "#DIV/0!\n3\n4\n", "!line 1, column \"column 1\" is \"#DIV/0!\"…skip_missing"},
    {"a name that is no number above missing ones",
     ",y\n1,NA\n2,4\n",
     "y | 4",
     {.columns = {"y"}, .skip_missing = true}},
    {"names above numbers with a mark", "x,y\n50%,1\n", "y | 1", {.columns = {"y"}}},
    // Which column is meant.
    {"a number is the column of that number", "x,y\n1,2\n", "y | 2", {.columns = {"2"}}},
    {"a number that is another's name",
     "0,1\n3,4\n",
     "!it is the name of column 2 and the number of \"0\"; say \"#2\" or \"#1\"",
     {.columns = {"1"}, .header = present}},
    {"the same by #", "0,1\n3,4\n", "0 | 3", {.columns = {"#1"}, .header = present}},
    {"numbers that can only be names", "0,1,2\n3,4,5\n", "0,1 | 3 4", {.columns = {"0", "1"}}},
    {"a line of units", "t,x\ns,m\n1,2\n", "!line 2, column \"t\" is \"s\""},
    {"a header in the middle", "t,x\n1,2\nt,x\n3,4\n", "!line 3, column \"t\" is \"t\""},
    {"no such name",
     "x,y\n1,2\n",
     "!column is \"z\", expected one of \"x\", \"y\", or a number from 1 to 2",
     {.columns = {"z"}}},
    {"no such number", "4,a,3\n5,b,6\n", "!column is \"7\", expected a number from 1 to 3", {.columns = {"7"}}},
    {"a number of the first row is no name",
     "4,7\n5,6\n",
     "!column is \"7\", expected a number from 1 to 2",
     {.columns = {"7"}}},
    {"a column twice", "x,y\n1,2\n", "!column is \"1\" as well as \"x\"", {.columns = {"x", "1"}}},
    {"two columns of one name", "x,x\n1,2\n", "!say its number instead: \"#1\" or \"#2\"", {.columns = {"x"}}},
    {"two columns of one name, all of them", "x,x\n1,2\n", "x,x | 1 2"},
    // Separators, decimal signs, encodings, other files.
    {"semicolons", "x;y\n1;2\n3;4\n", "!separator \";\": set separator"},
    {"semicolons without names", "1;2\n3;4\n", "!line 1, …separator \";\": set separator"},
    {"semicolons and a column that is not there",
     "x;y\n1;2\n",
     "!column is \"y\"…separator \";\": set separator",
     {.columns = {"y"}}},
    {"semicolons between quotes", "\"x\";\"y\"\n\"1\";\"2\"\n",
     "!line 1 has \";\"y\"\" after a closing quote…set separator"},
    {"blanks, and a row of another length", "a b c\n1 2 3 4\n",
     "!line 2…if blank (\" \") separates cells, set separator"},
    {"semicolons, told", "x;y\n1;2\n", "x,y | 1 2", {.separator = ';'}},
    {"tabs", "x\ty\n1\t2\n", "!separator tab: set separator"},
    {"tabs, told", "x\ty\n1\t2\n", "x,y | 1 2", {.separator = '\t'}},
    {"an empty cell between tabs", "x\ty\tz\n1\t\t3\n", "!line 2, column \"y\" is empty", {.separator = '\t'}},
    {"blanks", "1 2\n3 4\n", "!separator blank (\" \"): set separator"},
    {"blanks, told", "  x  y\n 1.5   2\n 30\t 4 \n", "x,y | 1.5 2 | 30 4", {.separator = ' '}},
    {"quotes between blanks", "\"a b\" y\n1  \"2\"\n", "a b,y | 1 2", {.separator = ' '}},
    {"decimal commas", "x;y\n1,5;2,5\n", "!separator \";\" and the decimal sign \",\": set separator and decimal"},
    {"decimal commas without names", "1,5;2,5\n3,5;4\n", "!line 1…separator \";\" and the decimal sign \",\""},
    {"decimal commas between semicolons, half told",
     "x;y\n1,5;2,5\n",
     "!line 2, column \"x\" is \"1,5\"…set separator and decimal",
     {.separator = ';'}},
    {"decimal commas, told", "x;y\n1,5;-2,5e1\n", "x,y | 1.5 -25", {.separator = ';', .decimal = ','}},
    {"a point beside decimal commas",
     "x;y\n1.234;2,5\n",
     "!line 2, column \"x\" is \"1.234\"",
     {.separator = ';', .decimal = ','}},
    {"a quoted decimal comma", "x,y\n\"1,5\",2\n", "!\"1,5\"…set decimal to \",\""},
    {"Excel's line of the separator", "sep=;\nx;y\n1;2\n", "!remove the first line"},
    {"UTF-16", "\xFF\xFEx\0\n\0"s, "!t is text in UTF-16…save it as UTF-8"},
    {"UTF-16 without a mark", "1\0,\0002\0\n\0"s, "!line 1 has a NUL byte…UTF-16"},
    {"a mark of UTF-8", "\xEF\xBB\xBFx,y\n1,2\n", "x,y | 1 2"},
    {"gzip", "\x1F\x8B\x08\0\0"s, "!t is a gzip archive…unpack it first"},
    {"xlsx", "PK\x03\x04\x14\0"s, "!t is a workbook (xlsx, ods) or a zip archive…export it as CSV"},
    {"a web page", "<!DOCTYPE html><html>", "!t is a web page"},
    {"old line ends", "x,y\r1,2\r3,4\r", "x,y | 1 2 | 3 4"},
    {"a separator at each end", "x,y,\n1,2,\n", "!line 2, column \"column 3\" is empty…ends in a separator"},
    {"a separator at the end of a row", "x,y\n1,2,\n",
     "!line 2 has 3 cells, expected 2…remove the separator at the end"},
    {"a short row", "x,y\n1,2\n3\n", "!line 3 has 1 cell, expected 2 as in the first line"},
    {"R's row names", "x,y\n1,2,3\n", "!line 2 has 3 cells, expected 2…row names"},
    {"a line of comment", "# made by hand\nx,y\n1,2\n", "!line 2 has 2 cells, expected 1…remove lines of comment"},
    {"a title", "Experiment 7\nx,y\n1,2\n", "!line 2 has 2 cells, expected 1…remove lines above the names"},
    {"blanks with names", "x (m) y\n1 2 3\n", "!line 2, column \"x (m) y\" is \"1 2 3\"…separator blank"},
    {"a blank line between", "x\n1\n\n2\n", "!line 3 is blank"},
    // Numbers that are none.
    {"1e400", "x\n1\n1e400\n", "!line 3, column \"x\" is \"1e400\"…too large for double"},
    {"inf", "x\n1\ninf\n", "!line 3, column \"x\" is \"inf\", expected a finite number; infinity is no data"},
    {"inf in the first row", "inf,1\n2,3\n", "!line 1, column \"column 1\" is \"inf\""},
    {"inf in the first row of a single column", "Inf\n2\n", "!line 1, column \"column 1\" is \"Inf\""},
    {"nan", "x\n1\nnan\n", "!line 3, column \"x\" is \"nan\"…skip_missing"},
    {"hexadecimal", "x\n0x10\n", "!\"0x10\"…hexadecimal"},
    {"thousands", "x\n\"1,234\"\n", "!\"1,234\"…remove the separators of thousands; if \",\" is the decimal sign"},
    {"thousands and a point", "x\n\"1,234.5\"\n", "!\"1,234.5\"…remove the separators of thousands"},
    {"thousands with blanks", "x\n1 234\n", "!\"1 234\"…remove the separators of thousands"},
    {"per cent", "x\n50%\n", "!\"50%\"…without its % sign"},
    {"a currency", "x\n€5\n", "!\"€5\"…write the number alone"},
    {"a unit", "x\n5 kg\n", "!\"5 kg\"…write the number alone"},
    {"a date", "x\n2020-01-31\n", "!\"2020-01-31\"…a date or time"},
    {"a time", "x\n12:30\n", "!\"12:30\"…a date or time"},
    {"Fortran's exponent", "x\n1.0D+05\n", "!\"1.0D+05\"…exponent with e"},
    {"a typographic minus sign",
     "x\n\xE2\x88\x92"
     "5\n",
     "!minus sign"},
    {"true and false", "x\nTRUE\n", "!\"TRUE\"…write 1 for true"},
    {"single quotes", "x\n'5'\n", "!single quotes"},
    // Rows that are left out.
    {"missing numbers left out", "x,y\n1,2\nNA,3\n4,?\n5,6\n", "x,y | 1 2 | 5 6", {.skip_missing = true}},
    {"missing in a column that is not chosen",
     "x,y\n1,NA\n2,3\n",
     "x | 1 | 2",
     {.columns = {"x"}, .skip_missing = true}},
    {"the first row left out is no header", "NA,1.0\n2,3\n4,5\n", "- | 2 3 | 4 5", {.skip_missing = true}},
    {"text is not missing", "x\n1\nabc\n", "!line 3, column \"x\" is \"abc\"", {.skip_missing = true}},
    {"infinity is not missing", "x\n1\n-inf\n", "!line 3, column \"x\" is \"-inf\"", {.skip_missing = true}},
    {"nothing is left", "x,y\n1,NA\n2,\n", "!missing number in each of its 2 rows", {.skip_missing = true}},
    {"blank lines left out", "x\n1\n\n2\n", "x | 1 | 2", {.skip_missing = true}},
    // Options that contradict each other.
    {"one sign for both", "1,5\n", "!separator is \",\" and decimal too", {.decimal = ','}},
    {"another decimal sign", "1;5\n", "!decimal is \"'\"", {.separator = ';', .decimal = '\''}},
    {"a letter for a separator", "1x5\n", "!separator is \"x\"", {.separator = 'x'}},
};

TEST_CASE("Each of a hundred small tables is read as what it is, or refused with the words that help", "[io][csv]") {
  std::ostringstream wrong;
  for (const Case& one : cases) {
    const std::string got = read(one.text, one.options);
    if (!matches(got, one.expected))
      wrong << "\n" << one.name << ":\n  expected " << one.expected << "\n  got      " << got;
  }
  CHECK(wrong.str() == "");
}

}  // namespace
