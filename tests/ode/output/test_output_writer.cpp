// Outputs as the steps go over them; of whole solves in test_save_at.cpp and tests/gradient.
#include <pathline/ode/output/output_writer.hpp>

#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <vector>

namespace pathline::detail {
namespace {

using State = Eigen::Vector2d;
using Steps = Stepper<BogackiShampine, State>;

/// y = t² by two steps of length 1 from 0, forward or backward, which the method takes exactly.
struct TwoSteps {
  double direction;
  std::vector<State> states;
  int polynomials = 0;

  TwoSteps(double way, std::vector<double> times) : direction(way), states(times.size(), State(-1, -1)) {
    for (double& time : times) time *= direction;
    AnyRhs<State> rhs = [](double t, const State&, State& dy) { dy.setConstant(2 * t); };
    OutputWriter<State> writer;
    writer.start(times, states);
    Steps stepper;
    stepper.init(rhs, 0, State(0, 0));
    for (const double t : {0., direction}) {
      stepper.step(rhs, t, direction);
      writer.read_step(stepper, t, [&](StepInterpolant<State>& interpolant) {
        interpolant.begin(stepper, t);
        ++polynomials;
      });
      stepper.accept();
    }
    writer.finish(State(7, 7));
  }
};

}  // namespace

TEST_CASE("An output writer makes a polynomial of a step that holds outputs, and of no other", "[ode][dense]") {
  const double direction = GENERATE(1., -1.);
  const TwoSteps inside(direction, {0, 0, 0.5, 0.75, 1, 1, 2, 2});
  CHECK(inside.polynomials == 1);
  const double expected[] = {0, 0, 0.25, 0.5625, 1, 1, 4, 4};
  for (std::size_t i = 0; i < 8; ++i) CHECK((inside.states[i].array() - expected[i]).abs().maxCoeff() < 1e-14);
  CHECK(TwoSteps(direction, {0, 1, 2}).polynomials == 0);
  CHECK(TwoSteps(direction, {0.5, 1.5}).polynomials == 2);
}

// The third lies a number after the last step, as beside a forced jump.
TEST_CASE("An output writer writes what is left at the end, and nothing where nothing is wanted", "[ode][dense]") {
  const TwoSteps late(1, {1.5, 2, 2 + 1e-15});
  CHECK((late.states[0] - State(2.25, 2.25)).norm() < 1e-14);
  CHECK((late.states[1] - State(4, 4)).norm() < 1e-14);
  CHECK(late.states[2] == State(7, 7));
  CHECK(TwoSteps(1, {}).polynomials == 0);
}

}  // namespace pathline::detail
