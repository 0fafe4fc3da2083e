#include <pathline/train/least_squares/minimize_squares.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/full_batch/minimize.hpp>
#include <pathline/train/least_squares/levenberg_marquardt.hpp>
#include <pathline/train/least_squares/residuals.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace pathline;

namespace {

/// r = A θ - b.
struct Linear {
  Batch<double> A;
  Vector<double> b;
  void residuals(const Vector<double>& theta, Vector<double>& r) const { r = A * theta - b; }
  void residuals_and_jacobian(const Vector<double>& theta, Vector<double>& r, Batch<double>& J) const {
    residuals(theta, r);
    J = A;
  }
};

Linear line() {
  Linear problem{Batch<double>(5, 2), Vector<double>{{1, 3, 2, 5, 4}}};
  problem.A << 1, 0, 1, 1, 1, 2, 1, 3, 1, 4;
  return problem;
}

/// Rosenbrock's function is the sum of squares of these.
struct Rosenbrock {
  double sign = 1, bound = -std::numeric_limits<double>::infinity(), jacobian_bound = bound;
  double noise = 0;  // of the residuals that come with the Jacobian
  Index* calls_left = nullptr;
  void residuals(const Vector<double>& x, Vector<double>& r) const {
    if (x(1) < bound) throw NonFiniteError("Rosenbrock", SolveFailure{});
    if (calls_left != nullptr && --*calls_left < 0) throw DataError("enough");
    r = Vector<double>{{10 * (x(1) - x(0) * x(0)), 1 - x(0)}};
  }
  void residuals_and_jacobian(const Vector<double>& x, Vector<double>& r, Batch<double>& J) const {
    residuals(x, r);
    r(1) += noise * std::sin(1e6 * x(0));
    J = sign * Batch<double>{{-20 * x(0), 10}, {-1, 0}};
    if (x(1) < jacobian_bound) J(1, 1) = std::numeric_limits<double>::quiet_NaN();
  }
};

double relative(double got, double expected) { return std::abs(got / expected - 1); }

/// NIST's Statistical Reference Datasets for nonlinear regression, whose certified values have eleven digits.
struct Certified {
  std::vector<double> values, deviations;
  double sum, residual_deviation;
  Index degrees_of_freedom;
};

template <class Problem>
void check_certified(const Problem& problem, Vector<double> start, const Certified& nist) {
  const LeastSquaresReport report = minimize(problem, start, LevenbergMarquardt{});
  INFO(explain(report.stop) << " after " << report.evaluations << " evaluations, offset " << report.offset);
  CHECK(report.converged());
  CHECK(report.warnings.empty());
  CHECK(report.errors.rank == start.size());
  CHECK(report.errors.degrees_of_freedom == nist.degrees_of_freedom);
  // An offset of 1e-8 is 1e-8 standard errors times the root of the degrees of freedom; steps that shrink by 2/3 each
  // leave three times that.
  const double distance = 3e-8 * std::sqrt(double(nist.degrees_of_freedom));
  for (Index i = 0; i < start.size(); ++i) {
    INFO("parameter " << i);
    CHECK(std::abs(start(i) - nist.values[std::size_t(i)]) <
          distance * nist.deviations[std::size_t(i)] + 1e-10 * std::abs(start(i)));
    CHECK(relative(report.errors.standard_errors(i), nist.deviations[std::size_t(i)]) < 1e-7);
  }
  CHECK(relative(report.sum, nist.sum) < 1e-10);
  CHECK(relative(report.errors.residual_deviation, nist.residual_deviation) < 1e-10);
}

}  // namespace

