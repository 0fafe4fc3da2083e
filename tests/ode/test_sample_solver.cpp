// The bits of a sample, its steps, and what the right-hand side is called with; the front is tested in test_try_solve.
#include <pathline/ode/sample_solver.hpp>

#include <pathline/ode/dormand_prince_853.hpp>
#include <pathline/ode/embedded_pairs.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/try_solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace pathline {
namespace {

/// A small network with a time for each column: products, so that the number of columns could show in the bits.
struct Network {
  Eigen::MatrixXd first =
      Eigen::MatrixXd::NullaryExpr(9, 3, [](Index i, Index j) { return std::sin(1. + double(i + 5 * j)); });
  Eigen::MatrixXd second =
      Eigen::MatrixXd::NullaryExpr(3, 9, [](Index i, Index j) { return std::cos(2. + double(3 * i + j)); });
  Eigen::MatrixXd hidden{};
  Index calls = 0, columns = 0;

  template <class Time>
  void operator()(const Time& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    hidden.noalias() = first * y;
    hidden = hidden.array() / (1 + hidden.array().square());
    dy.noalias() = second * hidden;
    if constexpr (requires { t.size(); })
      for (Index j = 0; j < y.cols(); ++j) dy.col(j) *= 3 * std::sin(4 * t(j));
    else
      dy *= 3 * std::sin(4 * t);
    ++calls, columns += y.cols();
  }
};

Eigen::MatrixXd some_states(Index n) {
  return Eigen::MatrixXd::NullaryExpr(3, n, [](Index i, Index j) { return 2 * std::sin(double(7 * i + j * j)); });
}

template <class Method>
BatchResult<Eigen::MatrixXd> solve_all(const Eigen::MatrixXd& Y) {
  Network network;
  const auto rhs = [&](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) { network(t, y, dy); };
  return try_solve(rhs, Y, 0, 2, Method{}, PerSample(PiController{.rtol = 1e-7, .atol = 1e-9}));
}

}  // namespace

TEMPLATE_TEST_CASE("A sample's bits and steps do not depend on its neighbours", "[ode][per_sample]", Dopri5, Dop853) {
  const Eigen::MatrixXd Y = some_states(41);
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

TEMPLATE_TEST_CASE("A sample takes the steps of a solve of its own", "[ode][per_sample]", BogackiShampine, CashKarp,
                   Dop853) {
  const Eigen::MatrixXd Y = some_states(5);
  const auto together = solve_all<TestType>(Y);
  for (Index j = 0; j < Y.cols(); ++j) {
    Network network;
    Eigen::MatrixXd y = Y.col(j);
    const double times[] = {0, 2};
    Stepper<TestType, Eigen::MatrixXd> stepper;
    const PiController control{.rtol = 1e-7, .atol = 1e-9};
    const Statistics alone = integrate(TestType{}, control, network, y, times, stepper);
    CHECK(together.samples[std::size_t(j)].statistics.accepted == alone.accepted);
    CHECK(together.samples[std::size_t(j)].statistics.rejected == alone.rejected);
    if (Stepper<TestType, Eigen::MatrixXd>::fsal)
      CHECK(together.samples[std::size_t(j)].statistics.evaluations == alone.evaluations);
    CHECK((together.states.col(j) - y).norm() < 1e-12 * y.norm());
  }
}

TEST_CASE("Samples that have arrived are evaluated no more", "[ode][per_sample]") {
  // 8 of 64 samples go a hundred times as far.
  std::vector<std::vector<double>> times(64, {0., 0.1});
  for (std::size_t j = 0; j < 8; ++j) times[8 * j] = {0., 10.};
  Index columns = 0, evaluations = 0;
  const auto rhs = [&](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    columns += y.cols();
    for (Index j = 0; j < y.cols(); ++j) dy.col(j) = -y.col(j) * (2 + std::sin(9 * t(j)));
  };
  const auto results = try_solve(rhs, some_states(64), times, Dopri5{}, PerSample(PiController{}, 8));
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
    const auto rhs = [](const Row<double>&, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) { dy = -y; };
    const AllocationCounter counter;
    (void)try_solve(rhs, Eigen::MatrixXd::Ones(2, 30), 0, t1, Dopri5{}, PerSample(PiController{}));
    return counter.count();
  };
  CHECK(allocations_up_to(1) == allocations_up_to(20));
}

}  // namespace pathline
