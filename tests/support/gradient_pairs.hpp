/// \file
/// The law of gradients, for every pair of a method and a way to make the gradient that the library allows: with fixed
/// and adaptive steps, forward and backward in time, of a loss along the path or at its end. Differences are those of
/// the recorded steps replayed; storages give the bits of kept tapes; the adjoint comes near. The pairs are printed.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/adjoint/way_back.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>
#include <pathline/ode/multistep/multistep_method.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/replay.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline::test {

/// The pairs of one field, by the loss Σ sin y of the states at some times, the start among them.
template <class FieldType>
class GradientPairs {
 public:
  using G = FieldDynamics<FieldType>;
  static constexpr double tolerance = 2e-6;

  struct Run {
    double loss = 0;
    Vector<double> bar;  ///< Of θ, then of the start.
  };

  /// \param at_end  Whether the loss is of the last state alone, instead of the states at all times.
  /// \param stiff   Whether paths leave each other so fast on the way back that `Adjoint` refuses or is wrong.
  GradientPairs(FieldType field, Batch<double> start, std::vector<double> times, bool at_end = false,
                bool stiff = false)
      : field_(std::move(field)), start_(std::move(start)), times_(std::move(times)), at_end_(at_end), stiff_(stiff) {}

  /// All pairs of one method with one step control.
  template <class Method, class Control>
  void check(const char* method, const Control& control) {
    label_ = std::string(method) + (FixedControl<Control> ? ", fixed steps" : ", adaptive") +
             (times_.back() < times_.front() ? ", backward" : "") + (at_end_ ? ", at the end" : "");
    Backpropagation<>::Memory<G, Method> memory;
    const Run exact = run(Backpropagation<>{}, Method{}, control, memory);
    INFO(label_);
    const double error = distance(exact, Method{}, control, memory);
    // Newton's method stops at a hundredth of the tolerance, and what it leaves counts for more in a derivative.
    const bool solved_to_tolerance = ImplicitMethod<Method> && !RosenbrockMethod<Method> && AdaptiveControl<Control>;
    CHECK(error < (solved_to_tolerance ? 1e-6 : 2e-8));
    print("KeepTapes", error);
    same_bits<RecomputeStages, Method>("RecomputeStages", control, exact);
    same_bits<Checkpoints, Method>("Checkpoints", control, exact, {.count = 3});
    same_bits<MemoryBudget, Method>("MemoryBudget", control, exact, {.bytes = 20000});
    if constexpr (detail::WayBack<Method, double>::exists)
      if (!stiff_) adjoint<Method>("Adjoint", Adjoint{}, control, exact);
  }

  /// A reversible method, whose storage is its own; its fixed steps are taken again for the differences.
  template <class Method>
  void check_reversible(const char* method) {
    const FixedSteps control(3);
    label_ = std::string(method) + ", fixed steps" + (times_.back() < times_.front() ? ", backward" : "") +
             (at_end_ ? ", at the end" : "");
    INFO(label_);
    Backpropagation<>::Memory<G, Method> memory;
    const Run exact = run(Backpropagation<>{}, Method{}, control, memory);
    const double error = distance(exact, Method{}, control, memory);
    CHECK(error < 2e-8);
    print("its own storage", error);
    adjoint<Method>("Adjoint", Adjoint{}, control, exact);
  }

  /// The adjoint along the kept path, by the method itself.
  template <class Method>
  void check_interpolated(const char* method, const PiController& control) {
    label_ = std::string(method) + ", adaptive";
    INFO(label_);
    Backpropagation<>::Memory<G, Method> memory;
    adjoint<Method>("InterpolatedAdjoint", InterpolatedAdjoint{}, control,
                    run(Backpropagation<>{}, Method{}, control, memory));
  }

  /// The continuous adjoints of one method, and of the same at a hundredth of its tolerances.
  template <class Method>
  void check_adjoints(const char* method, const PiController& control) {
    label_ = std::string(method) + ", adaptive" + (times_.back() < times_.front() ? ", backward" : "") +
             (at_end_ ? ", at the end" : "");
    Backpropagation<>::Memory<G, Method> memory;
    INFO(label_);
    PiController finer = control;
    finer.rtol /= 100;
    finer.atol /= 100;
    const Run exact = run(Backpropagation<>{}, Method{}, control, memory),
              finer_exact = run(Backpropagation<>{}, Method{}, finer, memory);
    const auto both = [&](const char* name, const auto& gradient) {
      const double off = adjoint<Method>(name, gradient, control, exact);
      CHECK(adjoint<Method>((std::string(name) + ", a hundredth of the tolerance").c_str(), gradient, finer,
                            finer_exact) < std::max(off / 5, 1e-9));
    };
    both("AdjointBy{Dopri5}", AdjointBy{Dopri5{}});
    both("InterpolatedAdjoint{Dopri5}", InterpolatedAdjoint{Dopri5{}});
  }
  [[nodiscard]] int count() const { return count_; }