TEST_CASE("Levenberg-Marquardt without damping solves linear least squares in one step", "[train][least_squares]") {
  const Linear problem = line();
  Vector<double> theta{{-7, 11}};
  const LeastSquaresReport report = minimize(problem, theta, LevenbergMarquardt{.damping = 0});
  CHECK(report.stop == LeastSquaresStop::offset);
  CHECK(report.warnings.empty());
  CHECK(report.iterations == 1);
  CHECK(theta(0) == Approx(1.4).epsilon(1e-13));  // by hand: slope 8 / 10, mean 3 at 2
  CHECK(theta(1) == Approx(0.8).epsilon(1e-13));
  CHECK(report.sum == Approx(3.6).epsilon(1e-13));
  // s² = 3.6 / 3; of the slope s² / 10, of the constant s² (1/5 + 4/10).
  CHECK(report.errors.standard_errors(1) == Approx(std::sqrt(1.2 / 10)).epsilon(1e-12));
  CHECK(report.errors.standard_errors(0) == Approx(std::sqrt(1.2 * 0.6)).epsilon(1e-12));
  CHECK(report.errors.covariance(0, 1) == Approx(-1.2 * 2 / 10).epsilon(1e-12));
  CHECK(report.mean_square() == Approx(0.72));
  SECTION("and with damping in a few") {
    theta << -7, 11;
    const LeastSquaresReport damped = minimize(problem, theta, LevenbergMarquardt{});
    CHECK(damped.converged());
    CHECK(damped.iterations < 8);
    CHECK(theta(1) == Approx(0.8).epsilon(1e-8));
  }
}

TEST_CASE("Levenberg-Marquardt finds the minimum of Rosenbrock's function in fewer evaluations than L-BFGS",
          "[train][least_squares]") {
  Vector<double> x{{-1.2, 1}}, y = x;
  Index seen = 0;
  double last = std::numeric_limits<double>::infinity();
  const LeastSquaresReport report =
      minimize(Rosenbrock{}, x, LevenbergMarquardt{}, [&](const LeastSquaresIteration& iteration) {
        CHECK(iteration.iteration == ++seen);
        CHECK(iteration.sum < last);
        last = iteration.sum;
      });
  CHECK(report.converged());
  CHECK((x - Vector<double>::Ones(2)).norm() < 1e-10);
  CHECK(report.first_sum == Approx(24.2));
  CHECK(report.sum < 1e-20);
  CHECK(report.iterations == seen);
  // As many residuals as parameters: their variance is unknown, and that is said.
  CHECK(report.errors.rank == 2);
  CHECK(std::isnan(report.errors.standard_errors(0)));
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], ContainsSubstring("there are 2 residuals for 2 parameters"));

  const MinimizeReport by_lbfgs = minimize(
      [](const Vector<double>& at, Vector<double>& gradient) {
        Vector<double> r;
        Batch<double> J;
        Rosenbrock{}.residuals_and_jacobian(at, r, J);
        gradient = 2 * J.transpose() * r;
        return r.squaredNorm();
      },
      y, LBfgs{.gradient_tolerance = 1e-9, .gain_tolerance = 0});
  CHECK(by_lbfgs.converged());
  CHECK((y - x).norm() < 1e-8);  // the same minimum
  CHECK(report.evaluations < by_lbfgs.evaluations);
}

