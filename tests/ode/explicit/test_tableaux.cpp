// Every shipped tableau has the order that it claims: on paper (static_asserts) and in use.
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <cmath>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(Euler::tableau) == TableauDefect::none, "Euler: see TableauDefect");
static_assert(tableau_defect(Midpoint::tableau) == TableauDefect::none, "Midpoint: see TableauDefect");
static_assert(tableau_defect(Rk4::tableau) == TableauDefect::none, "Rk4: see TableauDefect");
static_assert(tableau_defect(BogackiShampine::tableau) == TableauDefect::none, "BogackiShampine: see TableauDefect");
static_assert(tableau_defect(Dopri5::tableau) == TableauDefect::none, "Dopri5: see TableauDefect");
static_assert(tableau_defect(Tsit5::tableau) == TableauDefect::none, "Tsit5: see TableauDefect");
static_assert(dense_order_reached(Dopri5::tableau, Dopri5::dense) == Dopri5::dense_order, "Dopri5: see dense_weights");
static_assert(dense_order_reached(Tsit5::tableau, Tsit5::dense) == Tsit5::dense_order, "Tsit5: see dense_weights");

namespace {

// Which methods carry their last stage over is read off the numbers; a wrong digit would switch it off silently.
static_assert(first_same_as_last(BogackiShampine::tableau) && first_same_as_last(Dopri5::tableau));
static_assert(first_same_as_last(Tsit5::tableau));
static_assert(!first_same_as_last(Euler::tableau) && !first_same_as_last(Midpoint::tableau));
static_assert(!first_same_as_last(Rk4::tableau));

}  // namespace

// Halving the step divides the error by 2^p (1 + O(h)). The fifth-order pairs have tiny leading terms, so their slope
// comes to 5 late: 4.75 to 4.9 with these steps, whose errors (1e-12 and more) are far above rounding (1e-14). A wrong
// order would be off by 1.
TEMPLATE_TEST_CASE("A method converges with its order, forward and backward", "[ode][order]", Euler, Midpoint, Rk4,
                   BogackiShampine, Dopri5, Tsit5) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 3.0}, std::pair{3.0, 0.0});
  const double slope = std::log2(global_error<TestType>(32, t0, t1) / global_error<TestType>(64, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.35));
}

// One step is wrong by O(h^(p+1)). h = 0.02 and 0.01 keep the errors of order 5 (1e-12) above rounding (1e-15);
// there their slope is still 6.4.
TEMPLATE_TEST_CASE("One step of a method and of its embedded partner is wrong by their orders", "[ode][order]", Euler,
                   Midpoint, Rk4, BogackiShampine, Dopri5, Tsit5) {
  constexpr auto T = TestType::tableau;
  CHECK(local_order<TestType>(0.01, T.b) == Approx(T.order + 1).margin(0.45));
  if constexpr (EmbeddedMethod<TestType>)
    CHECK(local_order<TestType>(0.01, T.b_embedded) == Approx(T.embedded_order + 1).margin(0.45));
}

// y' = M y against exp(M) by its Taylor series after 2^-10 scaling; 2000 steps of order 3 leave (1/2000)³ ≈ 1e-10.
TEMPLATE_TEST_CASE("A linear system is carried by the matrix exponential", "[ode][order]", Rk4, BogackiShampine, Dopri5,
                   Tsit5) {
  Eigen::Matrix3d M;
  M << -0.5, 0.8, 0.1, -0.9, 0.2, -0.3, 0.4, 0.1, -0.7;
  const Eigen::Matrix3d small = M / 1024;
  Eigen::Matrix3d exponential = Eigen::Matrix3d::Identity(), term = exponential;
  for (int k = 1; k < 8; ++k) {
    term = (term * small / k).eval();
    exponential += term;
  }
  for (int k = 0; k < 10; ++k) exponential = (exponential * exponential).eval();

  const auto rhs = [&](double, const Eigen::Matrix3d& Y, Eigen::Matrix3d& dY) { dY.noalias() = M * Y; };
  const double times[] = {0, 1};
  for (const bool backward : {false, true}) {
    Eigen::Matrix3d Y = backward ? exponential : Eigen::Matrix3d(Eigen::Matrix3d::Identity());
    const double reversed[] = {1, 0};
    Stepper<TestType, Eigen::Matrix3d> stepper;
    integrate(TestType{}, FixedSteps(2000), rhs, Y, backward ? reversed : times, stepper);
    const Eigen::Matrix3d expected = backward ? Eigen::Matrix3d(Eigen::Matrix3d::Identity()) : exponential;
    CHECK((Y - expected).cwiseAbs().maxCoeff() < 1e-10);
  }
}

}  // namespace pathline
