/// \file
/// A problem on which an adjoint loses the path that it solves backward: two leaky neurons, one of them fast.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/statistics.hpp>

#include <array>
#include <cmath>
#include <span>

namespace pathline::test {

/// z_i' = r_i (Σ_j w_ij tanh z_j + u_i - z_i), i = 1, 2, with r = (fast, 1) and u = (0, cos t), from z = (1, -½): a
/// continuous-time recurrent network. Forward in time the path contracts at the rate `fast`; backward it is lost within
/// some times 1 / fast. The gradient stays of order 1.
struct LeakyNeurons {
  using Scalar = double;
  double fast;
  Eigen::Matrix2d W{{0.5, 2}, {-1.5, 1}};

  static constexpr std::array<double, 2> times{0, 3};

  [[nodiscard]] Index rows() const { return 2; }
  [[nodiscard]] Index columns() const { return 1; }
  [[nodiscard]] Index path_rows() const { return 2; }
  [[nodiscard]] Index error_rows() const { return 2; }
  [[nodiscard]] Index parameter_count() const { return 4; }
  [[nodiscard]] Index tape_size() const { return 2; }
  void evaluate(double t, ConstBatchRef<double> y, BatchRef<double> dy, std::span<double> tape,
                Workspace<double>& /*workspace*/) const {
    const Eigen::Vector2d s = y.col(0).array().tanh(), input(0, std::cos(t)), rate(fast, 1);
    tape[0] = s(0), tape[1] = s(1);
    dy.col(0) = rate.cwiseProduct(W * s + input - y.col(0));
  }
  void pullback(double /*t*/, std::span<double> tape, ConstBatchRef<double> dy_bar, BatchRef<double> path_bar,
                VectorRef<double> theta_bar, double& /*t_bar*/, Workspace<double>& /*workspace*/) const {
    const Eigen::Vector2d s(tape[0], tape[1]), rate(fast, 1), bar = rate.cwiseProduct(dy_bar.col(0));
    path_bar.col(0) = (W.transpose() * bar).cwiseProduct((1 - s.array().square()).matrix()) - bar;
    const Eigen::Matrix2d W_bar = bar * s.transpose();
    theta_bar += W_bar.reshaped();
  }

  struct Gradient {
    Eigen::Vector4d value = Eigen::Vector4d::Zero();  ///< d z_2(3) / dW
    Statistics forward, backward;
  };
  /// By this gradient method, this solver, and a tolerance that is relative and absolute.
  template <class By, class Method>
  [[nodiscard]] Gradient gradient(const By& by, const Method& method, double tolerance) const {
    typename By::template Memory<LeakyNeurons, Method> memory;
    const PiController control{.rtol = tolerance, .atol = tolerance, .max_steps = 1'000'000};
    Batch<double> y{{1}, {-0.5}}, y_bar{{0}, {1}};
    Gradient result;
    result.forward = by.forward(method, control, *this, y, times, {}, memory);
    result.backward = by.backward(method, control, *this, times, {}, y_bar, result.value, memory);
    return result;
  }
};

}  // namespace pathline::test
