#include <pathline/io/device/device_text.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

using namespace pathline;
using namespace pathline::io::detail;

TEST_CASE("A literal has its scalar's type", "[io][device]") {
  CHECK(literal(1.0F) == "1.0f");
  CHECK(literal(-0.1F) == "-0.1f");
  CHECK(literal(1.0) == "1.0");
  CHECK(literal(0.1) == "0.1");
  CHECK(io::parse_number<double>(literal(std::numeric_limits<double>::denorm_min())) ==
        std::numeric_limits<double>::denorm_min());
  const std::string large = literal(3e38F);
  CHECK(large.back() == 'f');
  CHECK(large.find('e') != std::string::npos);
}

TEST_CASE("An array is text in lines of at most 120 columns", "[io][device]") {
  Vector<double> values(3);
  values << 1, 0.5, -2;
  CHECK(array_text<double>("scalar", "w", values) == "inline constexpr scalar w[3] = {\n    1.0, 0.5, -2.0};\n");
  const std::string text = array_text<double>("scalar", "w", Batch<double>(Batch<double>::Constant(9, 11, 1. / 3)));
  std::size_t longest = 0, at = 0, count = 0;
  for (std::size_t end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    longest = std::max(longest, end - at);
  for (std::size_t i = text.find("0.3333"); i != std::string::npos; i = text.find("0.3333", i + 1)) ++count;
  CHECK(longest <= 120);
  CHECK(count == 99);
  CHECK(text.substr(text.size() - 3) == "};\n");
}

TEST_CASE("Text becomes comments, whatever it holds", "[io][device]") {
  CHECK(comment_text("one\n\ntwo") == "// one\n//\n// two\n");
  CHECK(comment_text("a path\\ \nint x;") == "// a path\\ //\n// int x;\n");
  CHECK(comment_text("tab\tand\rreturn") == "// tab and return\n");
}

TEST_CASE("What names a namespace is an identifier", "[io][device]") {
  for (const char* name : {"flow", "sensor_2", "F"}) CHECK_NOTHROW(require_identifier("it", name));
  for (const char* name : {"", "2d", "a b", "a-b", "a::b", "_x", "a__b", "class", "xor", "std", "flow;", "flöw"})
    CHECK_THROWS_AS(require_identifier("it", name), ArgumentError);
  CHECK_THROWS_WITH(require_identifier("write_header: name", "my flow"),
                    ContainsSubstring("write_header: name is \"my flow\", expected a C++ identifier"));
}
