#include <pathline/nn/time/time_features.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <span>

using namespace pathline;
using namespace pathline::test;

namespace {

/// φ(t) = (t², t³).
const auto powers = [](double t, VectorRef<double> value, VectorRef<double> first, VectorRef<double> second) {
  value << t * t, t * t * t;
  first << 2 * t, 3 * t * t;
  second << 2, 6 * t;
};

}  // namespace

TEST_CASE("Time features stand instead of time or behind the context, and move with time", "[nn]") {
  using detail::FeaturePlace;
  const FeaturePlace place = GENERATE(FeaturePlace::instead_of_time, FeaturePlace::behind_context);
  const bool instead = place == FeaturePlace::instead_of_time;
  const Index n = 2, side = 2;
  Batch<double> S(3, 4);
  S << 2, 3, 1, 10, /* t */ 5, 6, 7, 8, /* context */ 9, 9, 9, 9 /* not read */;
  Vector<double> tape(detail::TimeFeatures<double>::size(2, side, n, 1));
  Slices<double> slices{std::span<double>(tape.data(), std::size_t(tape.size()))};
  detail::TimeFeatures<double> features(slices, place, 2, side, n, 4);
  features.evaluate(S, powers);
  Batch<double> phi(2, 4), rest(instead ? 1 : 2, 4);
  phi << 4, 9, 4 * 1, 6 * 10, 8, 27, 12 * 1, 27 * 10;  // t², t³; 2t ṫ, 3t² ṫ
  rest = S.middleRows(instead ? 1 : 0, rest.rows());
  CHECK(features.inner().middleRows(instead ? 0 : 2, 2) == phi);  // small integers: exact
  CHECK(features.inner().middleRows(instead ? 2 : 0, rest.rows()) == rest);

  Batch<double> inner_bar = Batch<double>::Zero(features.inner().rows(), 4), S_bar = Batch<double>::Zero(3, 4);
  inner_bar.middleRows(instead ? 0 : 2, 2).setOnes();
  features.pullback(S, inner_bar, S_bar);
  Batch<double> expected = Batch<double>::Zero(3, 4);
  // φ' and φ'' ṫ for values, φ' for tangents.
  expected.row(0) << (4 + 12) + (2 + 12) * 1, (6 + 27) + (2 + 18) * 10, 4 + 12, 6 + 27;
  CHECK(S_bar == expected);
}
