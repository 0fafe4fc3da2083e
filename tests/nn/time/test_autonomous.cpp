#include <pathline/nn/time/autonomous.hpp>

#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>
#include <support/taped_linear.hpp>

using namespace pathline;
using namespace pathline::test;

using Map = TapedLinear;
static_assert(Layer<Autonomous<Map>>);

TEST_CASE("Autonomous keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(Autonomous(Map(3, 2, 2)));
  check_layer_laws(Autonomous(Map(3, 2, 0)));
  check_layer_laws(Autonomous(Map(3, 2, 1)));
}

TEST_CASE("Autonomous allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(Autonomous(Map(8, 16, 2)));
}

TEST_CASE("Autonomous: the context is read, and time is not", "[nn]") {
  CHECK(Autonomous(Map(3, 2, 0)).side_rows() == 0);
  CHECK(Autonomous(Map(3, 2, 1)).side_rows() == 2);
  CHECK(Autonomous(Map(3, 2, 2)).side_rows() == 3);
  const Index columns = GENERATE(1, 4, 8);
  LayerProblem hidden(Autonomous(Map(3, 2, 2)), 4, 1, columns, 0), plain(Map(3, 2, 2), 4, 1, columns, 0);
  plain.S = hidden.S.bottomRows(2);
  hidden.S.row(0).setConstant(not_a_number);
  CHECK(hidden.linearize() == plain.linearize());
  const LayerGradients bar = hidden.pullback(hidden.zero()), plain_bar = plain.pullback(plain.zero());
  CHECK(bar.S.row(0).isZero(0));
  CHECK(bar.S.bottomRows(2) == plain_bar.S);
  CHECK(bar.theta == plain_bar.theta);
}
