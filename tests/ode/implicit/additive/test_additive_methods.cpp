// Every additive method has the order and the stability that it claims: on paper (static_asserts in the header) and in
// use, with a split that meets no coupled condition by accident.
#include <pathline/ode/implicit/additive/additive_methods.hpp>

#include <pathline/ode/implicit/additive/additive_stepper.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <cmath>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(KennedyCarpenter3::tableau) == TableauDefect::none,
              "KennedyCarpenter3: see TableauDefect");
static_assert(tableau_defect(KennedyCarpenter4::tableau) == TableauDefect::none,
              "KennedyCarpenter4: see TableauDefect");

namespace {

static_assert(AdditiveMethod<KennedyCarpenter3> && ImplicitMethod<KennedyCarpenter3>);
static_assert(EmbeddedMethod<KennedyCarpenter3> && EmbeddedMethod<KennedyCarpenter4>);
static_assert(!DiagonallyImplicitMethod<KennedyCarpenter4> && !ExplicitMethod<KennedyCarpenter4>);

template <class M>
using On2 = Stepper<M, Eigen::Vector2d>;
static_assert(On2<KennedyCarpenter3>::error_order == 3 && On2<KennedyCarpenter4>::error_order == 4);
static_assert(!On2<KennedyCarpenter3>::filters_error && !On2<KennedyCarpenter4>::filters_error);

template <class M>
constexpr double limit = stability_at_infinity(M::tableau, M::tableau.b);
static_assert(limit<KennedyCarpenter3> < 1e-13 && limit<KennedyCarpenter3> > -1e-13);
static_assert(limit<KennedyCarpenter4> < 1e-13 && limit<KennedyCarpenter4> > -1e-13);

/// What the explicit part has too much and the implicit part too little.
Eigen::Vector2d lent(double t, const Eigen::Vector2d& y) {
  return {0.3 * std::sin(y(1)) + 0.1 * t * y(0), 0.2 * y(0) * y(1)};
}

struct Borrowing {
  void operator()(double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) const {
    CoupledProblem{}(t, y, dy);
    dy = 0.4 * dy + lent(t, y);
  }
};
struct Lending {
  void operator()(double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) const {
    CoupledProblem{}(t, y, dy);
    dy = 0.6 * dy - lent(t, y);
  }
};
struct InParts {
  Borrowing explicit_part;
  Lending implicit_part;
};
static_assert(TwoPartRightHandSide<InParts, Eigen::Vector2d> && !TwoPartRightHandSide<Lending, Eigen::Vector2d>);

/// Errors of single steps of the method and of its partner.
template <class Method>
std::pair<double, double> local_errors(double h) {
  InParts rhs;
  Stepper<Method, Eigen::Vector2d> stepper;
  MeanError solution, partner;
  for (int i = 0; i < 20; ++i) {
    const double t = 0.1 * i;
    Eigen::Vector2d e;
    stepper.init(rhs, t, CoupledProblem::exact(t));
    REQUIRE(stepper.step(rhs, t, h));
    stepper.write_error(e);
    solution.add(t + h, stepper.y_next());
    partner.add(t + h, stepper.y_next() - e);
  }
  return {solution.root(), partner.root()};
}

}  // namespace

TEMPLATE_TEST_CASE("An additive method converges with its order, forward and backward", "[ode][implicit][order]",
                   KennedyCarpenter3, KennedyCarpenter4) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const double slope =
      std::log2(global_error<TestType, InParts>(8, t0, t1) / global_error<TestType, InParts>(16, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.2));
}

TEMPLATE_TEST_CASE("One step of an additive pair and of its partner is wrong by their orders", "[ode][implicit][order]",
                   KennedyCarpenter3, KennedyCarpenter4) {
  const auto [coarse, coarse_partner] = local_errors<TestType>(0.02);
  const auto [fine, fine_partner] = local_errors<TestType>(0.01);
  CHECK(std::log2(coarse / fine) == Approx(TestType::tableau.order + 1).margin(0.25));
  CHECK(std::log2(coarse_partner / fine_partner) == Approx(TestType::tableau.embedded_order + 1).margin(0.25));
}

}  // namespace pathline
