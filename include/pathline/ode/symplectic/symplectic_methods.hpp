/// \file
/// Symplectic methods for separable systems, q' = v(t, p), p' = f(t, q): the step of Störmer and Verlet, and steps
/// composed of it. Each method is data, the lengths of the steps of Verlet that make one of its own.
///
/// For an autonomous Hamiltonian T(p) + V(q) they conserve a nearby Hamiltonian, so that the energy's error stays of
/// order h^p for times that grow exponentially with 1/h; docs/maths.md, (3.14) and (3.15). Hairer, Lubich & Wanner,
/// "Geometric Numerical Integration" (2006), sections VI.3, II.4 and V.3.
#pragma once

#include <pathline/ode/symplectic/separable_stepper.hpp>

#include <array>

namespace pathline {

/// Order 2: half a kick, a drift, half a kick. One after another; in compositions that would so ask the force outside
/// of their step, half a drift, a kick, half a drift.
struct Verlet {
  static constexpr int order = 2;
  static constexpr std::array<double, 1> weights{1};
};

/// Order 4 by three steps, the middle one backwards; Yoshida, Physics Letters A 150 (1990), equation (2.11), and Forest
/// & Ruth (1990). The outer lengths are 1 / (2 - 2^(1/3)).
struct Yoshida4 {
  static constexpr int order = 4;
  static constexpr std::array<double, 3> weights{1.3512071919596578, -1.7024143839193153, 1.3512071919596578};
};

/// Order 6 by seven steps; Yoshida (1990), table 1, solution A, its digits completed by Newton's method on the
/// conditions of composition_order().
struct Yoshida6 {
  static constexpr int order = 6;
  static constexpr std::array<double, 7> weights{0.78451361047755726, 0.23557321335935813, -1.1776799841788710,
                                                 1.3151863206839112,  -1.1776799841788710, 0.23557321335935813,
                                                 0.78451361047755726};
};

}  // namespace pathline
