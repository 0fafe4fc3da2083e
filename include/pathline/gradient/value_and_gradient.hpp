/// \file
/// A loss of a neural ODE with all its gradients.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/statistics.hpp>

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
};

}  // namespace pathline
