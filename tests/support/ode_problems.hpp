/// \file
/// Initial value problems with known solutions, and an observer that writes down what a solve does.
#pragma once

#include <pathline/ode/concepts.hpp>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace pathline {

/// Any right-hand side by one type, so that a test compiles a method once for all of its right-hand sides.
template <class State>
using AnyRhs = std::function<void(double, const State&, State&)>;

/// Nonlinear, coupled, non-autonomous: u' = 2 t u log v, v' = -2 t v log u, solved by u = exp(sin t²), v = exp(cos t²).
/// No order condition is met by accident.
struct CoupledProblem {
  using State = Eigen::Vector2d;
  static State exact(double t) { return {std::exp(std::sin(t * t)), std::exp(std::cos(t * t))}; }
  void operator()(double t, const State& y, State& dy) const {
    dy(0) = 2 * t * y(0) * std::log(y(1));
    dy(1) = -2 * t * y(1) * std::log(y(0));
  }
};

/// y' = rate · y for any state.
struct Decay {
  double rate = -1;
  template <class State>
  void operator()(double, const State& y, State& dy) const {
    dy = typename State::Scalar(rate) * y;
  }
};

/// Counts the calls of another right-hand side and keeps their times.
template <class Rhs>
struct Counted {
  Rhs rhs;
  std::vector<double> times{};
  template <class State>
  void operator()(double t, const State& y, State& dy) {
    times.push_back(t);
    rhs(t, y, dy);
  }
};

/// One letter per event: k keep_first_stage, d discard, a accept, o output; with the accepted steps.
struct Journal {
  std::string events{};
  std::vector<double> t{}, h{};
  std::vector<Index> outputs{};
  void keep_first_stage() { events += 'k'; }
  void discard() { events += 'd'; }
  template <class Stepper>
  void accept(double start, double step, const Stepper&) {
    events += 'a';
    t.push_back(start);
    h.push_back(step);
  }
  template <class State>
  void output(Index i, const State&) {
    events += 'o';
    outputs.push_back(i);
  }
};

}  // namespace pathline
