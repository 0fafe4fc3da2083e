#include <pathline/ode.hpp>

#include <support/catch.hpp>
#include <support/detest.hpp>

#include <vector>

namespace pathline {

TEMPLATE_TEST_CASE("The global error follows the tolerance on all problems of DETEST", "[ode][integrate]", Dopri5,
                   Tsit5, Dop853) {
  const std::vector<detest::Problem> all = detest::problems();
  REQUIRE(all.size() == 25);
  for (const detest::Problem& problem : all)
    for (const double tolerance : {1e-6, 1e-9}) {
      const auto tolerances_of = [&](const PiController& control) {
        const auto y = solve(*problem.rhs, problem.y0, 0, detest::end_time, TestType{}, control);
        return detest::error_at_end(problem, y) / tolerance;
      };
      INFO(problem.name << ", tolerance " << tolerance);
      CHECK(tolerances_of({.rtol = tolerance, .atol = tolerance, .k_I = 0.3, .k_P = 0.4}) < problem.amplification);
      // The default's steps are longer: of 150 solves the worst errs by 33 tolerances.
      CHECK(tolerances_of({.rtol = tolerance, .atol = tolerance}) < 2 * problem.amplification);
    }
}

}  // namespace pathline
