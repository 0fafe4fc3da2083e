#include <pathline/io/format/token_reader.hpp>

#include <pathline/io/format_error.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

using pathline::FormatError;
using pathline::io::detail::TokenReader;

TEST_CASE("TokenReader reads signs and whole numbers, and refuses others with their byte in the file", "[io][errors]") {
  TokenReader reader("a file", " {\t12 ,\r\n9223372036854775807,0} \n", 10);
  CHECK_FALSE(reader.accept('['));
  reader.expect('{', "the list");
  CHECK(reader.whole_number("a size") == 12);
  CHECK(reader.another('}', "the list"));
  CHECK(reader.position() == 19);
  CHECK(reader.whole_number("a size") == std::numeric_limits<std::int64_t>::max());
  CHECK(reader.another('}', "the list"));
  CHECK(reader.whole_number("a size") == 0);
  CHECK_FALSE(reader.another('}', "the list"));
  CHECK(reader.next_text() == "its end");
  reader.expect_end("the list", " \n");
  CHECK_THROWS_AS(reader.expect(']', "the list"), FormatError);

  for (const char* const text :
       {"", "9223372036854775808", "99999999999999999999", "1.5", "1e3", "1-2", "01", "-1", "x"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(TokenReader("a file", text, 0).whole_number("a size"),
                      ContainsSubstring("expected a whole number from 0 to 9223372036854775807"));
  }
  CHECK_THROWS_WITH((void)TokenReader("a file", "  ;", 40).another('}', "the list"), ContainsSubstring("42"));
  CHECK_THROWS_AS(TokenReader("a file", "  x", 0).expect_end("the list", " "), FormatError);
}
