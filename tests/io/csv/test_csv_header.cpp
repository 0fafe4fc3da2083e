#include <pathline/io/csv/csv_header.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace pathline;
using namespace pathline::io::detail;

namespace {

using Cells = std::vector<std::string>;

TEST_CASE("The first line of a table: names, data, or either", "[io]") {
  CHECK(first_line({"x", "y"}, {"1", "2"}, '.') == FirstLine::names);
  CHECK(first_line({"x", "y"}, {"a", "b"}, '.') == FirstLine::names);
  CHECK(first_line({"x", ""}, {"1", "2"}, '.') == FirstLine::names);
  CHECK(first_line({"1", "2"}, {"3", "4"}, '.') == FirstLine::data);
  CHECK(first_line({"5.1", "setosa"}, {"4.9", "setosa"}, '.') == FirstLine::data);
  CHECK(first_line({"NA", "2"}, {"3", "4"}, '.') == FirstLine::data);  // a missing number is no name
  CHECK(first_line({"x", "2"}, {"1", "3"}, '.') == FirstLine::either);
}

TEST_CASE("Numbers that can be names of columns", "[io]") {
  CHECK(numbers_as_names({"0", "1", "2"}, {"5", "6", "7"}, '.'));
  CHECK_FALSE(numbers_as_names({"0", "2", "1"}, {"5", "6", "7"}, '.'));
  CHECK_FALSE(numbers_as_names({"1", "2", "3"}, {"5", "6", "7"}, '.'));
  CHECK(numbers_as_names({"0"}, {"1.5"}, '.'));
  CHECK_FALSE(numbers_as_names({"0"}, {"1"}, '.'));
  CHECK(numbers_as_names({"1900", "2100"}, {"5", "6"}, '.'));
  CHECK_FALSE(numbers_as_names({"1899", "1950"}, {"5", "6"}, '.'));
  CHECK_FALSE(numbers_as_names({"2000", "2101"}, {"5", "6"}, '.'));
  CHECK_FALSE(numbers_as_names({"2001", "2000"}, {"5", "6"}, '.'));
  CHECK_FALSE(numbers_as_names({"2000", "2000"}, {"5", "6"}, '.'));
  CHECK_FALSE(numbers_as_names({"2000", "2001"}, {"1999", "2005"}, '.'));  // a row of years above years
  CHECK(numbers_as_names({"country", "1990"}, {"A", "6"}, '.'));
  CHECK_FALSE(numbers_as_names({"1990"}, {"6"}, '.'));
}

TEST_CASE("The number of a column that a text is", "[io]") {
  CHECK(column_number("2") == 2);
  CHECK(column_number("#12") == 12);
  CHECK(column_number("999999999") == 999999999);
  CHECK(column_number("1000000000") == 0);
  CHECK(column_number("#") == 0);
  CHECK(column_number("##1") == 0);
  CHECK(column_number("x") == 0);
}

TEST_CASE("The column that is asked for, by name or by number", "[io]") {
  const Cells header{"x", "3", "y", "y", ""};
  const auto find = [&](const char* wanted, bool by_name = false) {
    return find_column("t.csv", wanted, header, 5, by_name);
  };
  CHECK(find("x").index == 0);
  CHECK(find("x").name == "x");
  CHECK(find("1").index == 0);
  CHECK(find("5").index == 4);
  CHECK(find("5").name == "column 5");
  CHECK(find("#3").index == 2);
  CHECK(find("3", true).index == 1);
  CHECK_THROWS_WITH(find("3"),
                    "t.csv: column is \"3\", expected a name or a number: it is the name of column 2 and the "
                    "number of \"y\"; say \"#2\" or \"#3\"");
  CHECK_THROWS_WITH(find("y"),
                    "t.csv: column is \"y\", expected a name that one column has; say its number instead: "
                    "\"#3\" or \"#4\"");
  CHECK_THROWS_AS(find("6"), ArgumentError);
  CHECK_THROWS_AS(find("0"), ArgumentError);
  CHECK_THROWS_AS(find(""), ArgumentError);
  CHECK_THROWS_WITH(find_column("t.csv", "z", {}, 2, false), "t.csv: column is \"z\", expected a number from 1 to 2");
}

TEST_CASE("Columns that are asked for together", "[io]") {
  const Cells header{"1", "0"};  // "0" is no number of a column: both are names
  const std::vector<CsvColumn> columns = find_columns("t.csv", {"0", "1"}, header, 2);
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].index == 1);
  CHECK(columns[1].index == 0);
  // The number of one column and the name of another.
  CHECK_THROWS_AS(find_columns("t.csv", {"1"}, {"x", "1"}, 2), ArgumentError);
  CHECK(find_columns("t.csv", {}, {"a"}, 2).size() == 2);
  CHECK(find_columns("t.csv", {}, {"a"}, 2)[1].name == "column 2");
  CHECK_THROWS_AS(find_columns("t.csv", {"a", "#1"}, {"a"}, 2), ArgumentError);
}

}  // namespace
