#include <pathline/nn/potential.hpp>

#include <pathline/core/chunks.hpp>
#include <pathline/nn/network.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/layer_laws.hpp>
#include <support/traced_laws.hpp>

#include <cmath>
#include <span>

using namespace pathline;
using namespace pathline::test;

static_assert(TracedLayer<Potential<float>> && TracedLayer<Potential<double>>);
static_assert(TracedField<Network<Potential<double>>> && PotentialField<Network<Potential<float>>>);

TEST_CASE("Potential keeps the law of traced layers", "[nn][gradient]") {
  for (const Index depth : {1, 2, 3, 4}) {
    INFO("depth " << depth);
    check_traced_laws(Potential<double>(2, 5, depth));
  }
  check_traced_laws(Potential<double>(1, 4, 1));
  check_traced_laws(Potential<double>(5, 9, 2));
}

TEST_CASE("Potential keeps the law of layers", "[nn][gradient]") {
  for (const Index depth : {1, 2, 3, 4}) {
    INFO("depth " << depth);
    check_layer_laws(Potential<double>(2, 4, depth));
  }
  check_layer_laws(Potential<double>(1, 3, 1));
  check_layer_laws(Potential<double>(5, 4, 2));
}
