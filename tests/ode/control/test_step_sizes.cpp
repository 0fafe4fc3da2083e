// How long a step is, in units of its tolerance: its line, and what bends away from it.
#include <pathline/ode/control/step_sizes.hpp>

#include <pathline/ode/control/step_control.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

namespace pathline::detail {
namespace {

struct Plain {};
struct TopRow {
  [[nodiscard]] Index error_rows() const { return 1; }
};

}  // namespace

TEST_CASE("A step is its line and the rest, as the control measures errors", "[ode][control]") {
  const PiController control{.rtol = 0, .atol = 0.5};
  Eigen::MatrixXd y(2, 1), slope(2, 1), y_next(2, 1), scratch;
  y << 1, 2;
  slope << 4, -2;
  y_next << 4, 2;  // h f = (2, -1), which leaves (1, 1)
  const StepSizes sizes = step_sizes(control, Plain{}, 0.5, slope, y, y_next);
  CHECK(sizes.line == Approx(std::sqrt((16 + 4) / 2.)));
  CHECK(sizes.bend == Approx(2));
  CHECK(sizes.epsilon == std::numeric_limits<double>::epsilon());
  CHECK(sizes.start_misfit == 0);
  const StepSizes top = step_sizes(control, TopRow{}, 0.5, slope, y, y_next, scratch);
  CHECK(top.line == Approx(4));
  CHECK(top.bend == Approx(2));
  CHECK(step_sizes(control, Plain{}, -0.5, slope, y, y_next).bend == Approx(std::sqrt((100 + 4) / 2.)));
}

TEST_CASE("By way of a scratch state the sizes are the same", "[ode][control]") {
  const PiController control{.rtol = 1e-3F, .atol = 1e-6F};
  const Eigen::MatrixXf y = Eigen::MatrixXf::Random(3, 7), slope = Eigen::MatrixXf::Random(3, 7),
                        y_next = Eigen::MatrixXf::Random(3, 7);
  Eigen::MatrixXf scratch;
  const StepSizes plain = step_sizes(control, Plain{}, 0.1, slope, y, y_next);
  const StepSizes stored = step_sizes(control, Plain{}, 0.1, slope, y, y_next, scratch);
  // Sums of 21 squares in float.
  CHECK(stored.line == Approx(plain.line).epsilon(1e-6));
  CHECK(stored.bend == Approx(plain.bend).epsilon(1e-6));
  CHECK(stored.epsilon == double(std::numeric_limits<float>::epsilon()));
}

}  // namespace pathline::detail
