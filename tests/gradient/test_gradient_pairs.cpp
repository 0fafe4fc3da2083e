// The law of gradients for the methods that solve any field. Those of fields in two parts run it beside their own
// tests, in gradient/parts.
#include <pathline/gradient.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode.hpp>

#include <support/catch.hpp>
#include <support/gradient_pairs.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

/// Two samples of a small network.
template <class Checks>
int all_pairs(const char* family, const Checks& checks) {
  Rng rng(11);
  Mlp<double, Tanh> field(2, {2}, rng);
  field.parameters() *= 1.5;
  return both_directions(family, field, Batch<double>{{0.4, -1.1}, {0.9, 0.3}}, checks);
}

}  // namespace

TEST_CASE("Gradients of explicit methods, all pairs", "[gradient][pairs]") {
  CHECK(all_pairs("Explicit methods", [](auto& pairs) {
          PATHLINE_PAIRS(Euler);
          PATHLINE_PAIRS(Midpoint);
          PATHLINE_PAIRS(Heun);
          PATHLINE_PAIRS(Ralston);
          PATHLINE_PAIRS(SspRk3);
          PATHLINE_PAIRS(Rk4);
          PATHLINE_PAIRS(Kutta38);
          PATHLINE_PAIRS(HeunEuler);
          PATHLINE_PAIRS(BogackiShampine);
          PATHLINE_PAIRS(Fehlberg);
          PATHLINE_PAIRS(CashKarp);
          PATHLINE_PAIRS(Dopri5);
          PATHLINE_PAIRS(Tsit5);
          PATHLINE_PAIRS(Verner65);
          PATHLINE_PAIRS(Dop853);
        }) == 2 * 5 * (15 + 8));
}

TEST_CASE("Gradients of implicit methods, all pairs", "[gradient][pairs]") {
  CHECK(all_pairs("Implicit methods", [](auto& pairs) {
          PATHLINE_PAIRS(ImplicitEuler);
          PATHLINE_PAIRS(ImplicitMidpoint);
          PATHLINE_PAIRS(CrankNicolson);
          PATHLINE_PAIRS(TrBdf2);
          PATHLINE_PAIRS(Sdirk2);
          PATHLINE_PAIRS(Sdirk3);
          PATHLINE_PAIRS(Sdirk4);
          PATHLINE_PAIRS(Kvaerno3);
          PATHLINE_PAIRS(Kvaerno5);
          PATHLINE_PAIRS(Esdirk547L2SA2);
          PATHLINE_PAIRS(GaussLegendre4);
          PATHLINE_PAIRS(RadauIia5);
        }) == 2 * 3 * (12 + 6));
}

TEST_CASE("Gradients of Rosenbrock methods, all pairs", "[gradient][pairs]") {
  CHECK(all_pairs("Rosenbrock methods", [](auto& pairs) {
          PATHLINE_PAIRS(Rosenbrock23);
          PATHLINE_PAIRS(Rodas4);
        }) == 2 * 3 * (2 + 2));
}

TEST_CASE("Gradients of multistep methods, all pairs", "[gradient][pairs]") {
  CHECK(all_pairs("Multistep methods", [](auto& pairs) {
          PATHLINE_PAIRS(AdamsBashforth<1>);
          PATHLINE_PAIRS(AdamsBashforth<2>);
          PATHLINE_PAIRS(AdamsBashforth<3>);
          PATHLINE_PAIRS(AdamsBashforth<4>);
          PATHLINE_PAIRS(AdamsBashforth<5>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<1>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<2>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<3>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<4>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<5>);
        }) == 2 * 3 * 10);
}
