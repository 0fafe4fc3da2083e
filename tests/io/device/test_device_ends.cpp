#include <pathline/io/device/device_ends.hpp>

#include <support/catch.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::io::detail;

static_assert(DeviceTransform<NoTransform>::known && DeviceTransform<Whiten<double>>::known);
static_assert(!DeviceTransform<int>::known && !DeviceContext<int>::known && !DeviceBase<int>::known);

TEST_CASE("A triangular factor is written row by row, without what is above its diagonal", "[io][device]") {
  const Batch<double> L{{1, 0, 0}, {2, 3, 0}, {4, 5, 6}};
  const Batch<double> transposed = L.transpose();
  CHECK(packed_rows<float>(transposed) == Vector<float>{{1, 2, 3, 4, 5, 6}});
}

TEST_CASE("Constants of a base density and of a data transform are in the text", "[io][device]") {
  // -log det of the deviations, -log(2 · 8).
  const Standardize<double> standardize(Vector<double>{{1, 2}}, Vector<double>{{2, 8}});
  const DevicePartText transform = DeviceTransform<Standardize<double>>::text<double>(standardize);
  CHECK(transform.description == "Standardize");
  CHECK_THAT(transform.code, ContainsSubstring("return " + literal(-std::log(16.)) + ";"));
  CHECK_THAT(transform.code, ContainsSubstring("data_mean") && ContainsSubstring("data_deviation"));

  const DevicePartText normal = DeviceBase<StandardNormal>::text<double>(StandardNormal{}, 3);
  CHECK(normal.description == "StandardNormal");
  CHECK_THAT(normal.code, ContainsSubstring(literal(pathline::detail::log_sqrt_2_pi * 3) + ";"));
  CHECK(DeviceContext<NoContextTransform>::text(NoContextTransform{}).description.empty());
  CHECK(DeviceTransform<NoTransform>::text<float>(NoTransform{}).description == "no data transform");
}