  /// The loss and its gradient by one method.
  template <class Gradient, class Method, class Control, class Memory>
  Run run(const Gradient& gradient, const Method& method, const Control& control, Memory& memory) const {
    const G dynamics(field_, start_.cols());
    std::vector<Batch<double>> outputs(times_.size());
    Batch<double> y = start_;
    gradient.forward(method, control, dynamics, y, times_, std::span<Batch<double>>(outputs), memory);
    std::vector<Batch<double>> bars;
    for (const Batch<double>& state : outputs) bars.push_back(state.array().cos().matrix());
    if (at_end_)
      for (std::size_t i = 0; i + 1 < bars.size(); ++i) bars[i].setZero();
    Vector<double> theta_bar = Vector<double>::Zero(field_.parameters().size());
    y.setZero();
    gradient.backward(method, control, dynamics, times_, std::span<const Batch<double>>(bars), y, theta_bar, memory);
    Run result{loss(outputs), Vector<double>(theta_bar.size() + y.size())};
    result.bar << theta_bar, y.reshaped();
    return result;
  }

  /// How far a run's gradient is from differences of its recorded steps, along four directions of θ and the start.
  template <class Method, class Control, class Memory>
  double distance(const Run& run, const Method& method, const Control& control, const Memory& memory) const {
    const Index count = field_.parameters().size();
    Batch<double> directions(run.bar.size(), 4);
    fill<Gaussian>(Draw{5, 1}, 0, directions);
    Vector<double> at(count + start_.size());
    at << field_.parameters(), start_.reshaped();
    const Vector<double> expected = central_differences(
        [&](const Vector<double>& along) {
          const Vector<double> x = at + directions * along;
          FieldType moved = field_;
          moved.parameters() = x.head(count);
          const G dynamics(moved, start_.cols());
          Batch<double> start = x.tail(start_.size()).reshaped(start_.rows(), start_.cols());
          std::vector<Batch<double>> outputs;
          if constexpr (MultistepMethod<Method> || SymplecticMethod<Method> || CoupledMethod<Method> ||
                        std::same_as<Method, ReversibleHeun>) {  // whose steps are fixed
            outputs.resize(times_.size());
            Memory other;
            Backpropagation<>{}.forward(method, control, dynamics, start, times_, std::span<Batch<double>>(outputs),
                                        other);
          } else {
            const std::vector<Batch<double>> states = replay_any<Method>(dynamics, start, memory.recording.steps());
            for (const std::size_t index : memory.recording.outputs()) outputs.push_back(states[index]);
          }
          return loss(outputs);
        },
        Vector<double>::Zero(directions.cols()));
    return max_difference(Vector<double>(directions.transpose() * run.bar), expected);
  }

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

  /// How far an adjoint is from the exact gradient of the steps.
  template <class Method, class Gradient, class Control>
  double adjoint(const char* name, const Gradient& gradient, const Control& control, const Run& exact) {
    typename Gradient::template Memory<G, Method> memory;
    const double off = max_difference(run(gradient, Method{}, control, memory).bar, exact.bar);
    if constexpr (AdaptiveControl<Control>)
      CHECK(off < 100 * control.rtol);
    else
      CHECK(off < 0.2);
    print(name, off);
    return off;
  }

  [[nodiscard]] double loss(const std::vector<Batch<double>>& states) const {
    double sum = 0;
    for (const Batch<double>& state : states)
      if (!at_end_ || &state == &states.back()) sum += state.array().sin().sum();
    return sum;
  }

  void print(const char* gradient, double error) {
    ++count_;
    std::cout << "  " << label_ << ", " << gradient << ": ";
    if (error == 0)
      std::cout << "the same bits\n";
    else
      std::cout << "off by " << error << '\n';
  }

  FieldType field_;
  Batch<double> start_;
  std::vector<double> times_;
  bool at_end_, stiff_;
  std::string label_;
  int count_ = 0;
};

/// checks(pairs) forward and backward in time with a loss of all outputs, and forward with one of the last state alone;
/// returns the number of pairs that it has run, and prints it.
template <class FieldType, class Checks>
int both_directions(const char* family, const FieldType& field, const Batch<double>& start, const Checks& checks) {
  int count = 0;
  for (const bool at_end : {false, true})
    for (const auto& times : {std::vector<double>{0, 0.4, 1}, std::vector<double>{1, 0.6, 0}}) {
      if (at_end && times.front() > 0) continue;
      GradientPairs<FieldType> pairs(field, start, times, at_end);
      checks(pairs);
      count += pairs.count();
    }
  std::cout << family << ": " << count << " pairs\n";
  return count;
}

}  // namespace pathline::test

/// All pairs of a method and `pairs`, a GradientPairs.
#define PATHLINE_PAIRS(METHOD)                          \
  pairs.template check<METHOD>(#METHOD, FixedSteps(3)); \
  if constexpr (EmbeddedMethod<METHOD>)                 \
  pairs.template check<METHOD>(#METHOD, PiController{.rtol = pairs.tolerance, .atol = pairs.tolerance})

/// The continuous adjoints of a method and `pairs`, a GradientPairs.
#define PATHLINE_ADJOINTS(METHOD) \
  pairs.template check_adjoints<METHOD>(#METHOD, PiController{.rtol = pairs.tolerance, .atol = pairs.tolerance})