TEST_CASE("Levenberg-Marquardt gives NIST's certified parameters, standard errors and sums of squares",
          "[train][least_squares]") {
  // Misra1a, y = b1 (1 - exp(-b2 x)), lower difficulty, from both starts.
  const std::vector<double> y1{10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02,
                               44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78},
      x1{77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0};
  const auto misra = differentiable_residuals(14, [&](const auto& b, auto& r) {
    using std::exp;
    for (std::size_t i = 0; i < 14; ++i) r[Index(i)] = b[0] * (1 - exp(-b[1] * x1[i])) - y1[i];
  });
  const Certified misra_values{{2.3894212918e+02, 5.5015643181e-04},
                               {2.7070075241e+00, 7.2668688436e-06},
                               1.2455138894e-01,
                               1.0187876330e-01,
                               12};
  check_certified(misra, Vector<double>{{500, 0.0001}}, misra_values);
  check_certified(misra, Vector<double>{{250, 0.0005}}, misra_values);

  // Thurber, a ratio of cubics, higher difficulty, from the far start.
  const std::vector<double> y2{80.574,   84.248,   87.264,   87.195,   89.076,   89.608,   89.868,   90.101,
                               92.405,   95.854,   100.696,  101.060,  401.672,  390.724,  567.534,  635.316,
                               733.054,  759.087,  894.206,  990.785,  1090.109, 1080.914, 1122.643, 1178.351,
                               1260.531, 1273.514, 1288.339, 1327.543, 1353.863, 1414.509, 1425.208, 1421.384,
                               1442.962, 1464.350, 1468.705, 1447.894, 1457.628},
      x2{-3.067, -2.981, -2.921, -2.912, -2.840, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322, -1.501,
         -1.460, -1.274, -1.212, -1.100, -1.046, -0.915, -0.714, -0.566, -0.545, -0.400, -0.309, -0.109, -0.103,
         0.010,  0.119,  0.377,  0.790,  0.963,  1.006,  1.115,  1.572,  1.841,  2.047,  2.200};
  const auto thurber = differentiable_residuals(37, [&](const auto& b, auto& r) {
    for (std::size_t i = 0; i < 37; ++i) {
      const double x = x2[i];
      r[Index(i)] = (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / (1 + x * (b[4] + x * (b[5] + x * b[6]))) - y2[i];
    }
  });
  check_certified(thurber, Vector<double>{{1000, 1000, 400, 40, 0.7, 0.3, 0.03}},
                  {{1.2881396800e+03, 1.4910792535e+03, 5.8323836877e+02, 7.5416644291e+01, 9.6629502864e-01,
                    3.9797285797e-01, 4.9727297349e-02},
                   {4.6647963344e+00, 3.9571156086e+01, 2.8698696102e+01, 5.5675370270e+00, 3.1333340687e-02,
                    1.4984928198e-02, 6.5842344623e-03},
                   5.6427082397e+03,
                   1.3714600784e+01,
                   30});
}

TEST_CASE("Levenberg-Marquardt says which parameters the residuals do not determine", "[train][least_squares]") {
  // Parameters 1 and 3 enter by their sum alone, 4 not at all.
  Linear problem = line();
  const Batch<double> A = problem.A;
  problem.A.setZero(5, 5);
  problem.A.col(0) = A.col(0);
  problem.A.col(1) = problem.A.col(3) = A.col(1);
  problem.A.col(2) << 1, -2, 1, 0.5, 3;
  Vector<double> theta = Vector<double>::Constant(5, 0.5), full{{0.5, 0.5, 0.5}};
  const LeastSquaresReport report = minimize(problem, theta, LevenbergMarquardt{});
  CHECK(report.converged());
  CHECK(theta(4) == 0.5);
  CHECK(report.errors.rank == 3);
  CHECK(report.errors.degrees_of_freedom == 2);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], ContainsSubstring("do not determine parameters 1, 3, 4: the Jacobian has rank 3"));
  for (const Index j : {1, 3, 4}) CHECK(std::isinf(report.errors.standard_errors(j)));
  CHECK(std::isnan(report.errors.covariance(1, 0)));
  // The others are determined as they are without the copies.
  Linear determined = problem;
  determined.A = problem.A.leftCols(3);
  const LeastSquaresReport other = minimize(determined, full, LevenbergMarquardt{});
  CHECK(report.sum == Approx(other.sum));
  for (const Index j : {0, 2}) {
    CHECK(report.errors.standard_errors(j) == Approx(other.errors.standard_errors(j)).epsilon(1e-9));
    CHECK(report.errors.covariance(0, j) == Approx(other.errors.covariance(0, j)).epsilon(1e-9));
  }
  SECTION("and without a wish for errors, that there are none") {
    const LeastSquaresReport silent = minimize(problem, theta, LevenbergMarquardt{.errors_up_to = 4});
    CHECK(silent.errors.standard_errors.size() == 0);
    REQUIRE(silent.warnings.size() == 1);
    CHECK_THAT(silent.warnings[0], ContainsSubstring("no standard errors: there are 5 parameters"));
  }
  SECTION("and that nothing depends on any parameter") {
    Linear constant{Batch<double>::Zero(5, 2), problem.b};
    Vector<double> any{{1, 2}};
    const LeastSquaresReport flat = minimize(constant, any, LevenbergMarquardt{});
    CHECK(flat.iterations == 0);
    CHECK(flat.errors.rank == 0);
    REQUIRE(flat.warnings.size() == 1);
    CHECK_THAT(flat.warnings[0], ContainsSubstring("do not determine parameters 0, 1: the Jacobian has rank 0"));
  }
  SECTION("and fewer residuals than parameters are fitted") {
    Linear wide{problem.A.topRows(2), problem.b.head(2)};
    wide.A.col(4) << 2, 1;
    const LeastSquaresReport fitted = minimize(wide, theta, LevenbergMarquardt{});
    CHECK(fitted.converged());
    CHECK(fitted.sum < 1e-18);
    CHECK(fitted.warnings.size() == 2);
  }
}

