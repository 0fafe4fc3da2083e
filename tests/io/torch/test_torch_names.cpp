#include <pathline/io/torch/torch_names.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <string>
#include <vector>

using namespace pathline;

TEST_CASE("Names of layers are ordered by their numbers, and say where letters decide", "[io][torch]") {
  const std::vector<std::string> ascending{"net.0.", "net.2.", "net.10.", "net.10000000000000000000000.", "net.x."};
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      const auto order = io::detail::numbered_order(ascending[i], ascending[j]);
      INFO(ascending[i] << ' ' << ascending[j]);
      CHECK((order.sign < 0) == (i < j));
      CHECK((order.sign > 0) == (i > j));
      CHECK(order.by_number == (i != j && i < 4 && j < 4));
    }
  CHECK(io::detail::numbered_order("block1.fc2.", "block1.fc10.").by_number);
  CHECK(io::detail::numbered_order("0.0.", "2.").sign < 0);
  CHECK(!io::detail::numbered_order("fc1.", "out.").by_number);
  // The same number, written twice; a name that goes on where the other ends.
  CHECK(io::detail::numbered_order("fc01.", "fc1.").sign == 0);
  CHECK(!io::detail::numbered_order("0.", "0.1.").by_number);
}
