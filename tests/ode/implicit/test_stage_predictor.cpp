// First guesses of stages: polynomials through the nearest stages before.
#include <pathline/ode/implicit/stage_predictor.hpp>

#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>

#include <support/catch.hpp>

#include <cstddef>

namespace pathline::detail {
namespace {

static_assert(partner_amplifies<TrBdf2>() && !partner_amplifies<Kvaerno3>() && !partner_amplifies<Sdirk2>());

/// Σ w_j c_j^power of the stages that foretell stage I.
template <class Method, int I, int First>
double moment(int power) {
  double sum = 0;
  for (int j = First; j < I; ++j) {
    double term = PredictorWeights<Method, I, First>::weight(j);
    for (int k = 0; k < power; ++k) term *= Method::tableau.c[std::size_t(j)];
    sum += term;
  }
  return sum;
}

}  // namespace

TEST_CASE("Stages foretell the next one as a polynomial through up to three of them would", "[ode][implicit]") {
  const double c = Kvaerno5::tableau.c[5];
  CHECK(moment<Kvaerno5, 5, 0>(0) == Approx(1).epsilon(1e-12));
  CHECK(moment<Kvaerno5, 5, 0>(1) == Approx(c).epsilon(1e-12));
  CHECK(moment<Kvaerno5, 5, 0>(2) == Approx(c * c).epsilon(1e-12));
  // One stage before it: as it is. None: nothing.
  CHECK(PredictorWeights<KennedyCarpenter4, 2, 1>::weight(1) == 1);
  CHECK(PredictorWeights<Kvaerno3, 1, 1>::weight(0) == 0);
}

TEST_CASE("The slope at the start is foretold from all stages", "[ode][implicit]") {
  double sum = 0, mean = 0;
  for (int j = 0; j < StartWeights<Sdirk4>::count; ++j) {
    sum += StartWeights<Sdirk4>::weight(j);
    mean += StartWeights<Sdirk4>::weight(j) * Sdirk4::tableau.c[std::size_t(j)];
  }
  CHECK(sum == Approx(1).epsilon(1e-12));
  CHECK(mean == Approx(0).margin(1e-12));
}

}  // namespace pathline::detail
