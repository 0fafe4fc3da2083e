#include <pathline/train/least_squares/damped_system.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace pathline;

namespace {

struct Problem {
  explicit Problem(Index m) : J(m, 4), r(m), scale(4) {
    Batch<double> numbers(m, 5);
    fill<Gaussian>(Draw{5, 1}, 0, numbers);
    J = numbers.leftCols(4);
    r = numbers.col(4);
    scale << 1, 20, 0.5, 3;
  }
  Batch<double> J;
  Vector<double> r, scale;
};

}  // namespace

TEST_CASE("DampedSystem solves the damped normal equations", "[train][least_squares]") {
  const Index m = GENERATE(9, 4, 2);
  INFO(m << " residuals");
  const Problem problem(m);
  detail::DampedSystem system;
  system.set(problem.J, problem.r, problem.scale);
  const Batch<double> scaled = problem.J * problem.scale.cwiseInverse().asDiagonal();
  Vector<double> step;
  for (const double damping : {0.3, 1e-3}) {
    system.solve(damping, step);
    const Vector<double> after = problem.r + scaled * step;
    CHECK((scaled.transpose() * after + damping * step).norm() < 1e-12 * problem.r.norm());
    // The fall of |r + Js|²/2, to rounding.
    CHECK(system.promised(damping, step) == Approx((problem.r.squaredNorm() - after.squaredNorm()) / 2).epsilon(1e-9));
  }
  system.solve(0, step);
  CHECK(step.allFinite() == (m >= 4));
  if (m >= 4) CHECK((scaled.transpose() * (problem.r + scaled * step)).norm() < 1e-11);
  // r's part in the range of J.
  const Vector<double> in_range = m >= 4 ? Vector<double>(scaled * step) : problem.r;
  CHECK(system.range_norm() == Approx(in_range.norm()).epsilon(1e-10));
}

TEST_CASE("DampedSystem takes no step without damping where the columns are dependent but for rounding",
          "[train][least_squares]") {
  Problem problem(9);
  problem.J.col(3) = 0.3 * problem.J.col(0) + 0.1 * problem.J.col(2);
  detail::DampedSystem system;
  Vector<double> step;
  system.set(problem.J, problem.r, problem.J.colwise().norm());
  system.solve(0, step);
  CHECK_FALSE(step.allFinite());
  system.solve(1e-3, step);
  CHECK(step.allFinite());
  // One part in 1e10 apart, they are independent.
  problem.J(2, 3) += 1e-10;
  system.set(problem.J, problem.r, problem.J.colwise().norm());
  system.solve(0, step);
  CHECK(step.allFinite());
}

TEST_CASE("parameter_errors is the covariance of linear regression", "[train][least_squares]") {
  const Problem problem(9);
  std::vector<std::string> warnings;
  const double sum = problem.r.squaredNorm();
  const ParameterErrors errors = detail::parameter_errors(problem.J, sum, 1e-16, warnings);
  const Batch<double> JtJ = problem.J.transpose() * problem.J, product = JtJ * errors.covariance;
  CHECK((product - sum / 5 * Batch<double>::Identity(4, 4)).norm() < 1e-12 * sum);
  for (Index i = 0; i < 4; ++i) CHECK(errors.standard_errors(i) == Approx(std::sqrt(errors.covariance(i, i))));
  CHECK(warnings.empty());
  CHECK(detail::some_of({1, 2}) == "1, 2");
  CHECK(detail::some_of({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
}
