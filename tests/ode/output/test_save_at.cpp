// Interpolated outputs: their values, and that the steps do not notice them.
#include <pathline/ode/output/save_at.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/output/trajectory.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;
const CoupledProblem coupled;

/// 101 times from t0 to t1, both included, some of them twice.
std::vector<double> dense_times(double t0, double t1) {
  std::vector<double> times;
  for (int i = 0; i <= 100; ++i) {
    times.push_back(i == 100 ? t1 : t0 + (t1 - t0) * i / 100);
    if (i % 20 == 0) times.push_back(times.back());
  }
  return times;
}

}  // namespace

TEMPLATE_TEST_CASE("Interpolated outputs are those of the trajectory, to the bit", "[ode][dense]", Rk4, Dopri5, Dop853,
                   Sdirk4, ImplicitMidpoint, AdamsBashforth<3>) {
  const auto [t0, t1] = GENERATE(std::pair{0., 2.}, std::pair{2., 0.});
  const State y0 = CoupledProblem::exact(t0);
  // 50 steps end where every second output is: some lie within, some at the ends of steps.
  const std::vector<double> times = dense_times(t0, t1);
  const auto path = solve_trajectory(coupled, y0, t0, t1, TestType{}, FixedSteps(50));
  const auto saved = solve(coupled, y0, t0, t1, SaveAt{times}, TestType{}, FixedSteps(50));
  CHECK(saved.times == times);
  REQUIRE(saved.states.size() == times.size());
  for (std::size_t i = 0; i < times.size(); ++i) CHECK(saved.states[i] == path(times[i]));
  CHECK(saved.states.front() == y0);
  CHECK(saved.states.back() == solve(coupled, y0, t0, t1, TestType{}, FixedSteps(50)));
}

TEST_CASE("Interpolated outputs change neither steps nor evaluations", "[ode][dense]") {
  const State y0 = CoupledProblem::exact(0);
  const std::vector<double> times = dense_times(0, 2);
  const auto plain = [&](const auto& method, const auto& control) {
    return solve(coupled, y0, {0, 2}, method, control).statistics;
  };
  const auto saved = [&](const std::vector<double>& at, const auto& method, const auto& control) {
    return solve(coupled, y0, 0, 2, SaveAt{at}, method, control).statistics;
  };
  const PiController adaptive;
  CHECK(saved(times, Dopri5{}, adaptive) == plain(Dopri5{}, adaptive));
  CHECK(saved(times, Tsit5{}, adaptive) == plain(Tsit5{}, adaptive));
  // What lies in the last step needs the slope at its end, where that is not a stage of the solve.
  Statistics one_more = plain(CashKarp{}, adaptive);
  ++one_more.evaluations;
  CHECK(saved(times, CashKarp{}, adaptive) == one_more);
  CHECK(saved({0, 0.5, 0.7, 2}, CashKarp{}, adaptive) == plain(CashKarp{}, adaptive));
  CHECK(saved({0.5, 2, 2}, Rk4{}, FixedSteps(4)) == plain(Rk4{}, FixedSteps(4)));
  one_more = plain(Dopri5{}, FixedSteps(4));  // leaves out the slope at the end
  ++one_more.evaluations;
  CHECK(saved({0.5, 1.9, 2}, Dopri5{}, FixedSteps(4)) == one_more);
  // Landing on the times takes more.
  CHECK(solve(coupled, y0, times, Dopri5{}, adaptive).statistics.evaluations >
        2 * plain(Dopri5{}, adaptive).evaluations);
}

TEST_CASE("Only the steps that hold an output cost what its interpolant needs", "[ode][dense]") {
  const auto more = [](const std::vector<double>& at, const auto& method) {  // steps end at 0.5, 1, 1.5 and 2
    return solve(Decay{}, State(1, 2), 0, 2, SaveAt{at}, method, FixedSteps(4)).statistics.evaluations -
           solve(Decay{}, State(1, 2), {0, 2}, method, FixedSteps(4)).statistics.evaluations;
  };
  CHECK(more({}, Dop853{}) == 0);
  CHECK(more({0, 0.5, 1, 2}, Dop853{}) == 0);
  CHECK(more({0.6, 0.7, 0.8, 1.1}, Dop853{}) == 2 * 3);
  CHECK(more({0.6, 1.9}, Dop853{}) == 2 * 3 + 1);
  CHECK(more({0.5, 2}, Dopri5{}) == 0);
  CHECK(more({0.6, 1.9}, Sdirk3{}) == 0);
  CHECK(more({0.6, 1.1, 1.9}, ImplicitMidpoint{}) == 4);  // one slope is shared, two and the first would be 6
  CHECK(more({0.5, 2}, ImplicitMidpoint{}) == 0);
  CHECK(more({0.6}, AdamsBashforthMoulton<3>{}) == 0);
  CHECK(more({1.6}, AdamsBashforthMoulton<3>{}) == 1);
}

TEST_CASE("No output time and no time at all are solves too", "[ode][dense]") {
  const State y0 = CoupledProblem::exact(0);
  const auto none = solve(coupled, y0, 0, 2, SaveAt{});
  CHECK(none.states.empty());
  CHECK(none.statistics == solve(coupled, y0, {0, 2}).statistics);
  const auto ends = solve(coupled, y0, 0, 2, SaveAt{{0, 2}});
  CHECK(ends.states.front() == y0);
  CHECK(ends.states.back() == solve(coupled, y0, 0, 2));
  const auto still = solve(coupled, y0, 1, 1, SaveAt{{1, 1}});
  CHECK(still.states == std::vector<State>{y0, y0});
  CHECK(still.statistics == Statistics{});
  CHECK(solve(coupled, y0, 1, 1, SaveAt{}).states.empty());
}

