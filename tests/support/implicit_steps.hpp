/// \file
/// What tests of implicit methods share: a stiff batch, a rigid body, and a solve by a stepper of its own.
#pragma once

#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/ode_problems.hpp>

#include <Eigen/Geometry>

#include <functional>
#include <type_traits>

namespace pathline {

/// Van der Pol's equation, one oscillator per column, with q' = v² in a third row where there is one.
struct Oscillators {
  double mu = 100;
  template <class State>
  void operator()(double, const State& y, State& dy) const {
    dy.row(0) = y.row(1);
    dy.row(1) = (mu * (1 - y.row(0).array().square()) * y.row(1).array() - y.row(0).array()).matrix();
    if (y.rows() > 2) dy.row(2) = y.row(1).cwiseAbs2();
  }
};

/// The third row is a quadrature.
struct OscillatorsWithQuadrature : Oscillators {
  [[nodiscard]] Index path_rows() const { return 2; }
};

/// And the Jacobian is given, its calls counted.
struct OscillatorsWithJacobian : OscillatorsWithQuadrature {
  Index jacobian_calls = 0;
  void jacobian(double, const Batch<double>& y, Jacobians<double>& J) {
    ++jacobian_calls;
    for (Index j = 0; j < y.cols(); ++j)
      J.middleCols(2 * j, 2) << 0, 1, -2 * mu * y(0, j) * y(1, j) - 1, mu * (1 - y(0, j) * y(0, j));
  }
};

/// Starts on the slow branches (|u| > 1); all but the first are off the slow manifold.
inline Batch<double> oscillators() { return Batch<double>{{2, -1.5, 1.8, 1.2}, {0, 0.2, -1, 3}}; }
inline Batch<double> oscillators_with_quadrature() {
  return Batch<double>{{2, -1.5, 1.8, 1.2}, {0, 0.2, -1, 3}, {0, 0, 5, 0}};
}

/// Free rotation of a rigid body: |y|² and Σ y_i² / I_i are constant.
struct RigidBody {
  Eigen::Vector3d inertia{2, 1, 2. / 3};
  void operator()(double, const Eigen::Vector3d& y, Eigen::Vector3d& dy) const {
    dy = y.cross(y.cwiseQuotient(inertia));
  }
  [[nodiscard]] double energy(const Eigen::Vector3d& y) const { return y.cwiseAbs2().cwiseQuotient(inertia).sum(); }
};

/// A right-hand side that offers no more than a call.
template <class Rhs, class State>
concept OnlyCalled =
    WritingRightHandSide<Rhs, State> && !(HasJacobian<Rhs, State> || HasTimeDerivative<Rhs, State> ||
                                          HasErrorRows<Rhs> || HasPathRows<Rhs> || TwoPartRightHandSide<Rhs, State>);

/// y from t0 to t1; by one type of right-hand side where it is only called, so that a method is compiled once.
template <class Method, StepControl Control, class Rhs, class State>
Statistics run(const Control& control, Rhs&& rhs, State& y, double t0, double t1) {
  const double times[] = {t0, t1};
  Stepper<Method, State> stepper;
  const auto solve_by = [&](auto& any) { return integrate(Method{}, control, any, y, times, stepper); };
  if constexpr (OnlyCalled<std::remove_reference_t<Rhs>, State>) {
    AnyRhs<State> any(std::ref(rhs));
    return solve_by(any);
  } else if constexpr (requires {
                         requires OnlyCalled<std::remove_reference_t<decltype((rhs.explicit_part))>, State>;
                         requires OnlyCalled<std::remove_reference_t<decltype((rhs.implicit_part))>, State>;
                       }) {
    SplitRightHandSide any{AnyRhs<State>(std::ref(rhs.explicit_part)), AnyRhs<State>(std::ref(rhs.implicit_part))};
    return solve_by(any);
  } else {
    return solve_by(rhs);
  }
}

/// The same in equal steps.
template <class Method, class Rhs, class State>
Statistics run(Index steps, Rhs&& rhs, State& y, double t0, double t1) {
  return run<Method>(FixedSteps(steps), rhs, y, t0, t1);
}

}  // namespace pathline