TEST_CASE("Levenberg-Marquardt says why it ended", "[train][least_squares]") {
  Vector<double> x{{-1.2, 1}};
  SECTION("a wrong Jacobian") {
    const LeastSquaresReport report = minimize(Rosenbrock{.sign = -1}, x, LevenbergMarquardt{});
    CHECK(report.stop == LeastSquaresStop::no_progress);
    CHECK_FALSE(report.converged());
    CHECK_THAT(explain(report.stop), ContainsSubstring("check the Jacobian"));
    CHECK(x == Vector<double>{{-1.2, 1}});
  }
  SECTION("iterations") {
    const LeastSquaresReport report = minimize(Rosenbrock{}, x, LevenbergMarquardt{.max_iterations = 3});
    CHECK(report.stop == LeastSquaresStop::iterations);
    CHECK(report.iterations == 3);
    CHECK(report.sum < report.first_sum);
  }
  SECTION("evaluations") {
    const LeastSquaresReport report = minimize(Rosenbrock{}, x, LevenbergMarquardt{.max_evaluations = 6});
    CHECK(report.stop == LeastSquaresStop::evaluations);
    CHECK(report.evaluations <= 7);  // the Jacobian of the last step comes on top
    // Not at a minimum, and said so; here there is no residual left for standard errors.
    CHECK(report.warnings.size() == 1);
  }
  SECTION("before the minimum, and that the standard errors are not those of the minimum") {
    Vector<double> theta{{-7, 11}};
    const LeastSquaresReport report = minimize(line(), theta, LevenbergMarquardt{.max_iterations = 1});
    REQUIRE_FALSE(report.converged());
    REQUIRE(report.warnings.size() == 1);
    CHECK_THAT(report.warnings[0], ContainsSubstring("the fit did not converge, all iterations are done"));
  }
  SECTION("the callback") {
    const LeastSquaresReport report = minimize(Rosenbrock{}, x, LevenbergMarquardt{},
                                               [](const LeastSquaresIteration& at) { return at.iteration < 2; });
    CHECK(report.stop == LeastSquaresStop::callback);
    CHECK(report.iterations == 2);
  }
  SECTION("a solve that fails shortens the step") {
    const bool jacobian_alone = GENERATE(false, true);
    Rosenbrock problem;
    if (jacobian_alone)
      problem.jacobian_bound = 0;  // a bend of the valley
    else
      problem.bound = -0.5;
    const LeastSquaresReport report = minimize(problem, x, LevenbergMarquardt{});
    CHECK(report.refused > 0);
    CHECK(report.converged());
    CHECK((x - Vector<double>::Ones(2)).norm() < 1e-8);
  }
  SECTION("an exception, of the callback or of the residuals, leaves the best parameters") {
    const bool by_residuals = GENERATE(false, true);
    Index calls = 0, calls_left = by_residuals ? 9 : 1000;
    Vector<double> best;
    CHECK_THROWS_AS(minimize(Rosenbrock{.calls_left = &calls_left}, x, LevenbergMarquardt{},
                             [&](const LeastSquaresIteration& at) {
                               best = at.parameters;
                               if (++calls == 3 && !by_residuals) throw DataError("enough");
                             }),
                    DataError);
    CHECK(calls > 1);
    CHECK(x == best);
  }
}

