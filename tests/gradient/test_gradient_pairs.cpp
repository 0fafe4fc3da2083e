// The law of gradients, for every pair of a method and a way to make the gradient that the library allows: with fixed
// and adaptive steps, forward and backward in time, of a loss along the path. Differences are those of the recorded
// steps replayed; storages give the bits of kept tapes; the adjoint comes near. The pairs are printed.
#include <pathline/gradient.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/replay.hpp>

#include <array>
#include <iostream>
#include <string>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr double tolerance = 1e-5;
using FieldType = Mlp<double, Tanh>;
using G = FieldDynamics<FieldType>;

struct Run {
  double loss = 0;
  Vector<double> bar;  // of θ, then of the start
};

/// Σ sin y at two times, of two samples.
class Pairs {
 public:
  explicit Pairs(bool backward_in_time) : backward_(backward_in_time) {
    if (backward_) times_ = {1, 0.6, 0};
    field_.parameters() *= 1.5;
  }

  /// All pairs of one method with one step control.
  template <class Method, class Control>
  void check(const char* method, const Control& control) {
    label_ = std::string(method) + (FixedControl<Control> ? ", fixed steps" : ", adaptive") +
             (backward_ ? ", backward" : "");
    Backpropagation<>::Memory<G, Method> memory;
    const Run exact = run(Backpropagation<>{}, Method{}, control, memory);
    INFO(label_);
    const Batch<double> directions = gaussian_directions(exact.bar.size());
    const Vector<double> expected = differences<Method>(control, memory, directions);
    const double error = max_difference(Vector<double>(directions.transpose() * exact.bar), expected);
    // Newton's method stops at a hundredth of the tolerance, and what it leaves counts for more in a derivative.
    const bool solved_to_tolerance = ImplicitMethod<Method> && !RosenbrockMethod<Method> && AdaptiveControl<Control>;
    CHECK(error < (solved_to_tolerance ? 2 * tolerance : 2e-8));
    print("KeepTapes", error);
    same_bits<RecomputeStages, Method>("RecomputeStages", control, exact);
    if constexpr (ExplicitMethod<Method>) {
      same_bits<Checkpoints, Method>("Checkpoints", control, exact, {.count = 3});
      same_bits<MemoryBudget, Method>("MemoryBudget", control, exact, {.bytes = 20000});
      Adjoint::Memory<G, Method> adjoint_memory;
      const Run adjoint = run(Adjoint{}, Method{}, control, adjoint_memory);
      const double distance = max_difference(adjoint.bar, exact.bar);
      CHECK(distance < (AdaptiveControl<Control> ? 100 * tolerance : 0.2));
      print("Adjoint", distance);
    }
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  template <class Storage, class Method, class Control>
  void same_bits(const char* name, const Control& control, const Run& exact, Storage storage = {}) {
    const Backpropagation<Storage> gradient{.storage = storage};
    typename Backpropagation<Storage>::template Memory<G, Method> memory;
    const Run other = run(gradient, Method{}, control, memory);
    CHECK(other.loss == exact.loss);
    CHECK(other.bar == exact.bar);
    print(name, 0);
  }

  template <class Gradient, class Method, class Control, class Memory>
  Run run(const Gradient& gradient, const Method& method, const Control& control, Memory& memory) const {
    const G dynamics(field_, start_.cols());
    std::vector<Batch<double>> outputs(times_.size());
    Batch<double> y = start_;
    gradient.forward(method, control, dynamics, y, times_, std::span<Batch<double>>(outputs), memory);
    std::vector<Batch<double>> bars;
    for (const Batch<double>& state : outputs) bars.push_back(state.array().cos().matrix());
    Vector<double> theta_bar = Vector<double>::Zero(field_.parameters().size());
    y.setZero();
    gradient.backward(method, control, dynamics, times_, std::span<const Batch<double>>(bars), y, theta_bar, memory);
    Run result{loss(outputs), Vector<double>(theta_bar.size() + y.size())};
    result.bar << theta_bar, y.reshaped();
    return result;
  }
  static double loss(const std::vector<Batch<double>>& states) {
    double sum = 0;
    for (const Batch<double>& state : states) sum += state.array().sin().sum();
    return sum;
  }

  /// Four directions for θ and the start together.
  static Batch<double> gaussian_directions(Index size) {
    Batch<double> directions(size, 4);
    fill<Gaussian>(Draw{5, 1}, 0, directions);
    return directions;
  }

  /// Of the recorded steps, along these directions.
  template <class Method, class Control, class Memory>
  Vector<double> differences(const Control& control, const Memory& memory, const Batch<double>& directions) const {
    const Index count = field_.parameters().size();
    Vector<double> at(count + start_.size());
    at << field_.parameters(), start_.reshaped();
    return central_differences(
        [&](const Vector<double>& along) {
          const Vector<double> x = at + directions * along;
          FieldType moved = field_;
          moved.parameters() = x.head(count);
          const G dynamics(moved, start_.cols());
          Batch<double> start = x.tail(start_.size()).reshaped(start_.rows(), start_.cols());
          std::vector<Batch<double>> outputs;
          if constexpr (MultistepMethod<Method>) {  // whose steps are fixed
            outputs.resize(times_.size());
            Memory other;
            Backpropagation<>{}.forward(Method{}, control, dynamics, start, times_, std::span<Batch<double>>(outputs),
                                        other);
          } else {
            const std::vector<Batch<double>> states = replay_any<Method>(dynamics, start, memory.recording.steps());
            for (const std::size_t index : memory.recording.outputs()) outputs.push_back(states[index]);
          }
          return loss(outputs);
        },
        Vector<double>::Zero(directions.cols()));
  }

  void print(const char* gradient, double error) {
    ++count_;
    std::cout << "  " << label_ << ", " << gradient << ": ";
    if (error == 0)
      std::cout << "the same bits\n";
    else
      std::cout << "off by " << error << '\n';
  }

  Rng rng_{11};
  FieldType field_{2, {2}, rng_};
  Batch<double> start_{{0.4, -1.1}, {0.9, 0.3}};
  std::vector<double> times_{0, 0.4, 1};
  bool backward_;
  std::string label_;
  int count_ = 0;
};

#define PATHLINE_PAIRS(METHOD)                 \
  pairs.check<METHOD>(#METHOD, FixedSteps(3)); \
  if constexpr (EmbeddedMethod<METHOD>) pairs.check<METHOD>(#METHOD, PiController{.rtol = tolerance, .atol = tolerance})

template <class Checks>
int both_directions(const Checks& checks) {
  int count = 0;
  for (const bool backward : {false, true}) {
    Pairs pairs(backward);
    checks(pairs);
    count += pairs.count();
  }
  return count;
}

}  // namespace

TEST_CASE("Gradients of explicit methods, all pairs", "[gradient][pairs]") {
  CHECK(both_directions([](Pairs& pairs) {
          PATHLINE_PAIRS(Euler);
          PATHLINE_PAIRS(Midpoint);
          PATHLINE_PAIRS(Heun);
          PATHLINE_PAIRS(Ralston);
          PATHLINE_PAIRS(SspRk3);
          PATHLINE_PAIRS(Rk4);
          PATHLINE_PAIRS(Kutta38);
          PATHLINE_PAIRS(HeunEuler);
          PATHLINE_PAIRS(BogackiShampine);
          PATHLINE_PAIRS(Fehlberg);
          PATHLINE_PAIRS(CashKarp);
          PATHLINE_PAIRS(Dopri5);
          PATHLINE_PAIRS(Tsit5);
          PATHLINE_PAIRS(Verner65);
          PATHLINE_PAIRS(Dop853);
        }) == 2 * 5 * (15 + 8));
}

TEST_CASE("Gradients of implicit methods, all pairs", "[gradient][pairs]") {
  CHECK(both_directions([](Pairs& pairs) {
          PATHLINE_PAIRS(ImplicitEuler);
          PATHLINE_PAIRS(ImplicitMidpoint);
          PATHLINE_PAIRS(CrankNicolson);
          PATHLINE_PAIRS(TrBdf2);
          PATHLINE_PAIRS(Sdirk2);
          PATHLINE_PAIRS(Sdirk3);
          PATHLINE_PAIRS(Sdirk4);
          PATHLINE_PAIRS(Kvaerno3);
          PATHLINE_PAIRS(Kvaerno5);
          PATHLINE_PAIRS(Esdirk547L2SA2);
          PATHLINE_PAIRS(GaussLegendre4);
          PATHLINE_PAIRS(RadauIia5);
        }) == 2 * 2 * (12 + 6));
}

TEST_CASE("Gradients of Rosenbrock methods, all pairs", "[gradient][pairs]") {
  CHECK(both_directions([](Pairs& pairs) {
          PATHLINE_PAIRS(Rosenbrock23);
          PATHLINE_PAIRS(Rodas4);
        }) == 2 * 2 * (2 + 2));
}

TEST_CASE("Gradients of multistep methods, all pairs", "[gradient][pairs]") {
  CHECK(both_directions([](Pairs& pairs) {
          PATHLINE_PAIRS(AdamsBashforth<1>);
          PATHLINE_PAIRS(AdamsBashforth<2>);
          PATHLINE_PAIRS(AdamsBashforth<3>);
          PATHLINE_PAIRS(AdamsBashforth<4>);
          PATHLINE_PAIRS(AdamsBashforth<5>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<1>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<2>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<3>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<4>);
          PATHLINE_PAIRS(AdamsBashforthMoulton<5>);
        }) == 2 * 2 * 10);
}
