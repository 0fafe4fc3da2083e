#include <pathline/io/model/texts.hpp>

#include <pathline/core/types.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace pathline;
using namespace pathline::io::detail;

TEST_CASE("Lists of sizes are read as they were written, and nothing else is", "[io]") {
  const std::vector<Index> sizes{2, 64, 0, 1048576};
  CHECK(list_text(sizes) == "2 64 0 1048576");
  CHECK(parse_list(list_text(sizes), 1048576) == sizes);
  CHECK(parse_list("", 9) == std::vector<Index>{});
  for (const char* const text : {"2  3", " 2", "2 ", "02", "+2", "-1", "10", "2,3", "2 x", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_list(text, 9));
  }
  CHECK(parse_list(list_text(std::vector<Index>(4096, 1)), 1).value().size() == 4096);
  CHECK_FALSE(parse_list(list_text(std::vector<Index>(4097, 1)), 1));
}

TEST_CASE("A setting's text is its whole value", "[io]") {
  CHECK(setting_text(true) == "true");
  CHECK(setting_text(std::uint64_t(18446744073709551615U)) == "18446744073709551615");
  CHECK(setting_text(0.1) == "0.1");
  CHECK(parse_whole<std::uint64_t>("18446744073709551615") == 18446744073709551615U);
  CHECK_FALSE(parse_whole<std::int8_t>("128"));
  CHECK_FALSE(parse_whole<int>("1 "));
  CHECK_FALSE(parse_whole<unsigned>("-1"));
}
