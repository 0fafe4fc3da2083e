#include <pathline/ode/output/each_step.hpp>

#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <vector>

namespace pathline {

TEST_CASE("Every k-th accepted step is told with its end", "[ode][observer]") {
  const Index k = GENERATE(1, 3);
  std::vector<double> told;
  Decay rhs;
  const double times[] = {0, 1, 2};
  const Eigen::Vector2d y0(1, 2);
  Eigen::Vector2d y = y0, last;
  Stepper<Dopri5, Eigen::Vector2d> stepper;
  integrate(Dopri5{}, FixedSteps(5), rhs, y, times, stepper,
            each_step(
                [&](double t, const Eigen::Vector2d& at) {
                  told.push_back(t);
                  last = at;
                },
                k));
  const std::vector<double> every_third{0.6, 1.2, 1.8};
  REQUIRE(told.size() == (k == 1 ? 10U : 3U));
  if (k == 1) {
    CHECK(told.back() == 2);
    CHECK(last == y);
  } else {
    for (std::size_t i = 0; i < 3; ++i) CHECK(told[i] == Approx(every_third[i]));
  }
}

TEST_CASE("A callback for steps costs no evaluation and no rejected step is told", "[ode][observer]") {
  // 2 / (1 - 2 t), steep near 0.5: the steps are cut again and again.
  const auto pole = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = y.cwiseAbs2(); };
  const double times[] = {0, 0.49};
  const PiController control{.initial_step = 0.4};
  Stepper<Dopri5, Eigen::Vector2d> stepper;
  Eigen::Vector2d y(2, 2), z = y;
  Index told = 0;
  double t_last = 0;
  const Statistics plain = integrate(Dopri5{}, control, pole, y, times, stepper);
  const Statistics watched =
      integrate(Dopri5{}, control, pole, z, times, stepper, each_step([&](double t, const Eigen::Vector2d&) {
                  ++told;
                  CHECK(t > t_last);
                  t_last = t;
                }));
  CHECK(plain == watched);
  CHECK(watched.rejected > 0);
  CHECK(told == watched.accepted);
  CHECK_THROWS_WITH(each_step([](double, const Eigen::Vector2d&) {}, 0), "EachStep: k is 0, expected at least 1");
}

}  // namespace pathline
