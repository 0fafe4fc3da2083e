#include <pathline/gradient/step_regularizers.hpp>

#include <pathline/core/random.hpp>
#include <pathline/gradient.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(StepCost<ErrorEstimateCost<BogackiShampine>, float> && StepCost<StiffnessCost<Dopri5>, double>);
static_assert(detail::simultaneous_stages(Dopri5::tableau).i == 5 &&
              detail::simultaneous_stages(Dopri5::tableau).j == 6);
static_assert(detail::simultaneous_stages(Tsit5::tableau).i == 5 && detail::simultaneous_stages(Tsit5::tableau).j == 6);
static_assert(detail::simultaneous_stages(Rk4::tableau).i == 1 && detail::simultaneous_stages(Rk4::tableau).j == 2);
static_assert(detail::MethodWithStagePair<Rk4> && !detail::MethodWithStagePair<BogackiShampine>);
static_assert(!detail::MethodWithStagePair<ImplicitEuler>);

/// A step that no solve took: its stages are Gaussian numbers.
template <class Method>
struct MadeUpStep {
  static constexpr auto tableau = Method::tableau;
  double h;
  std::vector<Batch<double>> K;

  explicit MadeUpStep(double step) : h(step), K(std::size_t(tableau.stages)) {
    for (std::size_t i = 0; i < K.size(); ++i) {
      K[i].resize(3, 4);
      fill<Gaussian>(Draw{23, i}, 0, K[i]);
    }
  }
  [[nodiscard]] AcceptedStep<double> step() const { return {0.25, h, K}; }
};

/// The cost of one step entry by entry. `top` rows count.
template <class Method>
double naive(const ErrorEstimateCost<Method>& cost, double h, const std::vector<Batch<double>>& K, Index top) {
  constexpr auto tableau = Method::tableau;
  double sum = 0;
  for (Index row = 0; row < top; ++row)
    for (Index column = 0; column < K[0].cols(); ++column) {
      double e = 0;
      for (std::size_t i = 0; i < K.size(); ++i) e += h * (tableau.b[i] - tableau.b_embedded[i]) * K[i](row, column);
      sum += e * e;
    }
  return cost.weight * std::sqrt(sum / double(top * K[0].cols())) * std::abs(h);
}
template <class Method>
double naive(const StiffnessCost<Method>& cost, double h, const std::vector<Batch<double>>& K, Index top) {
  constexpr auto tableau = Method::tableau;
  constexpr int a = tableau.stages == 4 ? 1 : 5, b = a + 1;  // Rk4, or one of the methods with seven stages
  double above = 0, below = 0;
  for (Index row = 0; row < top; ++row)
    for (Index column = 0; column < K[0].cols(); ++column) {
      double Y_a = 0, Y_b = 0;
      for (int j = 0; j < a; ++j) Y_a += h * tableau.A(a, j) * K[std::size_t(j)](row, column);
      for (int j = 0; j < b; ++j) Y_b += h * tableau.A(b, j) * K[std::size_t(j)](row, column);
      above += std::pow(K[std::size_t(a)](row, column) - K[std::size_t(b)](row, column), 2);
      below += std::pow(Y_a - Y_b, 2);
    }
  return cost.weight * std::sqrt(above / below);
}

/// Cotangents of the stages, which start at `start`.
template <class Cost>
std::vector<Batch<double>> pullback(const Cost& cost, const AcceptedStep<double>& step, double start) {
  std::vector<Batch<double>> bar(step.stages.size(), Batch<double>::Constant(3, 4, start));
  std::vector<BatchMap<double>> maps;
  for (Batch<double>& one : bar) maps.emplace_back(one.data(), 3, 4);
  cost.pullback(step, std::span<BatchMap<double>>(maps));
  return bar;
}

template <class Method, class Cost>
void check_one_step(const Cost& cost, Index top) {
  for (const double h : {0.3, -0.7}) {  // backwards too
    INFO("h = " << h);
    MadeUpStep<Method> made(h);
    // Sums of at most 12 squares of up to 7 terms: a few ε.
    CHECK(cost.evaluate(made.step()) == Approx(naive(cost, h, made.K, top)).epsilon(1e-14));
    const std::vector<Batch<double>> bar = pullback(cost, made.step(), 2);
    for (std::size_t i = 0; i < made.K.size(); ++i) {
      const std::vector<Batch<double>> K = made.K;
      const Vector<double> differences = central_differences(
          [&](const Vector<double>& k) {
            std::vector<Batch<double>> moved = K;
            moved[i] = k.reshaped(3, 4);
            return naive(cost, h, moved, top);
          },
          K[i].reshaped());
      // Costs of order one: ε / h and h² are below 1e-9.
      CHECK(((bar[i].array() - 2).matrix().reshaped() - differences).lpNorm<Eigen::Infinity>() < 1e-8);
    }
  }
}

