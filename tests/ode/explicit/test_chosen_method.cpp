#include <pathline/ode/explicit/chosen_method.hpp>

#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/real_time.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>

using namespace pathline;

namespace {

template <class State, class Slope>
void swing(double t, const State& y, Slope& dy) {
  for (Index j = 0; j < y.cols(); ++j) {
    dy(0, j) = y(1, j);
    dy(1, j) = std::cos(t) - std::sin(y(0, j));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("A chosen method makes the steps of FixedSteps, at the same cost", "[ode][chosen-method]", Midpoint,
                   BogackiShampine, Rk4, Tsit5) {
  const Eigen::MatrixXd start = (Eigen::MatrixXd(2, 3) << 1, 0.5, -2, -0.5, 0, 1).finished();
  const ChosenMethod method = chosen_method<TestType>("it");
  CHECK(method.name == "it");
  CHECK(method.order == TestType::tableau.order);
  const auto rhs = [](double t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) { swing(t, y, dy); };
  Eigen::MatrixXd y = start;
  Workspace<double> workspace;
  Index calls = 0;
  double latest = 0;
  const auto run = [&](double from, double to) {
    detail::run_fixed_steps<double>(method, 7, from, to, BatchMap<double>(y.data(), 2, 3), workspace,
                                    [&](double t, const BatchMap<double>& at, BatchMap<double> dy) {
                                      swing(t, at, dy);
                                      latest = t;
                                      ++calls;
                                    });
  };
  run(1, 3);
  CHECK(calls == RealTimeSolver<TestType, Eigen::Vector2d>(Eigen::Vector2d(), 7).evaluations());
  CHECK(calls == 7 * method.stages());
  CHECK(latest <= 3);
  // Sums in another order: some roundings of numbers of order 1. One step too few is off by 1e-4 and more.
  CHECK((y - solve(rhs, start, 1, 3, TestType{}, FixedSteps(7))).cwiseAbs().maxCoeff() < 1e-13);
  const AllocationCounter counter;
  run(3, 1);
  CHECK(counter.count() == 0);
  CHECK((y - start).cwiseAbs().maxCoeff() < (method.order == 2 ? 0.2 : 0.02));  // there and back
}
