#include <pathline/ode/batch/one_by_one_solver.hpp>

#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/try_solve.hpp>

#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <vector>

namespace pathline {
namespace {

const PiController control{.rtol = 1e-7, .atol = 1e-9};

/// Stiffness that differs from sample to sample, by the time of each column and its number.
const auto relaxation = [](const Row<double>& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy,
                           std::span<const Index> samples) {
  for (Index j = 0; j < y.cols(); ++j) {
    const double rate = std::pow(100., double(samples[std::size_t(j)]));
    dy(0, j) = rate * (std::cos(t(j)) - y(0, j)) - std::sin(t(j));
  }
};

}  // namespace

TEST_CASE("An implicit method solves each sample with steps of its own", "[ode][per_sample][implicit]") {
  const Eigen::MatrixXd Y = Eigen::MatrixXd::Ones(1, 4);
  const auto together = try_solve(relaxation, Y, 0, 2, Kvaerno5{}, PerSample(control));
  REQUIRE(together.ok());
  for (Index j = 0; j < 4; ++j) CHECK(together.states(0, j) == Approx(std::cos(2.)).epsilon(1e-6));
  CHECK(together.samples[0].statistics.accepted != together.samples[3].statistics.accepted);
  const auto alone = try_solve(relaxation, Y.leftCols(1), 0, 2, Kvaerno5{}, PerSample(control));
  CHECK(alone.states.col(0) == together.states.col(0));
  CHECK(alone.samples[0].statistics == together.samples[0].statistics);
}

TEST_CASE("Linearly implicit and additive methods go one by one, with what the right-hand side says of itself",
          "[ode][per_sample][implicit]") {
  struct Forced {
    Index& derivatives;
    void operator()(double t, const Eigen::VectorXd& y, Eigen::VectorXd& dy) const {
      dy = Eigen::VectorXd::Constant(y.rows(), std::cos(t)) - 100 * y;
    }
    void time_derivative(double t, const Eigen::VectorXd&, Eigen::VectorXd& dfdt) const {
      dfdt.setConstant(-std::sin(t));
      ++derivatives;
    }
  };
  const Eigen::MatrixXd Y{{1, 2}, {0, 5}};
  Index derivatives = 0;
  const auto one = solve(Forced{derivatives}, Y, 0, 2, Rodas4{}, PerSample(control));
  CHECK(derivatives > 0);
  const auto source = [](double t, const auto& y, auto& dy) {
    (void)y;
    dy.setConstant(std::cos(t));
  };
  const auto sink = [](double, const auto& y, auto& dy) { dy = -100 * y; };
  const auto other = solve(SplitRightHandSide{source, sink}, Y, 0, 2, KennedyCarpenter4{}, PerSample(control));
  const double exact = (100 * std::cos(2.) + std::sin(2.)) / 10001;
  CHECK((one.array() - exact).abs().maxCoeff() < 1e-6);
  CHECK((other.array() - exact).abs().maxCoeff() < 1e-6);
}

TEST_CASE("One by one, too, a sample that fails leaves the rest alone", "[ode][per_sample][implicit][errors]") {
  const auto explosion = [](double, const auto& y, auto& dy) { dy = y.cwiseAbs2(); };
  const std::vector<std::vector<double>> times{{0, 0.2, 1}, {0, 0.2, 1}, {1, 0}, {3, 1}, {3, 1}};
  const Eigen::RowVectorXd Y = Eigen::RowVectorXd::Map(std::array{0.5, 2., 0.5, std::nan(""), -1.}.data(), 5);
  const WithDomain positive(control, [](const auto& y) { return y(0) > 0; });
  const auto results = try_solve(explosion, Y, times, Kvaerno5{}, PerSample(positive));
  CHECK(results[0].status.ok());
  CHECK(results[0].states(0, 2) == Approx(1).epsilon(1e-5));
  CHECK(results[2].states(0, 1) == Approx(1 / 3.).epsilon(1e-5));
  CHECK_FALSE(results[1].status.ok());
  CHECK(results[1].status.sample == 1);
  CHECK(results[1].status.t == Approx(0.5).epsilon(1e-4));
  CHECK(results[1].times == std::vector<double>{0, 0.2});
  CHECK(results[1].states(0, 1) == Approx(2 / 0.6).epsilon(1e-5));
  CHECK(results[3].status.outcome == SolveOutcome::bad_input);
  CHECK(results[3].status.message() == "solve: y0 of sample 3 is not finite");
  CHECK(results[3].status.t == 3);
  CHECK(results[4].status.message() == "solve: y0 of sample 4 is outside of the domain of the step control");
}

TEST_CASE("Samples without a row are bad input, each", "[ode][per_sample][errors]") {
  const Eigen::MatrixXd Y(0, 3);
  const auto result = try_solve(relaxation, Y, 0, 2, Kvaerno5{}, PerSample(control));
  REQUIRE(result.samples.size() == 3);
  for (const SolveStatus& status : result.samples)
    CHECK(status.message() == "solve: y0 is empty, expected at least one sample and one component");
}

// Torricelli: y' = -sqrt(y) empties a tank at t = 2 sqrt(y0), and below 0 it is not a number.
TEST_CASE("A tank past empty is not finite there, in the status of its sample alone", "[ode][per_sample][errors]") {
  const auto tank = [](double, const auto& y, auto& dy) { dy = -y.cwiseSqrt(); };
  const Eigen::MatrixXd Y{{4, 1}};
  const auto result = try_solve(tank, Y, 0, 3, Kvaerno5{}, PerSample(control));
  CHECK(result.samples[0].ok());
  CHECK(result.states(0, 0) == Approx(0.25).epsilon(1e-5));
  const SolveStatus& status = result.samples[1];
  CHECK(status.outcome == SolveOutcome::not_finite);
  CHECK(status.t == Approx(2).epsilon(1e-3));
  CHECK(status.asked_at == Approx(2).epsilon(1e-3));
  CHECK(status.sample == 1);
  CHECK(status.component == 0);
  CHECK_THAT(status.message(), Catch::Matchers::StartsWith("solve: the right-hand side is not finite at t = ") &&
                                   ContainsSubstring("the domain of the right-hand side"));
  CHECK_THROWS_AS(status.raise(), NonFiniteError);
}

}  // namespace pathline
