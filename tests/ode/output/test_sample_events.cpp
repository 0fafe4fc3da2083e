// Events of each sample: their times against closed forms, and that no sample depends on its neighbours.
#include <pathline/ode/output/sample_events.hpp>

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace pathline {
namespace {

using Column = Eigen::Vector2d;
using Balls = Eigen::Matrix<double, 2, Eigen::Dynamic>;
const PerSample policy(PiController{.rtol = 1e-9, .atol = 1e-9});

/// Heights and velocities under gravity 2; of each sample by its own time.
const auto falling = [](const Row<double>& t, const Balls& y, Balls& dy) {
  for (Index j = 0; j < y.cols(); ++j) dy.col(j) << y(1, j), (t(j) < 1e9 ? -2 : 0);
};
const auto height = [](double, const Column& y) { return y(0); };

struct Bounce {
  double restitution;
  void operator()(double, Column& y) const { y(1) *= -restitution; }
};

auto solve_all(const Balls& y0, double t1, double restitution, bool terminal = false) {
  const Event landing(height, {.crossing = Crossing::falling, .terminal = terminal}, Bounce{restitution});
  return try_solve_events(falling, y0, 0, t1, std::tuple(landing), Dopri5{}, policy);
}

/// Dropped from 1, 4, 9, 16, … it lands after 1, 2, 3, 4, … .
Balls dropped(Index n) {
  Balls y0 = Balls::Zero(2, n);
  for (Index j = 0; j < n; ++j) y0(0, j) = double((j + 1) * (j + 1));
  return y0;
}

}  // namespace

TEST_CASE("Each sample ends at its own event", "[ode][events][per_sample]") {
  const auto samples = solve_all(dropped(5), 4.5, -1, true);
  REQUIRE(samples.size() == 5);
  for (std::size_t j = 0; j < 5; ++j) {
    const auto& sample = samples[j];
    CHECK(sample.status.ok());
    CHECK(sample.status.sample == Index(j));
    CHECK(sample.status.t == sample.trajectory.t1());
    CHECK(sample.status.statistics == sample.trajectory.statistics);
    CHECK(sample.terminated == (j < 4));
    CHECK(sample.hits.size() == (j < 4 ? 1U : 0U));
    const double end = std::min(double(j + 1), 4.5), top = double((j + 1) * (j + 1));
    CHECK(sample.trajectory.t1() == Approx(end).epsilon(1e-13));
    CHECK((sample.y - Column(top - end * end, -2 * end)).norm() < 1e-11);
    CHECK(sample.trajectory(0.5)(0) == Approx(top - 0.25).epsilon(1e-12));
  }
}

TEST_CASE("A sample's events and bits do not depend on its neighbours", "[ode][events][per_sample]") {
  const Balls y0 = dropped(4);
  const auto together = solve_all(y0, 6, 0.75);
  const Balls reversed = y0.rowwise().reverse();
  const auto backwards = solve_all(reversed, 6, 0.75);
  const auto same = [](const auto& a, const auto& b) {
    bool equal = a.y == b.y && a.trajectory.times() == b.trajectory.times() && a.hits.size() == b.hits.size() &&
                 a.status.statistics == b.status.statistics;
    for (std::size_t k = 0; equal && k < a.hits.size(); ++k)
      equal = a.hits[k].t == b.hits[k].t && a.hits[k].event == b.hits[k].event && a.hits[k].y == b.hits[k].y;
    return equal;
  };
  for (Index j = 0; j < 4; ++j) {
    const auto alone = solve_all(y0.col(j), 6, 0.75);
    CHECK(same(together[std::size_t(j)], alone[0]));
    CHECK(same(together[std::size_t(j)], backwards[std::size_t(3 - j)]));
    // From height h² bounce k comes 2 h r^k after the one before it.
    double expected = double(j + 1), flight = 2 * expected;
    for (const auto& hit : together[std::size_t(j)].hits) {
      CHECK(hit.t == Approx(expected).epsilon(1e-12));
      expected += flight *= 0.75;
    }
    CHECK(expected > 6);
  }
}

TEST_CASE("A sample that fails keeps its status, and what it found", "[ode][events][per_sample][errors]") {
  // y' = y² leaves the numbers at 1 / y0: of sample 1 after y = 3, of sample 2 before its start.
  const auto explosion = [](double, const Vector<double>& y, Vector<double>& dy) { dy = y.cwiseAbs2(); };
  const Event three([](double, const Vector<double>& y) { return y(0) - 3; });
  const Eigen::MatrixXd y0{{0.5, 2, std::nan(""), -1}};
  const auto samples = try_solve_events(explosion, y0, 0, 1.9, std::tuple(three), Dopri5{}, policy);
  REQUIRE(samples.size() == 4);
  CHECK(samples[0].status.ok());
  CHECK(samples[0].hits.at(0).t == Approx(2 - 1 / 3.).epsilon(1e-7));
  CHECK_FALSE(samples[1].status.ok());
  CHECK(samples[1].status.sample == 1);
  CHECK(samples[1].status.t == Approx(0.5).epsilon(1e-6));
  CHECK(samples[1].trajectory.t1() == samples[1].status.t);
  CHECK(samples[1].y == samples[1].trajectory.states().back());
  CHECK(samples[1].hits.at(0).t == Approx(0.5 - 1 / 3.).epsilon(1e-7));
  CHECK(samples[2].status.message() == "solve: y0 of sample 2 is not finite");
  CHECK(samples[3].status.ok());
  CHECK(samples[3].hits.empty());
  const auto throwing = [&] {
    return solve_events(explosion, y0.leftCols(2), 0, 1.9, std::tuple(three), Dopri5{}, policy);
  };
  CHECK_THROWS_AS(throwing(), SolveError);
  const PerSample wrong(PiController{.rtol = -1});
  for (const auto& sample : try_solve_events(explosion, y0, 0, 1, std::tuple(three), Dopri5{}, wrong)) {
    CHECK(sample.status.outcome == SolveOutcome::bad_input);
    CHECK_THAT(sample.status.message(), ContainsSubstring("rtol"));
  }
  CHECK(try_solve_events(explosion, y0.leftCols(2), {{0, 1}}, std::tuple(three), Dopri5{}, policy)[1].status.outcome ==
        SolveOutcome::bad_input);
}

TEST_CASE("Each sample has its own span, its own thresholds and its own resets", "[ode][events][per_sample]") {
  const Row<double> thresholds{{0.5, 0.25, 4}};
  const Event threshold([&](double, const Vector<double>& y, Index j) { return y(0) - thresholds(j); }, {},
                        [](double, Vector<double>& y, Index j) { y(0) += double(j + 1); });
  const auto decay = [](const Row<double>&, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy, std::span<const Index> id) {
    for (Index j = 0; j < y.cols(); ++j) dy.col(j) = -double(id[std::size_t(j)] + 1) * y.col(j);
  };
  const auto samples = try_solve_events(decay, Eigen::MatrixXd::Ones(1, 3), {{0, 1}, {2, 3}, {1, 0}},
                                        std::tuple(threshold), Dopri5{}, policy);
  const std::vector<double> at{std::log(2), 2 + std::log(4) / 2, 1 - std::log(4) / 3};
  for (std::size_t j = 0; j < 3; ++j) {
    REQUIRE(samples[j].status.ok());
    REQUIRE(samples[j].hits.size() == 1);
    CHECK(samples[j].hits[0].t == Approx(at[j]).epsilon(1e-7));
    const double rate = double(j + 1), after = thresholds(Index(j)) + rate, end = samples[j].trajectory.t1();
    CHECK(samples[j].y(0) == Approx(after * std::exp(-rate * (end - at[j]))).epsilon(1e-7));
  }
}

TEST_CASE("Bounces that pile up end their own sample alone", "[ode][events][per_sample][errors]") {
  const auto samples = solve_all(dropped(3), 7, 0.5);
  // At rest after three times the fall: at 3, 6 and 9.
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(samples[j].status.outcome == SolveOutcome::events_pile_up);
    CHECK(samples[j].status.t == Approx(3. * double(j + 1)).epsilon(1e-6));
    CHECK_THAT(samples[j].status.message(), ContainsSubstring("follows its reset"));
    CHECK_THROWS_AS(samples[j].status.raise(), EventPileUpError);
  }
  CHECK(samples[2].status.ok());
}

}  // namespace pathline
