/// \file
/// A small neural ODE with a loss of its states at four times, for the tests of gradient methods.
#pragma once

#include <pathline/gradient.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode.hpp>

#include <support/differences.hpp>
#include <support/replay.hpp>

#include <array>
#include <vector>

namespace pathline::test {

struct GradientProblem {
  using FieldType = Mlp<double, Tanh>;
  using G = FieldDynamics<FieldType>;

  Rng rng{11};
  FieldType field{2, {5, 4}, rng};
  Batch<double> y0 = [this] {
    Batch<double> y(2, 3);
    fill<Gaussian>(rng.draw(), 0, y);
    return y;
  }();
  std::vector<double> times{0.0, 0.3, 0.3, 1.0};

  /// Σ_i (i + 1) Σ sin(y_i), which also reads the state at the start and at a repeated time.
  static double loss(const std::vector<Batch<double>>& states) {
    double sum = 0;
    for (std::size_t i = 0; i < states.size(); ++i) sum += double(i + 1) * states[i].array().sin().sum();
    return sum;
  }
  static std::vector<Batch<double>> loss_bar(const std::vector<Batch<double>>& states) {
    std::vector<Batch<double>> bar;
    for (std::size_t i = 0; i < states.size(); ++i) bar.push_back(double(i + 1) * states[i].array().cos().matrix());
    return bar;
  }

  struct Result {
    double loss = 0;
    Vector<double> theta_bar;
    Batch<double> y0_bar;
    Statistics forward, backward;
  };

  template <class Gradient, class Method, class Control, class Memory>
  Result run(const Gradient& gradient, const Method& method, const Control& control, Memory& memory) const {
    const G dynamics(field, y0.cols());
    Result result;
    std::vector<Batch<double>> outputs(times.size());
    Batch<double> y = y0;
    result.forward = gradient.forward(method, control, dynamics, y, times, std::span<Batch<double>>(outputs), memory);
    result.loss = loss(outputs);
    const std::vector<Batch<double>> bar = loss_bar(outputs);
    result.y0_bar.setZero(y0.rows(), y0.cols());
    result.theta_bar.setZero(field.parameters().size());
    result.backward = gradient.backward(method, control, dynamics, times, std::span<const Batch<double>>(bar),
                                        result.y0_bar, result.theta_bar, memory);
    return result;
  }

  /// The loss of the recorded steps, with other parameters and another start.
  template <class Method, class Recording>
  [[nodiscard]] double replayed_loss(const Recording& recording, const Vector<double>& theta,
                                     const Batch<double>& start) const {
    FieldType moved = field;
    moved.parameters() = theta;
    const G dynamics(moved, start.cols());
    const std::vector<Batch<double>> states = replay_any<Method>(dynamics, start, recording.steps());
    std::vector<Batch<double>> outputs;
    for (const std::size_t index : recording.outputs()) outputs.push_back(states[index]);
    return loss(outputs);
  }
};

}  // namespace pathline::test
