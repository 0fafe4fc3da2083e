#include <pathline/ode/try_solve.hpp>

#include <pathline/ode/control/error_control.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace pathline {
namespace {

const PiController tight{.rtol = 1e-9, .atol = 1e-12};

/// y' = y², which leaves the numbers at t = 1 / y0 where y0 > 0.
const auto explosion = [](double, const auto& y, auto& dy) { dy = y.cwiseAbs2(); };

double explosion_at(double y0, double t) { return y0 / (1 - y0 * t); }

}  // namespace

TEST_CASE("try_solve refuses a tolerance that no number can meet, for every sample", "[ode][per_sample][errors]") {
  const Eigen::RowVector4d Y(0.1, 0.2, -1, 0.3);
  const auto result = try_solve(explosion, Y, 0, 1, Dopri5{}, PerSample(PiController{.rtol = 1e-17}));
  for (const SolveStatus& sample : result.samples) {
    CHECK(sample.outcome == SolveOutcome::bad_input);
    CHECK_THAT(sample.message(), ContainsSubstring("rtol is 1e-17, expected 0 or at least 1.11022302e-16"));
  }
}

TEST_CASE("One failed sample leaves the rest alone, and says where it stopped", "[ode][per_sample][errors]") {
  const Eigen::RowVector4d Y(0.1, 2, -1, 0.3);
  const auto result = try_solve(explosion, Y, 0, 1, Dopri5{}, PerSample(tight));
  CHECK_FALSE(result.ok());
  for (const Index j : {0, 2, 3}) {
    const SolveStatus& status = result.samples[std::size_t(j)];
    CHECK(status.ok());
    CHECK(status.t == 1);
    CHECK(result.states(0, j) == Approx(explosion_at(Y(j), 1)).epsilon(1e-8));
  }
  const SolveStatus& failed = result.samples[1];
  CHECK((failed.outcome == SolveOutcome::step_underflow || failed.outcome == SolveOutcome::step_limit));
  CHECK(failed.t == Approx(0.5).epsilon(1e-6));
  CHECK(failed.sample == 1);
  CHECK(failed.component == 0);
  CHECK(failed.statistics.rejected > 0);
  CHECK(result.states(0, 1) > 1e6);  // where it stopped
  CHECK_THAT(failed.message(), ContainsSubstring("of sample 1") && ContainsSubstring("t = 0.5"));
  CHECK_THROWS_AS(solve(explosion, Y, 0, 1, Dopri5{}, PerSample(tight)), SolveError);
}

TEST_CASE("Each way to fail of a sample has its status", "[ode][per_sample][errors]") {
  const auto outcome_of = [](const auto& rhs, double y0, const auto& control) {
    const auto result = try_solve(rhs, Eigen::RowVector2d(y0, 0.125), 0, 1, Tsit5{}, PerSample(control));
    CHECK(result.samples[1].ok());
    return result.samples[0];
  };
  SECTION("a start that is not finite") {
    const SolveStatus status = outcome_of(explosion, std::nan(""), tight);
    CHECK(status.outcome == SolveOutcome::bad_input);
    CHECK(status.message() == "solve: y0 of sample 0 is not finite");
  }
  SECTION("a start outside of the domain") {
    const WithDomain control(tight, [](const auto& y) { return y(0) > 0; });
    CHECK_THAT(outcome_of(explosion, -1, control).message(), ContainsSubstring("sample 0 is outside of the domain"));
  }
  SECTION("a right-hand side that is not finite at the start") {
    const auto rhs = [](double, const auto& y, auto& dy) { dy = y.array().sqrt(); };
    const SolveStatus status = outcome_of(rhs, -1, tight);
    CHECK(status.outcome == SolveOutcome::not_finite);
    CHECK_THAT(status.message(), ContainsSubstring("the right-hand side at the start is not finite"));
  }
  SECTION("the step limit") {
    const PiController control{.rtol = 1e-4, .atol = 1e-4, .max_steps = 20};
    const auto rhs = [](double, const auto& y, auto& dy) { dy = -200 * y.array().cube(); };
    const SolveStatus status = outcome_of(rhs, 9, control);
    CHECK(status.outcome == SolveOutcome::step_limit);
    CHECK(status.statistics.accepted + status.statistics.rejected == 20);
  }
  SECTION("the shortest step") {
    PiController control = tight;
    control.min_step = 1e-3;
    const SolveStatus status = outcome_of(explosion, 2, control);
    CHECK(status.outcome == SolveOutcome::step_underflow);
    CHECK(status.min_step == 1e-3);
  }
}

