#include <pathline/io/csv/csv_cells.hpp>

#include <support/catch.hpp>

#include <string>

using namespace pathline;
using namespace pathline::io::detail;

namespace {

TEST_CASE("A cell that says that a number is missing", "[io]") {
  for (const char* cell : {"", "NA", "n/a", "NaN", "-nan", "NULL", "None", "?", "-", "---", "\\N", "Undefined", "#N/A",
                           "#DIV/0!", "#NAME?"}) {
    INFO(cell);
    CHECK(is_missing(cell));
  }
  for (const char* cell : {"0", "nan1", "----", "#1", "#!x", "undefined.", "unknownnnn", "no"}) {
    INFO(cell);
    CHECK_FALSE(is_missing(cell));
  }
  CHECK(is_missing("#LONG12!"));
  CHECK_FALSE(is_missing("#TOOLONG1!"));  // ten characters: text
}

TEST_CASE("A cell that is a number", "[io]") {
  for (const char* cell : {"0", "-1.5", "2e3", "inf", "1e999"}) {
    INFO(cell);
    CHECK(is_number(cell, '.'));
  }
  for (const char* cell : {"", "nan", "5 kg", "1.2.3", "x", "1,5"}) {
    INFO(cell);
    CHECK_FALSE(is_number(cell, '.'));
  }
  CHECK(is_number("1,5", ','));
  CHECK_FALSE(is_number("1.5", ','));  // 1.234 may be a thousand there

  CHECK(with_point("1,5", ',') == "1.5");
  CHECK(with_point("1.5", ',').empty());
  CHECK(with_point("1,5", '.') == "1,5");
  CHECK(csv_value<double>("1,5", ',') == 1.5);
  CHECK(csv_value<float>("-2.25", '.') == -2.25F);
  CHECK_FALSE(csv_value<double>("1.5", ','));
  CHECK_FALSE(csv_value<float>("1e99", '.'));
  CHECK(is_whole("0123456789"));
  CHECK_FALSE(is_whole(""));
  CHECK_FALSE(is_whole("-1"));
}

TEST_CASE("A cell that is a name, and one that was meant to be a number", "[io]") {
  for (const char* cell : {"x", "-log p", "µ", "x1", "Z9", "$a"}) {
    INFO(cell);
    CHECK(is_name(cell));
    CHECK_FALSE(begins_as_number(cell, '.'));
  }
  for (const char* cell : {"1.2.3", "5 kg", "<2", "€5", "0"}) {
    INFO(cell);
    CHECK_FALSE(is_name(cell));
    CHECK(begins_as_number(cell, '.'));
  }
  for (const char* cell : {"", "--", "@"}) {
    INFO(cell);
    CHECK_FALSE(is_name(cell));
    CHECK_FALSE(begins_as_number(cell, '.'));
  }
  CHECK(lower_case("AbZ@[µ9") == "abz@[µ9");
  CHECK(is_letter('a'));
  CHECK(is_letter('z'));
  CHECK(is_letter('A'));
  CHECK(is_letter('Z'));
  CHECK_FALSE(is_letter('@'));
  CHECK_FALSE(is_letter('['));
  CHECK_FALSE(is_letter('`'));
  CHECK_FALSE(is_letter('{'));
}

}  // namespace
