#include <pathline/flow/refined_control.hpp>

#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <support/catch.hpp>

using namespace pathline;
using namespace pathline::detail;

namespace {

constexpr double least = least_tolerance<double>;

}  // namespace

TEST_CASE("refined: a control has more steps, or smaller tolerances, and keeps all else", "[flow][refined]") {
  CHECK(refined(FixedSteps(4), least).steps_per_interval == 16);
  const PiController asked{.rtol = 1e-3, .atol = 1e-5, .safety = 0.8, .min_step = 0.1, .max_steps = 50, .k_P = 0.1};
  const PiController finer = refined(asked, least);
  CHECK(finer.rtol == Approx(1e-5));
  CHECK(finer.atol == Approx(1e-7));
  CHECK(finer.safety == 0.8);
  CHECK(finer.k_P == 0.1);
  // What would end the solve before its time gives way.
  CHECK(finer.min_step == 0);
  CHECK(finer.max_steps == 500);
  const auto by_rows = refined(
      WithTolerances(WithNorm(asked, MaxSampleNorm{}), Eigen::Vector2d(1e-3, 1e-2), Eigen::Vector2d(0, 1e-4)), least);
  CHECK(by_rows.rtol == Approx(1e-5));
  CHECK(by_rows.row_rtol().isApprox(Eigen::Vector2d(1e-5, 1e-4)));
  CHECK(by_rows.row_atol().isApprox(Eigen::Vector2d(0, 1e-6)));
}

TEST_CASE("refined: a scalar is not asked for more digits than it has", "[flow][refined]") {
  const auto rtol_in_float = [](double rtol) {
    return refined(PiController{.rtol = rtol, .atol = 1}, least_tolerance<float>).rtol;
  };
  CHECK(rtol_in_float(1e-3) == Approx(1e-5));
  CHECK(rtol_in_float(1e-5) == Approx(1e-6));
  CHECK(rtol_in_float(1e-6) == 1e-6);
  CHECK(rtol_in_float(1e-9) == 1e-9);
  CHECK(refined(PiController{.rtol = 0, .atol = 1e-3}, least).atol == 1e-3);
}

TEST_CASE("refinement_of: says what changes, and nothing where nothing does", "[flow][refined]") {
  CHECK(refinement_of(FixedSteps(4), least).change == "16 steps in place of 4");
  CHECK(refinement_of(PiController{.rtol = 1e-3, .atol = 1e-4}, least).change ==
        "rtol 1e-05 and atol 1e-06 in place of 0.001 and 0.0001");
  CHECK(refinement_of(PiController{}, least_tolerance<float>).change.empty());
}
