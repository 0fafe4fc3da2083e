#include <pathline/core/fingerprint.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstdint>
#include <set>

using pathline::detail::fingerprint;

TEST_CASE("A fingerprint changes with every byte, and goes on where another ended", "[core]") {
  std::array<unsigned char, 19> bytes{};
  std::set<std::uint64_t> seen{fingerprint(bytes.data(), bytes.size())};
  for (unsigned char& byte : bytes) {
    byte = 1;
    CHECK(seen.insert(fingerprint(bytes.data(), bytes.size())).second);
    byte = 128;  // the highest bit reaches the lowest ones
    CHECK(seen.insert(fingerprint(bytes.data(), bytes.size())).second);
    byte = 0;
  }
  CHECK(fingerprint(bytes.data(), 0) == fingerprint(nullptr, 0));
  CHECK(fingerprint(bytes.data() + 8, 11, fingerprint(bytes.data(), 8)) == fingerprint(bytes.data(), 19));
}
