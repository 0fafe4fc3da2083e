#include <pathline/ode/solve_status.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>

namespace pathline {
namespace {

const SolveFailure somewhere{.solve = "solve",
                             .t = 2,
                             .step = 0.5,
                             .error_norm = 3,
                             .min_step = 0,
                             .sample = 7,
                             .component = 1,
                             .statistics = {}};

template <class Thrown>
void check_round_trip(const Thrown& thrown, SolveOutcome outcome) {
  const SolveStatus status = detail::status_of([&] { throw thrown; });
  CHECK_FALSE(status.ok());
  CHECK(status.outcome == outcome);
  CHECK(status.sample == 7);
  CHECK(status.message() == thrown.what());
  CHECK_THROWS_AS(status.raise(), Thrown);
}

}  // namespace

TEST_CASE("A status tells what the exception would have told", "[ode][errors]") {
  check_round_trip(StepSizeError(somewhere), SolveOutcome::step_underflow);
  check_round_trip(StepLimitError(somewhere), SolveOutcome::step_limit);
  check_round_trip(NonFiniteError("the solution", somewhere), SolveOutcome::not_finite);
  check_round_trip(NonlinearSolveError(somewhere), SolveOutcome::equations_not_solved);
  const SolveStatus input = detail::status_of([] { throw ShapeError("y0", "rows", 3, 2); });
  CHECK(input.outcome == SolveOutcome::bad_input);
  CHECK(input.message() == "y0 has 3 rows, expected 2");
  CHECK_THROWS_WITH(input.raise(), "y0 has 3 rows, expected 2");
}

TEST_CASE("After success there is nothing to tell or to throw", "[ode][errors]") {
  const SolveStatus status = detail::status_of([] {});
  CHECK(status.ok());
  CHECK(status.message().empty());
  CHECK_NOTHROW(status.raise());
}

TEST_CASE("An exception of the right-hand side's own passes through", "[ode][errors]") {
  CHECK_THROWS_AS(detail::status_of([] { throw std::out_of_range("mine"); }), std::out_of_range);
}

}  // namespace pathline
