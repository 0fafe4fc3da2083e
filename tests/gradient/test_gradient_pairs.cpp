// The law of gradients for the methods that solve any field. Those of fields in two parts run it beside their own
// tests, in gradient/parts.
#include <pathline/gradient.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>

#include <support/catch.hpp>
#include <support/gradient_pairs.hpp>

#include <cstddef>
#include <iostream>
#include <span>
#include <vector>

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

/// The same, whose second row is drawn to zero at the rate of 300, for times of one: W_2 tanh(W_1 z + …) with -300 in
/// one product of weights.
template <class Checks>
int all_stiff_pairs(const char* family, const Checks& checks) {
  Rng rng(11);
  Mlp<double, Tanh> field(2, {3}, rng);
  const Index second = 3 * 4;  // of [U | W | b], 3 rows from time and two inputs, comes the layer of the outputs
  Vector<double>& theta = field.parameters();
  theta.segment(3 + 2, 1).setZero();  // the third unit sees z_2 alone
  theta(3 + 3 + 2) = 0.5;
  theta(2) = theta(3 * 3 + 2) = 0;
  theta(second + 2 + 2 * 2) = 0;
  theta(second + 2 + 2 * 2 + 1) = -600;
  const Batch<double> start{{0.4, -1.1}, {0.02, 0.03}};
  const FieldDynamics dynamics(field, 2);
  Workspace<double> workspace;
  Batch<double> moved = start, slope(2, 2), moved_slope(2, 2);
  Vector<double> tape(dynamics.tape_size());
  moved.row(1).array() += 1e-6;
  const std::span<double> slot(tape.data(), std::size_t(tape.size()));
  dynamics.evaluate(0, start, slope, slot, workspace);
  dynamics.evaluate(0, moved, moved_slope, slot, workspace);
  REQUIRE((moved_slope - slope).row(1).maxCoeff() / 1e-6 < -250);
  GradientPairs<Mlp<double, Tanh>> pairs(field, start, {0, 0.4, 1}, false, true);
  checks(pairs);
  std::cout << family << ": " << pairs.count() << " pairs\n";
  return pairs.count();
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
        }) == 3 * 5 * (15 + 8));
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
        }) == 3 * 5 * (12 + 6));
}

TEST_CASE("Gradients of Rosenbrock methods, all pairs", "[gradient][pairs]") {
  CHECK(all_pairs("Rosenbrock methods", [](auto& pairs) {
          PATHLINE_PAIRS(Rosenbrock23);
          PATHLINE_PAIRS(Rodas4);
        }) == 3 * 4 * (2 + 2));
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
        }) == 3 * 5 * 10);
}

TEST_CASE("Gradients of implicit methods of a stiff field", "[gradient][pairs]") {
  CHECK(all_stiff_pairs("Stiff", [](auto& pairs) {
          PATHLINE_PAIRS(TrBdf2);
          PATHLINE_PAIRS(Sdirk4);
          PATHLINE_PAIRS(Kvaerno5);
          PATHLINE_PAIRS(RadauIia5);
          PATHLINE_PAIRS(Rodas4);
          const PiController control{.rtol = pairs.tolerance, .atol = pairs.tolerance};
          pairs.template check_interpolated<Kvaerno5>("Kvaerno5", control);
          pairs.template check_interpolated<RadauIia5>("RadauIia5", control);
        }) == 2 * 4 * 5 + 2);
}

TEST_CASE("Gradients of reversible methods, all pairs", "[gradient][pairs]") {
  CHECK(all_pairs("Reversible methods", [](auto& pairs) {
          pairs.template check_reversible<Reversible<Rk4>>("Reversible<Rk4>");
          pairs.template check_reversible<Reversible<Dopri5>>("Reversible<Dopri5>");
          pairs.template check_reversible<ReversibleHeun>("ReversibleHeun");
        }) == 3 * 2 * 3);
}

TEST_CASE("Continuous adjoints by solvers of their own come nearer as tolerances shrink", "[gradient][pairs]") {
  CHECK(all_pairs("Adjoints", [](auto& pairs) {
          PATHLINE_ADJOINTS(Dopri5);
          PATHLINE_ADJOINTS(Kvaerno5);
          PATHLINE_ADJOINTS(RadauIia5);
        }) == 3 * 4 * 3);
}
