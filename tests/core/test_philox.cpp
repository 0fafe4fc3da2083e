/// \file
/// Philox 4x32-10 against the published known answers and, where it is installed, against Random123 itself.
#include <pathline/core/philox.hpp>

#include <support/catch.hpp>

#if __has_include(<Random123/philox.h>)
#include <Random123/philox.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>

namespace {

using pathline::philox;
using pathline::PhiloxBlock;

// The lines `philox4x32 10` of Random123's file of known answers: counter, key, block.
static_assert(philox({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST_CASE("Philox gives the published known answers at run time too", "[core][random]") {
  const std::uint32_t ones = GENERATE(0xffffffffU);  // not known to the compiler
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
}

#if __has_include(<Random123/philox.h>)
TEST_CASE("Philox agrees with Random123 on 10'000 counters and keys", "[core][random]") {
  PhiloxBlock counter{1, 2, 3, 4};
  std::array<std::uint32_t, 2> key{5, 6};
  int different = 0;
  for (int i = 0; i < 10'000; ++i) {
    const r123::Philox4x32::ctr_type c{{counter[0], counter[1], counter[2], counter[3]}};
    const r123::Philox4x32::key_type k{{key[0], key[1]}};
    const auto expected = r123::Philox4x32()(c, k);
    const PhiloxBlock block = philox(counter, key);
    for (std::size_t word = 0; word < 4; ++word) different += block[word] != expected[word];
    key = {counter[0], block[3]};  // a walk through counters and keys
    counter = block;
  }
  CHECK(different == 0);
}
#endif

}  // namespace
