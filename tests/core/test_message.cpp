#include <pathline/core/message.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

using pathline::detail::message;
using pathline::detail::MessagePart;

static_assert(std::is_trivially_copyable_v<MessagePart>);  // an error puts its own into a longer message

TEST_CASE("message puts texts and numbers together", "[core]") {
  const std::string text = "a component with a long name, so that it is kept on the heap";
  const std::string_view view = "view of it";
  CHECK(message({}).empty());
  CHECK(message({text, " ", view.substr(0, 4), ", ", "x"}) == text + " view, x");
  CHECK(message({-3, " ", std::size_t(7), " ", std::numeric_limits<long>::min()}) ==
        "-3 7 " + std::to_string(std::numeric_limits<long>::min()));
  CHECK(message({1.0, " ", 0.1f, " ", 1.7e308, " ", -1 / 3., " ", std::numeric_limits<double>::infinity()}) ==
        "1 0.100000001 1.7e+308 -0.333333333 inf");
}