TEST_CASE("Levenberg-Marquardt lets no sum rise where the Jacobian comes with residuals a little different",
          "[train][least_squares]") {
  Vector<double> x{{-1.2, 1}}, best;
  double last = std::numeric_limits<double>::infinity();
  const LeastSquaresReport report =
      minimize(Rosenbrock{.noise = 1e-2}, x, LevenbergMarquardt{}, [&](const LeastSquaresIteration& iteration) {
        CHECK(iteration.sum < last);
        last = iteration.sum;
        best = iteration.parameters;
      });
  CHECK(report.iterations > 3);
  CHECK(report.sum == last);
  CHECK(x == best);
}

TEST_CASE("Levenberg-Marquardt measures its steps without the parameters that have no influence",
          "[train][least_squares]") {
  Linear problem = line();
  problem.A.conservativeResize(5, 3);
  problem.A.col(2).setZero();
  Vector<double> theta{{-7, 11, 1e15}};
  const LeastSquaresReport report = minimize(problem, theta, LevenbergMarquardt{});
  CHECK(report.converged());
  CHECK(theta(0) == Approx(1.4).epsilon(1e-8));
  CHECK(theta(1) == Approx(0.8).epsilon(1e-8));
  CHECK(theta(2) == 1e15);
}

TEST_CASE("Levenberg-Marquardt refuses what it cannot begin with", "[train][least_squares][errors]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Vector<double> x{{nan, 1}}, none, start{{1, 1}};
  const Vector<double> before = start;
  CHECK_THROWS_WITH(minimize(Rosenbrock{}, x, LevenbergMarquardt{}),
                    "minimize: parameters, entry 0 is nan, expected a finite number; begin at other parameters");
  CHECK_THROWS_WITH(minimize(line(), none, LevenbergMarquardt{}),
                    "minimize: number of parameters is 0, expected at least 1");
  Linear problem = line();
  problem.b(3) = nan;
  CHECK_THROWS_WITH(minimize(problem, start, LevenbergMarquardt{}),
                    ContainsSubstring("minimize: residuals at the first parameters, entry 3 is"));
  problem = line();
  problem.A(2, 1) = std::numeric_limits<double>::infinity();
  start(1) = 0;
  CHECK_THROWS_AS(minimize(problem, start, LevenbergMarquardt{}), ArgumentError);
  start = before;
  struct Narrow : Linear {
    void residuals_and_jacobian(const Vector<double>& theta, Vector<double>& r, Batch<double>& J) const {
      residuals(theta, r);
      J = A.leftCols(1);
    }
  };
  CHECK_THROWS_WITH(minimize(Narrow{line()}, start, LevenbergMarquardt{}),
                    "minimize: the Jacobian that is written has 1 columns, expected 2");
  struct Shrinking : Linear {
    void residuals(const Vector<double>& theta, Vector<double>& r) const { r = (A * theta - b).head(3); }
  };
  CHECK_THROWS_WITH(minimize(Shrinking{line()}, start, LevenbergMarquardt{}),
                    "minimize: the residuals that are written has 3 rows, expected 5");
  CHECK_THROWS_WITH(minimize(line(), start, LevenbergMarquardt{.damping = -1}),
                    "LevenbergMarquardt: damping is -1, expected 0 or a positive number");
  CHECK_THROWS_WITH(differentiable_residuals(0, [](const auto& p, auto& r) { r[0] = p[0]; }),
                    "differentiable_residuals: count is 0, expected at least 1");
  CHECK(start == before);
  const auto forgets = differentiable_residuals(2, [](const auto& p, auto& r) { r[0] = p[0]; });
  CHECK_THROWS_WITH(minimize(forgets, start, LevenbergMarquardt{}),
                    ContainsSubstring("minimize: residuals at the first parameters, entry 1 is nan"));
}
