/// \file
/// A loss of a neural ODE with all its gradients.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>

#include <vector>

namespace pathline {

/// A loss, its gradients, and what they cost.
template <Real Scalar>
struct ValueAndGradient {
  Scalar value = Scalar(0);   ///< The loss, and the cost of the steps where the gradient method carries one.
  Vector<Scalar> parameters;  ///< dL/dθ.
  Batch<Scalar> initial;      ///< dL/dy(t0), d × n.
  Batch<Scalar> context;      ///< dL/dcontext, c × n; empty for a field that reads time alone.
  Vector<double> times;       ///< dL/dt of each time, by value_and_gradient_with_times() alone.
  Statistics forward, backward;
  /// With PerSample: the status of each of the n samples after the forward and after the backward solve. A sample that
  /// failed forward keeps its status. The gradient of one that failed is 0, and it adds nothing to that of θ.
  std::vector<SolveStatus> forward_samples, backward_samples;
};

/// With PerSample a loss may take how the samples ended as a third argument. It is then called in any case; a loss of
/// two arguments is not called where a sample has failed. What a loss adds to the cotangents of such a sample is not
/// read.
template <class Loss, class Scalar>
concept LossOfStatuses = requires(Loss& loss, const std::vector<Batch<Scalar>>& states,
                                  std::vector<Batch<Scalar>>& cotangents, const std::vector<SolveStatus>& samples) {
  loss(states, cotangents, samples);
};

}  // namespace pathline
