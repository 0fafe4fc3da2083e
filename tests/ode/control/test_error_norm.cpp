// The error of a step as one number: docs/maths.md, (4.1), also where the numbers are not finite.
#include <pathline/ode/control/error_norm.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

namespace pathline {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("error_norm is the root mean square of the error in units of the tolerance", "[ode][control]") {
  const Eigen::Matrix2d error{{3e-3, -1e-3}, {0, 2e-3}}, y{{1, -2}, {0, 0}}, y_next{{-3, 1}, {0, 1}};
  // Scales 0.01 + 0.1 · (3, 2, 0, 1).
  const double expected =
      std::sqrt((std::pow(3e-3 / 0.31, 2) + std::pow(1e-3 / 0.21, 2) + std::pow(2e-3 / 0.11, 2)) / 4);
  CHECK(error_norm(error, y, y_next, 0.1, 0.01) == Approx(expected).epsilon(1e-14));
  const Eigen::MatrixXd any_error = error, any_y = y, any_y_next = y_next;
  CHECK(error_norm(any_error, any_y, any_y_next, 0.1, 0.01) == Approx(expected).epsilon(1e-14));
  // A row's entries lie a column apart.
  const double of_row = std::sqrt(std::pow(2e-3 / 0.11, 2) / 2);
  CHECK(error_norm(any_error.row(1), any_y.row(1), any_y_next.row(1), 0.1, 0.01) == Approx(of_row).epsilon(1e-14));
}

TEST_CASE("error_norm is never small when the error is not finite", "[ode][control]") {
  const Eigen::Vector2d y(1, 1);
  const double bad = GENERATE(values({nan, infinity, -infinity}));
  CHECK(!(error_norm(Eigen::Vector2d(0, bad), y, y, 1e-6, 1e-6) <= 1));
  CHECK(!(error_norm(Eigen::Vector2d(bad, 0), y, Eigen::Vector2d(bad, 1), 1e-6, 1e-6) <= 1));
}

TEST_CASE("A scale of zero makes the norm zero or huge, never NaN", "[ode][control]") {
  const Eigen::Vector2f zero(0, 0);
  CHECK(error_norm(zero, zero, zero, 1e-6, 0) == 0);
  CHECK(error_norm(Eigen::Vector2f(1e-20F, 0), zero, zero, 1e-6, 0) > 1e6);
}

// The loop over views: every remainder of packs, in rows of a block and in one run.
TEMPLATE_TEST_CASE("The norm of dynamic states has the bits of Eigen's expression", "[ode][control]", float, double) {
  using State = Batch<TestType>;
  int different = 0;
  for (Index rows = 1; rows <= 18; ++rows)
    for (Index columns = 1; columns <= 3; ++columns) {
      State error(rows + 1, columns);
      for (Index i = 0; i < error.size(); ++i) error(i) = TestType(std::sin(1.7 * double(i)));
      const State y = error.array().cos(), next = (2 * error.array()).cos();
      const State &e = error, part = error.topRows(rows), y_part = y.topRows(rows), next_part = next.topRows(rows);
      const auto top = [rows](const State& x) { return x.topRows(rows); };
      different += error_norm(top(e), top(y), top(next), 1e-2, 1e-3) !=
                   std::sqrt(detail::mean_square(detail::scaled_error(top(e), top(y), top(next), 1e-2, 1e-3)));
      different += error_norm(part, y_part, next_part, 1e-2, 1e-3) !=
                   std::sqrt(detail::mean_square(detail::scaled_error(part, y_part, next_part, 1e-2, 1e-3)));
      // Rows below those that count change no bit: not of a block that has all rows either.
      const State counted = top(e), y_counted = top(y), next_counted = top(next);
      const auto all = [](const State& x) { return x.topRows(x.rows()); };
      different += error_norm(all(counted), all(y_counted), all(next_counted), 1e-2, 1e-3) !=
                   error_norm(top(e), top(y), top(next), 1e-2, 1e-3);
      error(rows - 1, columns - 1) = TestType(nan);
      different += !std::isnan(error_norm(top(e), top(y), top(next), 1e-2, 1e-3));
      error(rows - 1, columns - 1) = 0;
      error(0, 0) = TestType(infinity);
      different += error_norm(top(e), top(y), top(next), 1e-2, 1e-3) <= 1;
    }
  CHECK(different == 0);
}

// Columns (3, 4), (0, 1), (6, 8): mean squares 12.5, 0.5, 50.
TEST_CASE("The norms are those of their definitions", "[ode][control]") {
  const Eigen::Array<double, 2, 3> scaled{{3, 0, -6}, {4, -1, 8}};
  CHECK(RmsNorm{}(scaled) == Approx(std::sqrt(63. / 3)).epsilon(1e-15));
  CHECK(MaxSampleNorm{}(scaled) == Approx(std::sqrt(50.)).epsilon(1e-15));
  CHECK(MaxSampleNorm{}(0.01 * scaled) == Approx(0.01 * std::sqrt(50.)).epsilon(1e-14));
  CHECK(TopRowsSeminorm<>{1}(scaled) == Approx(std::sqrt(45. / 3)).epsilon(1e-15));
  CHECK(TopRowsSeminorm<MaxSampleNorm>{1}(scaled) == 6);
}

TEST_CASE("No norm hides a NaN, in whichever column it is", "[ode][control]") {
  for (Index j = 0; j < 3; ++j) {
    Eigen::Array<double, 2, 3> scaled = Eigen::Array<double, 2, 3>::Constant(2);
    scaled(0, j) = nan;
    CHECK(std::isnan(RmsNorm{}(scaled)));
    CHECK(std::isnan(MaxSampleNorm{}(scaled)));
    CHECK(std::isnan(TopRowsSeminorm<>{1}(scaled)));
    scaled(0, j) = infinity;
    CHECK(!(MaxSampleNorm{}(scaled) <= 1));
  }
}

}  // namespace pathline