/// Loss plus cost of the recorded steps, replayed.
template <class Method, class Cost, class Recording>
double replayed(const GradientProblem& problem, const Cost& cost, const Recording& recording,
                const Vector<double>& theta, const Batch<double>& start) {
  constexpr auto tableau = Method::tableau;
  GradientProblem::FieldType moved = problem.field;
  moved.parameters() = theta;
  const GradientProblem::G dynamics(moved, start.cols());
  const auto states = replay<Method>(dynamics, start, recording.steps());
  Workspace<double> workspace;
  Vector<double> tape(dynamics.tape_size());
  double sum = problem.replayed_loss<Method>(recording, theta, start);
  for (std::size_t index = 0; index < recording.steps().size(); ++index) {
    const auto& step = recording.steps()[index];
    std::vector<Batch<double>> K;
    for (int i = 0; i < tableau.stages; ++i) {
      Batch<double> y = states[index];
      for (int j = 0; j < i; ++j) y += step.h * tableau.A(i, j) * K[std::size_t(j)];
      K.emplace_back(y.rows(), y.cols());
      dynamics.evaluate(step.time(tableau.c[std::size_t(i)]), y, K.back(),
                        std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
    }
    sum += naive(cost, step.h, K, start.rows());
  }
  return sum;
}

template <class Method, class Cost>
void check_solve(const Cost& cost) {
  GradientProblem problem;
  problem.field.parameters() *= 3;  // enough curvature for costs that are not small beside the loss
  typename Backpropagation<KeepTapes, Cost>::template Memory<GradientProblem::G, Method> memory;
  const Backpropagation<KeepTapes, Cost> gradient{.step_cost = cost};
  const auto result =
      problem.run(gradient, Method{}, PiController{.rtol = 0.1, .atol = 0.1, .initial_step = 0.3}, memory);
  const auto loss = [&](const Vector<double>& theta, const Batch<double>& start) {
    return replayed<Method>(problem, cost, memory.recording, theta, start);
  };
  CHECK(memory.step_cost > 0.5);
  CHECK(loss(problem.field.parameters(), problem.y0) == Approx(result.loss + memory.step_cost).epsilon(1e-12));
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) { return loss(theta, problem.y0); }, problem.field.parameters());
  const Vector<double> y0_bar =
      central_differences([&](const Vector<double>& y) { return loss(problem.field.parameters(), y.reshaped(2, 3)); },
                          problem.y0.reshaped());
  // Rounding of the differences: ε / h times loss (about 10) or weight (up to 300), 6e-8, beside gradients of order 10;
  // K_a - K_b loses two digits more. Without the cost's cotangents the gradients are off by 1e-2 and more.
  CHECK(max_difference(result.theta_bar, theta_bar) < 5e-8);
  CHECK(max_difference(result.y0_bar.reshaped(), y0_bar) < 5e-8);
}

}  // namespace

TEST_CASE("ErrorEstimateCost: a step's value and cotangents are those of its formula", "[gradient]") {
  check_one_step<Dopri5>(ErrorEstimateCost<Dopri5>{.weight = 40}, 3);
  check_one_step<BogackiShampine>(ErrorEstimateCost<BogackiShampine>{}, 3);
  check_one_step<Tsit5>(ErrorEstimateCost<Tsit5>{.weight = 30, .rows = 2}, 2);
}

TEST_CASE("StiffnessCost: a step's value and cotangents are those of its formula", "[gradient]") {
  check_one_step<Dopri5>(StiffnessCost<Dopri5>{.weight = 0.3}, 3);
  check_one_step<Tsit5>(StiffnessCost<Tsit5>{}, 3);
  check_one_step<Rk4>(StiffnessCost<Rk4>{.weight = 0.5, .rows = 1}, 1);
}

TEST_CASE("StiffnessCost of a linear field lies between the smallest and the largest eigenvalue", "[gradient]") {
  // y' = -λ y with λ = 2, 3, 5 and some h: K_a - K_b = -λ (Y_a - Y_b) row by row.
  const Eigen::Vector3d lambda(2, 3, 5);
  constexpr auto tableau = Dopri5::tableau;
  MadeUpStep<Dopri5> made(0.1);
  const Batch<double> y = made.K[0];
  for (int i = 0; i < tableau.stages; ++i) {
    Batch<double> Y = y;
    for (int j = 0; j < i; ++j) Y += made.h * tableau.A(i, j) * made.K[std::size_t(j)];
    made.K[std::size_t(i)] = -(lambda.asDiagonal() * Y);
  }
  const double mixed = StiffnessCost<Dopri5>{}.evaluate(made.step());
  CHECK((mixed > 2 && mixed < 5));
  // Differences of nearly equal numbers: ‖Y_a - Y_b‖ is some 1e-4.
  CHECK(StiffnessCost<Dopri5>{.rows = 1}.evaluate(made.step()) == Approx(2).epsilon(1e-10));
}

