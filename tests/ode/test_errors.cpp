// Errors of a solve carry numbers and say them.
#include <pathline/ode/errors.hpp>

#include <support/catch.hpp>

#include <limits>
#include <string>
#include <type_traits>

namespace pathline {

static_assert(std::is_base_of_v<Error, SolveError>);
static_assert(std::is_base_of_v<SolveError, StepSizeError> && std::is_base_of_v<SolveError, StepLimitError>);
static_assert(std::is_base_of_v<SolveError, NonFiniteError> && std::is_base_of_v<SolveError, NonlinearSolveError>);

TEST_CASE("A failure is told with time, step, error, sample, component and counts", "[ode][errors]") {
  const SolveFailure at{.t = 0.5,
                        .step = -1e-17,
                        .error_norm = 3,
                        .sample = 2,
                        .component = 1,
                        .statistics = {.accepted = 7, .rejected = 8, .evaluations = 92}};
  const StepSizeError error(at);
  CHECK_THAT(error.what(), Catch::Matchers::StartsWith(
                               "solve: the step underflowed at t = 0.5 (step -1e-17, error norm 3, worst at component "
                               "1 of sample 2, 7 steps accepted, 8 rejected); "));
  CHECK(error.t == 0.5);
  CHECK(error.step == -1e-17);
  CHECK(error.error_norm == 3);
  CHECK(error.sample == 2);
  CHECK(error.component == 1);
  CHECK(error.statistics == at.statistics);
}

TEST_CASE("What is not known is left out of the message", "[ode][errors]") {
  const std::string text =
      StepLimitError({.t = 1, .step = 0.25, .error_norm = std::numeric_limits<double>::quiet_NaN(), .statistics = {}})
          .what();
  CHECK(text.find("error norm") == std::string::npos);
  CHECK(text.find("sample") == std::string::npos);
  CHECK(text.find("max_steps") != std::string::npos);
  // A sample of its own steps, none of which was refused.
  CHECK_THAT(StepLimitError({.t = 1, .step = 0.25, .error_norm = 0.5, .sample = 3, .statistics = {}}).what(),
             ContainsSubstring("error norm 0.5, sample 3, 0 steps accepted"));
}

TEST_CASE("The advice after too many steps fits the method", "[ode][errors]") {
  CHECK_THAT(StepLimitError(SolveFailure{}).what(), ContainsSubstring("use an implicit method"));
  CHECK_THAT(StepLimitError({.statistics = {}, .implicit = true}).what(), !ContainsSubstring("implicit method"));
  const auto advice = [](SolveFailure at) { return std::string(StepLimitError(at).what()); };
  CHECK_THAT(advice({.statistics = {}, .order = 2, .rtol = 1e-8, .epsilon = 2e-16}),
             ContainsSubstring("take a method of higher order than 2 (Dopri5, Tsit5), or, if the problem is stiff"));
  CHECK_THAT(advice({.statistics = {}, .order = 5, .rtol = 1e-10, .epsilon = 2e-16}),
             ContainsSubstring("take a method of higher order than 5 (Dop853)"));
  CHECK_THAT(advice({.statistics = {}, .implicit = true, .order = 3, .rtol = 1e-6, .epsilon = 2e-16}),
             ContainsSubstring("take a method of higher order than 3 (RadauIia5, Kvaerno5)"));
  CHECK_THAT(advice({.statistics = {}, .order = 5, .rtol = 1e-6, .epsilon = 2e-16}),
             !ContainsSubstring("higher order") && !ContainsSubstring("take double"));
  CHECK_THAT(advice({.statistics = {}, .order = 5, .rtol = 1e-6, .epsilon = 1.2e-7}),
             ContainsSubstring("take double (the state's scalar rounds by 1.2e-07, next to rtol = 1e-06)"));
}

TEST_CASE("A right-hand side that is not finite is told with the time at which it was asked", "[ode][errors]") {
  const SolveFailure at{.t = 2,
                        .step = 0.1,
                        .error_norm = std::numeric_limits<double>::quiet_NaN(),
                        .sample = 2,
                        .component = 1,
                        .statistics = {.accepted = 7, .rejected = 8, .evaluations = 92},
                        .implicit = true,
                        .fault = EquationFault::right_hand_side,
                        .asked_at = 2.05};
  CHECK(std::string(NonFiniteError("the right-hand side", at).what()) ==
        "solve: the right-hand side is not finite at t = 2.05, in the step that starts at t = 2 (step 0.1, first at "
        "component 1 of sample 2, 7 steps accepted, 8 rejected); the solution may leave the domain of the right-hand "
        "side there: end the solve earlier, or check the right-hand side near this time");
  CHECK_THAT(NonFiniteError("the Jacobian that the right-hand side gives", at).what(),
             Catch::Matchers::EndsWith("; check it near this time and state"));
  CHECK_THAT(StepSizeError(at).what(), ContainsSubstring("not finite in the last trial"));
  CHECK_THAT(NonlinearSolveError(at).what(), ContainsSubstring("Newton's method does not converge"));
  SolveFailure singular = at;
  singular.fault = EquationFault::singular_matrix;
  CHECK_THAT(NonlinearSolveError(singular).what(), ContainsSubstring("their matrix is singular"));
}

}  // namespace pathline
