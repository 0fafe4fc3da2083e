#include <pathline/math/fetch_ahead.hpp>

#include <pathline/math/small_product.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

using namespace pathline;
using namespace pathline::test;

namespace {

std::size_t left_to_fetch() {
  const auto& ahead = detail::fetch_ahead;
  return ahead.next < ahead.end ? std::size_t(ahead.end - ahead.next) : 0;
}

}  // namespace

TEST_CASE("Products that fetch memory meanwhile have the same bits, and get to its end", "[math]") {
  const Index depth = GENERATE(8, 31, 32, 64);
  const Batch<float> A = gaussian(0, 64, depth).cast<float>(), B = gaussian(1, depth, 60).cast<float>();
  const Vector<float> record = Vector<float>::Zero(5000);  // 20 KB
  Batch<float> C(64, 60), D(64, 60);
  detail::fetch_while_multiplying(nullptr, 0);
  set_product<float>(A, B, C);
  CHECK(left_to_fetch() == 0);

  detail::fetch_while_multiplying(record.data(), 20000);
  CHECK(left_to_fetch() == 20000);
  set_product<float>(A, B, D);
  CHECK(std::memcmp(C.data(), D.data(), sizeof(float) * std::size_t(C.size())) == 0);
  if (depth < detail::least_fetching_depth || sizeof(Pack<float>) < 32)
    CHECK(left_to_fetch() == 20000);
  else
    CHECK(left_to_fetch() == 0);
}

TEST_CASE("What is to be fetched is a thread's own, and not more than a cache holds", "[math]") {
  const Vector<float> record = Vector<float>::Zero(100);
  detail::fetch_while_multiplying(record.data(), 400);
  std::size_t of_other = 1;
  std::thread([&] { of_other = left_to_fetch(); }).join();
  CHECK(of_other == 0);
  CHECK(left_to_fetch() == 400);
  detail::fetch_while_multiplying(record.data(), detail::most_fetched_bytes + 1);  // nothing is read there
  CHECK(left_to_fetch() == 0);
}

TEST_CASE("Memory is fetched in a scope, and none after it", "[math]") {
  const Vector<float> record = Vector<float>::Zero(100);
  {
    const detail::FetchWhileMultiplying fetching(record.data(), 400);
    CHECK(left_to_fetch() == 400);
    CHECK(detail::fetch_ahead.next == reinterpret_cast<std::uintptr_t>(record.data()));
  }
  CHECK(left_to_fetch() == 0);
  CHECK(detail::fetch_ahead.next == 0);
}
