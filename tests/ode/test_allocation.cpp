// After its stepper has the shape, a solve asks the heap for nothing; static states never do.
#include <pathline/ode.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/ode_problems.hpp>

namespace pathline {
namespace {

/// Requests of the second solve with one stepper.
template <class Method, class Control, class State>
long second_solve(const Control& control, const State& y0) {
  Stepper<Method, State> stepper;
  Decay rhs{-3};
  const double times[] = {0, 0.5, 0.5, 2};
  State first = y0, second = y0;
  integrate(Method{}, control, rhs, first, times, stepper);
  const AllocationCounter counter;
  integrate(Method{}, control, rhs, second, times, stepper);
  return counter.count();
}

}  // namespace

TEMPLATE_TEST_CASE("A second solve of the same shape allocates nothing", "[ode][memory]", Dopri5, BogackiShampine,
                   Dop853) {
  CHECK(second_solve<TestType>(PiController{}, Batch<double>(Batch<double>::Ones(3, 50))) == 0);
  CHECK(second_solve<TestType>(FixedSteps(20), Batch<float, 2>(Batch<float, 2>::Ones(2, 7))) == 0);
}

TEST_CASE("A second solve with implicit Euler allocates nothing", "[ode][memory]") {
  CHECK(second_solve<ImplicitEuler>(FixedSteps(20), Batch<double>(Batch<double>::Ones(3, 50))) == 0);
}

TEMPLATE_TEST_CASE("A second solve with a method for stiff problems allocates nothing", "[ode][memory]", Sdirk4,
                   Kvaerno5, Rosenbrock23, Rodas4) {
  CHECK(second_solve<TestType>(PiController{}, Batch<double>(Batch<double>::Ones(3, 50))) == 0);
  CHECK(second_solve<TestType>(FixedSteps(20), Batch<float, 2>(Batch<float, 2>::Ones(2, 7))) == 0);
}

TEST_CASE("A second solve with an additive method allocates nothing", "[ode][memory]") {
  struct Parts {
    Decay explicit_part{-1}, implicit_part{-3};
  } rhs;
  Stepper<KennedyCarpenter4, Batch<double>> stepper;
  const double times[] = {0, 0.5, 2};
  Batch<double> first = Batch<double>::Ones(3, 50), second = first;
  integrate(KennedyCarpenter4{}, PiController{}, rhs, first, times, stepper);
  const AllocationCounter counter;
  integrate(KennedyCarpenter4{}, PiController{}, rhs, second, times, stepper);
  CHECK(counter.count() == 0);
}

// A count of zero means something only where the first solve counts.
TEST_CASE("The first solve of a shape allocates, and is seen to", "[ode][memory]") {
  Decay rhs{-3};
  const Batch<double> y0 = Batch<double>::Ones(3, 50);
  const AllocationCounter counter;
  const Batch<double> y = solve(rhs, y0, 0, 1);
  CHECK(y.allFinite());
  if (AllocationCounter::available) CHECK(counter.count() >= 10);  // 7 stages, y, y_next, the error
}

TEST_CASE("A static state is solved without the heap from the first step on", "[ode][memory]") {
  const Eigen::Vector3d y0(1, 2, 3);
  Decay rhs{-3};
  const AllocationCounter counter;
  const Eigen::Vector3d adaptive = solve(rhs, y0, 0, 2);
  const Eigen::Vector3d fixed = solve(rhs, y0, 2, 0, Rk4{}, FixedSteps(50));
  CHECK(counter.count() == 0);
  CHECK((adaptive.allFinite() && fixed.allFinite()));
}

namespace {

/// Its Jacobian comes in any matrix.
struct Relaxation : Decay {
  template <class Matrix>
  void jacobian(double, const Eigen::Vector3d&, Matrix& J) const {
    J = rate * Eigen::Matrix3d::Identity();
  }
};

/// Requests of solves from the stepper's construction on.
template <class Method, class Rhs>
long first_solves(Rhs rhs) {
  const Eigen::Vector3d y0(1, 2, 3);
  Eigen::Vector3d y = y0, z = y0;
  const double times[] = {0, 0.5, 2};
  const AllocationCounter counter;
  Stepper<Method, Eigen::Vector3d> stepper;
  integrate(Method{}, FixedSteps(20), rhs, y, times, stepper);
  if constexpr (EmbeddedMethod<Method>) {
    Stepper<Method, Eigen::Vector3d> other;
    integrate(Method{}, PiController{}, rhs, z, times, other);
  }
  CHECK((y.allFinite() && z.allFinite() && y != y0));
  return counter.count();
}

}  // namespace

TEMPLATE_TEST_CASE("An implicit method solves a small static state without the heap", "[ode][memory]", ImplicitEuler,
                   Kvaerno5, GaussLegendre4, RadauIia5, Rodas4) {
  CHECK(first_solves<TestType>(Decay{-3}) == 0);
  CHECK(first_solves<TestType>(Relaxation{{-3}}) == 0);
}

TEST_CASE("An additive method solves a small static state without the heap", "[ode][memory]") {
  struct Parts {
    Decay explicit_part{-1};
    Relaxation implicit_part{{-3}};
  };
  CHECK(first_solves<KennedyCarpenter4>(Parts{}) == 0);
}

// A stepper often lies on the stack.
static_assert(sizeof(Stepper<RadauIia5, Eigen::Matrix<double, 17, 1>>) < 8000);

}  // namespace pathline
