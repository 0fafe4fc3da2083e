/// \file
/// A right-hand side of positions and momenta, one below the other: y = [q; p], q' = velocity(t, p), p' = force(t, q).
/// ```
/// const auto rhs = SeparableRightHandSide{velocity, force};
/// const auto y = solve<Verlet>(rhs, y0, 0, 1, FixedSteps(100));
/// ```
#pragma once

#include <pathline/ode/concepts.hpp>

#include <type_traits>

namespace pathline {

namespace detail {

/// The upper or the lower half of a state.
template <OdeState State>
using HalfState =
    Eigen::Matrix<typename State::Scalar,
                  State::RowsAtCompileTime == Eigen::Dynamic ? Eigen::Dynamic : State::RowsAtCompileTime / 2,
                  State::ColsAtCompileTime>;

}  // namespace detail

/// rhs.velocity and rhs.force are right-hand sides of half a state.
template <class Rhs, class State>
concept SeparatedRightHandSide = OdeState<State> && requires(Rhs& rhs) {
  rhs.velocity;
  rhs.force;
  requires RightHandSide<std::remove_reference_t<decltype((rhs.velocity))>, detail::HalfState<State>>;
  requires RightHandSide<std::remove_reference_t<decltype((rhs.force))>, detail::HalfState<State>>;
};

/// Both by name. The state has an even number of rows.
template <class Velocity, class Force>
struct SeparableRightHandSide {
  Velocity velocity;
  Force force;

  /// Both at once, for methods that do not take them apart. A dynamic state costs allocations every time.
  template <class State>
  void operator()(double t, const State& y, State& dy) {
    join(velocity, force, t, y, dy);
  }
  template <class State>
  void operator()(double t, const State& y, State& dy) const {
    join(velocity, force, t, y, dy);
  }

 private:
  template <class V, class F, class State>
  static void join(V& v, F& f, double t, const State& y, State& dy) {
    using Half = detail::HalfState<State>;
    const Index d = y.rows() / 2;
    const Half q = y.topRows(d), p = y.bottomRows(d);
    Half slope = p;
    detail::evaluate(v, t, p, slope);
    dy.topRows(d) = slope;
    detail::evaluate(f, t, q, slope);
    dy.bottomRows(d) = slope;
  }
};
template <class Velocity, class Force>
SeparableRightHandSide(Velocity, Force) -> SeparableRightHandSide<Velocity, Force>;

}  // namespace pathline