TEST_CASE("costs of the steps: a field that stands still costs nothing, and has subgradient 0", "[gradient]") {
  const double value = GENERATE(0.0, 1.5);  // of every stage: y' = 0, y' = constant
  MadeUpStep<Rk4> made(0.5);
  for (Batch<double>& K : made.K) K.setConstant(value);
  CHECK(StiffnessCost<Rk4>{}.evaluate(made.step()) == 0);
  for (const Batch<double>& bar : pullback(StiffnessCost<Rk4>{}, made.step(), 0)) CHECK(bar.isZero(0));

  MadeUpStep<BogackiShampine> still(0.5);
  for (Batch<double>& K : still.K) K.setZero();
  CHECK(ErrorEstimateCost<BogackiShampine>{}.evaluate(still.step()) == 0);
  for (const Batch<double>& bar : pullback(ErrorEstimateCost<BogackiShampine>{}, still.step(), 0)) CHECK(bar.isZero(0));
}

TEST_CASE("costs of the steps: a solve's gradient agrees with central differences of the replayed steps",
          "[gradient][backpropagation]") {
  check_solve<BogackiShampine>(ErrorEstimateCost<BogackiShampine>{.weight = 60});
  check_solve<Dopri5>(ErrorEstimateCost<Dopri5>{.weight = 300});
  check_solve<Dopri5>(StiffnessCost<Dopri5>{.weight = 0.7});
}

TEST_CASE("NeuralOde adds a cost of the steps to the loss, and its weight scales loss and gradient", "[gradient]") {
  const GradientProblem problem;
  const auto no_loss = [](const auto&, auto&) { return 0.0; };
  const auto at_weight = [&](double weight) {
    using Cost = ErrorEstimateCost<Dopri5>;
    const NeuralOde ode(problem.field, Dopri5{}, FixedSteps(3),
                        Backpropagation<KeepTapes, Cost>{.step_cost = {.weight = weight}});
    return ode.value_and_gradient(problem.y0, std::array{0.0, 1.0}, no_loss);
  };
  const auto one = at_weight(1), four = at_weight(4);  // a power of two scales without rounding
  CHECK(one.value > 0);
  CHECK(four.value == 4 * one.value);
  CHECK(four.parameters == 4 * one.parameters);
}

TEST_CASE("ErrorEstimateCost: descending along its gradient saves steps", "[gradient]") {
  GradientProblem problem;
  problem.field.parameters() *= 4;
  const PiController control{.rtol = 1e-6, .atol = 1e-6};
  NeuralOde ode(problem.field, Dopri5{}, control, Backpropagation<KeepTapes, ErrorEstimateCost<Dopri5>>{});
  const auto no_loss = [](const auto&, auto&) { return 0.0; };
  Index before = 0, after = 0;
  for (int step = 0; step <= 40; ++step) {
    const auto result = ode.value_and_gradient(problem.y0, std::array{0.0, 1.0}, no_loss);
    (step == 0 ? before : after) = result.forward.accepted;
    ode.parameters() -= (0.1 / result.parameters.norm()) * result.parameters;
  }
  INFO(before << " steps before, " << after << " after");
  CHECK(3 * after <= 2 * before);
}

TEST_CASE("costs of the steps refuse more rows than the state has", "[gradient][errors]") {
  const MadeUpStep<Dopri5> made(0.5);
  CHECK_THROWS_WITH(ErrorEstimateCost<Dopri5>{.rows = 4}.evaluate(made.step()),
                    "ErrorEstimateCost: rows is 4, expected 0 (all) to 3");
  CHECK_THROWS_WITH(StiffnessCost<Dopri5>{.rows = -1}.evaluate(made.step()),
                    "StiffnessCost: rows is -1, expected 0 (all) to 3");
}

TEST_CASE("costs of the steps allocate nothing", "[gradient][allocations]") {
  const MadeUpStep<Dopri5> made(0.5);
  std::vector<Batch<double>> bar(7, Batch<double>::Zero(3, 4));
  std::vector<BatchMap<double>> maps;
  for (Batch<double>& one : bar) maps.emplace_back(one.data(), 3, 4);
  const auto both = [&](const auto& cost) {
    cost.pullback(made.step(), std::span<BatchMap<double>>(maps));
    return cost.evaluate(made.step());
  };
  const AllocationCounter counter;
  const double sum = both(ErrorEstimateCost<Dopri5>{.rows = 2}) + both(StiffnessCost<Dopri5>{.rows = 2});
  CHECK(counter.count() == 0);
  CHECK(sum > 0);
}
