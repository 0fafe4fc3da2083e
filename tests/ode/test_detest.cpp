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
      const Eigen::VectorXd y = solve(*problem.rhs, problem.y0, 0, detest::end_time, TestType{},
                                      PiController{.rtol = tolerance, .atol = tolerance});
      const double error = detest::error_at_end(problem, y);
      INFO(problem.name << ", tolerance " << tolerance << ": error " << error / tolerance << " tolerances");
      CHECK(error < problem.amplification * tolerance);
    }
}

}  // namespace pathline
