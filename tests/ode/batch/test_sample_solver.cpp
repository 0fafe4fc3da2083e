// The bits of a sample, its steps, and what the right-hand side is called with; the front is tested in test_try_solve.
#include <pathline/ode/batch/sample_solver.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/try_solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/small_network.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <span>
#include <vector>

namespace pathline {
namespace {

/// One type, so that a method is compiled once for all of them.
using AnyBatchRhs = std::function<void(const Row<double>&, const Eigen::MatrixXd&, Eigen::MatrixXd&)>;

template <class Method>
BatchResult<Eigen::MatrixXd> solve_all(const Eigen::MatrixXd& Y, double first_step = 0) {
  SmallNetwork network;
  const AnyBatchRhs rhs = [&](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    network(t, y, dy);
  };
  return try_solve(rhs, Y, 0, 2, Method{},
                   PerSample(PiController{.rtol = 1e-7, .atol = 1e-9, .initial_step = first_step}));
}

}  // namespace

TEMPLATE_TEST_CASE("A sample's bits and steps do not depend on its neighbours", "[ode][per_sample]", Dopri5, Dop853) {
  const Eigen::MatrixXd Y = states_of_network(41);
  const auto together = solve_all<TestType>(Y);
  REQUIRE(together.ok());
  std::set<Index> different_steps;
  for (const Index j : {0, 1, 17, 40}) {
    const auto alone = solve_all<TestType>(Y.col(j));
    CHECK(alone.states.col(0) == together.states.col(j));
    CHECK(alone.samples[0].statistics == together.samples[std::size_t(j)].statistics);
    different_steps.insert(alone.samples[0].statistics.evaluations);
  }
  CHECK(different_steps.size() > 1);  // else they all shared a step
  const Eigen::MatrixXd reversed = Y.rowwise().reverse();
  CHECK(solve_all<TestType>(reversed).states == together.states.rowwise().reverse());
}

// As with one step for all: tests/ode/control/test_misleading_estimates.cpp.
TEST_CASE("Vanishing estimates and kinks are found out in every sample", "[ode][per_sample]") {
  bool kinked = false;
  const auto rhs = [&](double t, const Batch<double, 1>& y, Batch<double, 1>& dy) {
    if (kinked)
      dy.setConstant(4 * std::abs(0.5 - (t - 0.25 - std::floor(t - 0.25))) - 1);
    else
      dy = -1e9 * y;
  };
  const Batch<double, 1> Y = Batch<double, 1>::LinSpaced(3, 1, 3);
  // The estimate vanishes where h is 1e-9: exp(-2) came out as 1/9.
  for (const double first : {0., 1e-9}) {
    const auto control = PerSample(PiController{.initial_step = first});
    const Batch<double, 1> decayed = solve(rhs, Y, 0, 2e-9, BogackiShampine{}, control);
    CHECK((decayed - std::exp(-2) * Y).cwiseAbs().maxCoeff() < 1e-5);
  }
  kinked = true;
  const Batch<double, 1> moved =
      solve(rhs, Y, 0, 6.25, BogackiShampine{}, PerSample(PiController{.rtol = 1e-8, .atol = 1e-8}));
  CHECK((moved - Y).cwiseAbs().maxCoeff() == Approx(0.125).epsilon(1e-5));  // a quarter of the period
}

TEMPLATE_TEST_CASE("A sample takes the steps of a solve of its own", "[ode][per_sample]", BogackiShampine, CashKarp,
                   Dop853) {
  const Eigen::MatrixXd Y = states_of_network(5);
  // f is 0 at the start: a first step that is chosen from f there is as long as rounding says.
  const double first_step = 0.1;
  const auto together = solve_all<TestType>(Y, first_step);
  for (Index j = 0; j < Y.cols(); ++j) {
    SmallNetwork network;
    Eigen::MatrixXd y = Y.col(j);
    const double times[] = {0, 2};
    Stepper<TestType, Eigen::MatrixXd> stepper;
    const PiController control{.rtol = 1e-7, .atol = 1e-9, .initial_step = first_step};
    const Statistics alone = integrate(TestType{}, control, network, y, times, stepper);
    CHECK(together.samples[std::size_t(j)].statistics.accepted == alone.accepted);
    CHECK(together.samples[std::size_t(j)].statistics.rejected == alone.rejected);
    if (Stepper<TestType, Eigen::MatrixXd>::fsal)
      CHECK(together.samples[std::size_t(j)].statistics.evaluations == alone.evaluations);
    // Products of padded batches round otherwise; tens of steps carry that on.
    CHECK((together.states.col(j) - y).norm() < 1e-12 * y.norm());
  }
}

// The traps of test_integrate_families.cpp where all samples go at once: each has its own span, far or short or none, a
// NaN on its way, or a limit of steps over all of its outputs.
TEST_CASE("Each sample ends where it should, and NaN or a limit end its own solve alone", "[ode][per_sample]") {
  std::vector<std::vector<double>> times{{0, 1e-300},
                                         {0, -5e-324},
                                         {1e6, std::nextafter(1e6, 2e6)},
                                         {1e6 + 1e-9, 1e6},
                                         {1e15, 1e15 + 2},
                                         {0, 1e11},
                                         {0, 1e300},
                                         {-1e300, 0},
                                         {1, 1},
                                         {0, 1},
                                         {0}};
  const std::size_t becomes_nan = 9, many_outputs = 10;
  for (int i = 1; i <= 40; ++i) times[many_outputs].push_back(i);
  bool inside = true;
  const auto rhs = [&](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy,
                       std::span<const Index> ids) {
    for (Index j = 0; j < y.cols(); ++j) {
      const std::size_t id = std::size_t(ids[std::size_t(j)]);
      const double from = times[id].front(), to = times[id].back(), slope = 1 / (to - from);
      inside = inside && t(j) >= std::min(from, to) && t(j) <= std::max(from, to);
      dy(0, j) = std::isfinite(slope) ? slope : 0;
      if (id == becomes_nan && t(j) > 0.5) dy(0, j) = std::nan("");
      if (id == many_outputs) dy(0, j) = std::cos(30 * t(j));
    }
  };
  const Eigen::MatrixXd Y = Eigen::MatrixXd::Zero(1, Index(times.size()));
  const auto results = try_solve(rhs, Y, times, Dopri5{}, PerSample(PiController{.max_steps = 400}));
  CHECK(inside);
  for (std::size_t j = 0; j < 9; ++j) {
    INFO("sample " << j);
    REQUIRE(results[j].status.ok());
    CHECK(results[j].status.t == times[j].back());
    CHECK(results[j].states(0, 1) == Approx(j == 1 || j == 8 ? 0 : 1).epsilon(1e-12));
  }
  CHECK(results[becomes_nan].status.outcome == SolveOutcome::step_underflow);
  CHECK(results[becomes_nan].status.t == Approx(0.5).epsilon(1e-9));
  const SolveStatus& limited = results[many_outputs].status;
  CHECK(limited.outcome == SolveOutcome::step_limit);
  CHECK(limited.statistics.accepted + limited.statistics.rejected == 400);
  CHECK(results[many_outputs].times.size() > 2);
}

TEST_CASE("A sample's rejected step drops no output, nor does its first skip a forcing", "[ode][per_sample]") {
  const AnyBatchRhs forced = [](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    for (Index j = 0; j < y.cols(); ++j) dy(0, j) = std::sin(double(20 + j) * t(j));
  };
  std::vector<double> outputs;
  for (int i = 0; i <= 50; ++i) outputs.push_back(0.06 * i);
  for (const double first : {0., 3.}) {
    const auto results = try_solve(forced, Eigen::MatrixXd::Zero(1, 2), {outputs, {3, 0, 0}}, Dopri5{},
                                   PerSample(PiController{.rtol = 1e-8, .atol = 1e-8, .initial_step = first}));
    REQUIRE(results[0].times == outputs);
    REQUIRE(results[1].times.size() == 3);
    CHECK((first == 0 || results[1].status.statistics.rejected > 0));
    for (Index i = 0; i <= 50; ++i)
      CHECK(results[0].states(0, i) == Approx((1 - std::cos(20 * outputs[std::size_t(i)])) / 20).margin(1e-6));
    CHECK(results[1].states(0, 2) == Approx((std::cos(63.) - 1) / 21).margin(1e-6));
  }
}

TEST_CASE("Samples that have arrived are evaluated no more", "[ode][per_sample]") {
  // 8 of 64 samples go a hundred times as far.
  std::vector<std::vector<double>> times(64, {0., 0.1});
  for (std::size_t j = 0; j < 8; ++j) times[8 * j] = {0., 10.};
  Index columns = 0, evaluations = 0;
  const AnyBatchRhs rhs = [&](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    columns += y.cols();
    for (Index j = 0; j < y.cols(); ++j) dy.col(j) = -y.col(j) * (2 + std::sin(9 * t(j)));
  };
  const auto results = try_solve(rhs, states_of_network(64), times, Dopri5{}, PerSample(PiController{}, 8));
  for (const auto& result : results) {
    REQUIRE(result.status.ok());
    evaluations += result.status.statistics.evaluations;
  }
  CHECK(columns < 5 * evaluations);  // 24 columns where 8 are left; 64 would be above 7
}

TEMPLATE_TEST_CASE("The right-hand side is told which samples it sees, and copies of them beside", "[ode][per_sample]",
                   Tsit5, CashKarp) {
  const Eigen::MatrixXd rates = (Eigen::MatrixXd(1, 5) << 1, 2, 3, 4, 5).finished();
  const auto rhs = [&](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy,
                       std::span<const Index> ids) {
    REQUIRE(Index(ids.size()) == y.cols());
    REQUIRE(t.cols() == y.cols());
    bool copies = true;
    for (std::size_t j = 0; j < ids.size(); ++j) {
      const auto first = std::size_t(std::find(ids.begin(), ids.end(), ids[j]) - ids.begin());
      copies = copies && y(0, Index(j)) == y(0, Index(first)) && t(Index(j)) == t(Index(first));
    }
    CHECK(copies);
    for (Index j = 0; j < y.cols(); ++j) dy(0, j) = -rates(ids[std::size_t(j)]) * y(0, j);
  };
  std::vector<std::vector<double>> times;
  for (int j = 0; j < 5; ++j) times.push_back({0., 1. + 0.3 * (j * 7 % 5)});
  const auto results = try_solve(rhs, Eigen::MatrixXd::Ones(1, 5), times, TestType{},
                                 PerSample(PiController{.rtol = 1e-9, .atol = 1e-12}));
  for (std::size_t j = 0; j < 5; ++j)
    CHECK(results[j].states(0, 1) == Approx(std::exp(-double(j + 1) * times[j][1])).epsilon(1e-7));
}

TEST_CASE("Steps of its own allocate only where the batch shrinks", "[ode][per_sample][allocations]") {
  const auto allocations_up_to = [](double t1) {
    const AnyBatchRhs rhs = [](const Row<double>&, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) { dy = -y; };
    const AllocationCounter counter;
    (void)try_solve(rhs, Eigen::MatrixXd::Ones(2, 30), 0, t1, Dopri5{}, PerSample(PiController{}));
    return counter.count();
  };
  CHECK(allocations_up_to(1) == allocations_up_to(20));
}

}  // namespace pathline