// Default tolerances: 1e-6 a step; the extension is of order 4, the method's error estimate too.
TEST_CASE("Interpolated outputs are as accurate as the solve", "[ode][dense]") {
  const auto saved = solve(coupled, CoupledProblem::exact(0), 0, 2, SaveAt{dense_times(0, 2)}, Tsit5{},
                           PiController{.rtol = 1e-8, .atol = 1e-8});
  for (std::size_t i = 0; i < saved.times.size(); ++i)
    CHECK((saved.states[i] - CoupledProblem::exact(saved.times[i])).norm() < 2e-6);
}

// torchdyn: the outputs are counted before the step is accepted.
TEST_CASE("A rejected step drops no output", "[ode][dense]") {
  const auto saved = solve(coupled, CoupledProblem::exact(0), 0, 2, SaveAt{dense_times(0, 2)}, Tsit5{},
                           PiController{.rtol = 1e-8, .atol = 1e-8, .initial_step = 2});
  CHECK(saved.statistics.rejected > 0);
  CHECK(saved.times == dense_times(0, 2));
  for (std::size_t i = 0; i < saved.times.size(); ++i)
    CHECK((saved.states[i] - CoupledProblem::exact(saved.times[i])).norm() < 2e-6);
}

// Robertson's reactions. The cubic errs by up to 17 tolerances. With f evaluated at the ends of the steps, where it
// multiplies what Newton's method leaves by a Jacobian of 1e4, it would by 71.
TEST_CASE("Between the steps of a stiff problem the slopes are those that Newton's method has solved for",
          "[ode][dense][implicit]") {
  const auto reactions = [](double, const Eigen::Vector3d& y, Eigen::Vector3d& dy) {
    const double first = 0.04 * y(0) - 1e4 * y(1) * y(2), second = 3e7 * y(1) * y(1);
    dy << -first, first - second, second;
  };
  const Eigen::Vector3d y0(1, 0, 0);
  std::vector<double> times{0};
  for (int i = -100; i <= 80; ++i) times.push_back(std::pow(10, 0.05 * i));
  const auto exact = solve(reactions, y0, times, Kvaerno5{}, PiController{.rtol = 1e-9, .atol = 1e-13});
  const PiController control{.rtol = 1e-6, .atol = 1e-10, .k_I = 0.3, .k_P = 0.4};  // with steps of smooth lengths
  const auto saved = solve(reactions, y0, 0, times.back(), SaveAt{times}, Sdirk4{}, control);
  CHECK(saved.statistics.accepted < 200);
  double worst = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const Eigen::Array3d y = exact.states[i], error = saved.states[i] - exact.states[i];
    worst = std::max(worst, (error.abs() / (1e-10 + 1e-6 * y.abs())).maxCoeff());
  }
  CHECK(worst < 30);
}

TEST_CASE("Output times outside of the solve or out of order are refused at the door", "[ode][dense][errors]") {
  Counted<CoupledProblem> counted{};
  const State y0(1, 1);
  CHECK_THROWS_WITH((void)solve(counted, y0, 0, 2, SaveAt{{1, 3}}),
                    "solve: SaveAt time [1] is 3, expected from 1 to 2");
  CHECK_THROWS_WITH((void)solve(counted, y0, 0, 2, SaveAt{{-1}}), "solve: SaveAt time [0] is -1, expected from 0 to 2");
  CHECK_THROWS_AS((void)solve(counted, y0, 0, 2, SaveAt{{1, 0.5}}), ArgumentError);
  CHECK_THROWS_AS((void)solve(counted, y0, 2, 0, SaveAt{{1, 1.5}}), ArgumentError);
  CHECK_THROWS_AS((void)solve(counted, y0, 2, 0, SaveAt{{3, 1}}), ArgumentError);
  CHECK_THROWS_WITH((void)solve(counted, y0, 2, 0, SaveAt{{1, -1}}),
                    "solve: SaveAt time [1] is -1, expected from 1 to 0");
  CHECK_THROWS_AS((void)solve(counted, y0, 0, 2, SaveAt{{std::numeric_limits<double>::quiet_NaN()}}), ArgumentError);
  CHECK_THROWS_AS((void)solve(counted, y0, 1, 1, SaveAt{{1.5}}), ArgumentError);
  CHECK_THROWS_AS((void)solve(counted, y0, 0, std::numeric_limits<double>::infinity(), SaveAt{}), ArgumentError);
  CHECK_THROWS_AS((void)solve(counted, State(1, std::nan("")), 0, 2, SaveAt{}), DataError);
  CHECK(counted.times.empty());
}

TEST_CASE("An output costs the heap nothing but its place", "[ode][dense][memory]") {
  const Batch<double> y0 = Batch<double>::Ones(3, 50);
  const auto requests = [&](std::vector<double> times) {
    const SaveAt save{std::move(times)};
    const AllocationCounter counter;
    const auto saved = solve(Decay{}, y0, 0, 2, save);
    CHECK(saved.states.size() == save.times.size());
    return counter.count();
  };
  const std::vector<double> few{0.1, 0.2}, many(402, 0.3);
  CHECK(requests(many) - requests(few) == (AllocationCounter::available ? 400 : 0));
}

}  // namespace pathline
