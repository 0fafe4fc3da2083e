// What the solvers of implicit equations share: what they count, whom they blame, and whose Jacobian is renewed.
#include <pathline/ode/implicit/newton/newton_columns.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>

#include <limits>
#include <vector>

namespace pathline {
namespace {

struct Column : detail::NewtonColumn<double> {
  static constexpr double slow_rate = 0.5;
  int renewals = 0;
  void renew() { ++renewals; }
};

/// With the inner parts in sight.
struct Columns : detail::NewtonColumns<Batch<double>, Column> {
  using NewtonColumns::any_stale;
  using NewtonColumns::columns_;
  using NewtonColumns::factor_columns;
  using NewtonColumns::J_;
  using NewtonColumns::renew_jacobians;
  using NewtonColumns::reset_columns;
};

}  // namespace

TEST_CASE("A solver counts evaluations and blames the first entry that is not finite", "[ode][newton]") {
  Oscillators rhs;
  detail::EquationSolver solver;
  CHECK(solver.failed_sample() == -1);
  Batch<double> y = oscillators(), dy = y;
  solver.evaluate(rhs, 0, y, dy);
  CHECK(solver.evaluations() == 1);
  CHECK(solver.finite(dy, EquationFault::right_hand_side, 0.5));
  CHECK(solver.failed_sample() == -1);
  dy(1, 2) = std::numeric_limits<double>::infinity();
  dy(0, 3) = std::numeric_limits<double>::quiet_NaN();
  CHECK(solver.fault() == EquationFault::none);
  CHECK_FALSE(solver.finite(dy, EquationFault::right_hand_side, 0.5));
  CHECK(solver.fault() == EquationFault::right_hand_side);
  CHECK(solver.failed_at() == 0.5);
  CHECK(solver.failed_sample() == 2);
  CHECK(solver.failed_component() == 1);
}

TEST_CASE("Only stale columns get a new Jacobian, and only new ones are factored", "[ode][newton]") {
  OscillatorsWithJacobian rhs;
  const Batch<double> y = oscillators();
  Columns solver;
  solver.reset_columns(y);
  solver.J_.setZero(2, 8);
  std::vector<Index> factored;
  const auto all = [](const Column&) { return true; };
  const auto none = [](const Column&) { return false; };
  const auto factor = [&](Index j, const auto&) { factored.push_back(j); };
  CHECK((solver.any_stale(all) && !solver.any_stale(none)));
  solver.renew_jacobians(rhs, 0, y, y, 2, 0.1, {}, none);
  CHECK(solver.columns_[0].stale);
  solver.renew_jacobians(rhs, 0, y, y, 2, 0.1, {}, all);
  solver.factor_columns(2, factor);
  CHECK(factored == std::vector<Index>{0, 1, 2, 3});
  CHECK_FALSE(solver.any_stale(all));

  const Batch<double> before = solver.J_;
  factored.clear();
  solver.columns_[1].worst_rate = 0.6;
  solver.columns_[2].worst_rate = 0.4;
  solver.forget_slow_jacobians();
  CHECK(solver.columns_[2].worst_rate == 0);
  CHECK(solver.any_stale(all));
  solver.renew_jacobians(rhs, 0, 2 * y, y, 2, 0.1, {}, all);
  solver.factor_columns(2, factor);
  CHECK(factored == std::vector<Index>{1});
  CHECK((solver.columns_[1].renewals == 2 && solver.columns_[2].renewals == 1));
  CHECK(solver.J_.middleCols(2, 2) != before.middleCols(2, 2));
  CHECK(solver.J_.rightCols(4) == before.rightCols(4));

  solver.columns_[3].done = true;  // who has arrived needs none
  solver.columns_[3].stale = true;
  CHECK_FALSE(solver.any_stale(all));
  solver.forget_jacobians();
  solver.columns_[3].done = false;
  CHECK(solver.any_stale(all));
}

}  // namespace pathline