TEST_CASE("Each sample has its own span, direction and outputs", "[ode][per_sample]") {
  const auto rhs = [](double t, const Vector<double>& y, Vector<double>& dy) { dy = y * std::cos(t); };
  const std::vector<std::vector<double>> times{{0, 1, 1, 3}, {2}, {5, 4.5, -1}, {0, 0}, {1, 1, 2}};
  const Eigen::MatrixXd Y = Eigen::MatrixXd::Constant(2, 5, 0.5);
  const auto results = try_solve(rhs, Y, times, Dopri5{}, PerSample(tight));
  for (std::size_t j = 0; j < 5; ++j) {
    INFO("sample " << j);
    CHECK(results[j].status.ok());
    CHECK(results[j].status.t == times[j].back());
    REQUIRE(results[j].times == times[j]);
    REQUIRE(results[j].states.cols() == Index(times[j].size()));
    for (std::size_t i = 0; i < times[j].size(); ++i)
      CHECK(results[j].states(1, Index(i)) ==
            Approx(0.5 * std::exp(std::sin(times[j][i]) - std::sin(times[j][0]))).epsilon(1e-8));
  }
  CHECK(results[1].status.statistics.evaluations == 0);
  CHECK(results[3].status.statistics.evaluations == 0);
}

TEST_CASE("A sample that fails keeps the outputs that it reached", "[ode][per_sample][errors]") {
  const std::vector<std::vector<double>> times{{0, 0.25, 0.4, 0.6}, {0, 0.1}};
  const auto results = try_solve(explosion, Eigen::RowVector2d(2, 2), times, Dopri5{}, PerSample(tight));
  CHECK(results[0].times == std::vector<double>{0, 0.25, 0.4});
  REQUIRE(results[0].states.cols() == 3);
  CHECK(results[0].states(0, 2) == Approx(explosion_at(2, 0.4)).epsilon(1e-7));
  CHECK_FALSE(results[0].status.ok());
  CHECK(results[1].status.ok());
  CHECK_THROWS_AS(solve(explosion, Eigen::RowVector2d(2, 2), times, Dopri5{}, PerSample(tight)), SolveError);
}

TEST_CASE("What no sample can follow is bad input for all, and an exception of solve", "[ode][per_sample][errors]") {
  const Eigen::RowVector2d Y(1, 2);
  const PerSample policy(PiController{.rtol = -1});
  for (const SolveStatus& status : try_solve(explosion, Y, 0, 0.1, Dopri5{}, policy).samples) {
    CHECK(status.outcome == SolveOutcome::bad_input);
    CHECK_THAT(status.message(), ContainsSubstring("rtol"));
  }
  CHECK_THROWS_AS(solve(explosion, Y, 0, 0.1, Dopri5{}, policy), ArgumentError);
  CHECK_THROWS_AS(solve(explosion, Eigen::RowVector2d(1, std::nan("")), 0, 0.1, Dopri5{}, PerSample(tight)), DataError);
  const std::vector<std::vector<double>> one_list{{0., 1.}};
  CHECK_THROWS_AS(solve(explosion, Y, one_list, Dopri5{}, PerSample(tight)), ShapeError);
  CHECK_THROWS_AS(solve(explosion, Y, {{0., 1.}, {}}, Dopri5{}, PerSample(tight)), ArgumentError);
  CHECK(try_solve(explosion, Y, {{0., 1.}, {0., 2., 1.}}, Dopri5{}, PerSample(tight))[0].status.outcome ==
        SolveOutcome::bad_input);
}

TEST_CASE("A right-hand side that changes its shape is bad input of the samples that are on their way",
          "[ode][per_sample][errors]") {
  const auto rhs = [](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    dy = Eigen::MatrixXd::Ones(t(0) < 0.5 ? y.rows() : 3, y.cols());
  };
  const std::vector<std::vector<double>> times{{0, 0.1}, {0, 1}};
  const auto results = try_solve(rhs, Eigen::MatrixXd::Zero(2, 2), times, Dopri5{}, PerSample(tight));
  CHECK(results[0].status.ok());
  CHECK(results[1].status.outcome == SolveOutcome::bad_input);
  CHECK(results[1].status.sample == 1);
  CHECK_THAT(results[1].status.message(), ContainsSubstring("3 rows, expected 2"));
}

TEST_CASE("With one step for all, all samples share a status", "[ode][errors]") {
  const Eigen::RowVector2d Y(1, 2);
  const auto arrived = try_solve(explosion, Y, 0, 0.25, Dopri5{}, tight);
  CHECK(arrived.ok());
  CHECK(arrived.samples[1].t == 0.25);
  CHECK(arrived.samples[1].statistics.accepted > 3);
  CHECK(arrived.states == solve(explosion, Y, 0, 0.25, Dopri5{}, tight));
  const auto failed = try_solve(explosion, Y, 0, 1, Dopri5{}, tight);
  CHECK_FALSE(failed.samples[0].ok());
  CHECK(failed.samples[0].t == Approx(0.5).epsilon(1e-6));
  CHECK(failed.samples[0].sample == 1);  // who is to blame
  CHECK(failed.states(0, 0) == Approx(explosion_at(1, 0.5)).epsilon(1e-5));
  const auto unusable = try_solve(explosion, Y, 0, std::numeric_limits<double>::infinity());
  CHECK(unusable.samples[0].outcome == SolveOutcome::bad_input);
  CHECK(unusable.states == Y);
}

}  // namespace pathline
