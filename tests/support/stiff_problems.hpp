/// \file
/// Stiff initial value problems of Mazzia & Magherini, Test Set for IVP Solvers 2.4 (2008), with its reference
/// solutions. For states of static and of dynamic size.
#pragma once

#include <pathline/ode/concepts.hpp>

#include <array>

namespace pathline {

/// ROBER: Robertson's three reactions, rates from 0.04 to 3e7. Hairer & Wanner II, equation IV.1.4.
struct Robertson {
  static constexpr double t_end = 1e11;
  static constexpr std::array<double, 3> y0{1, 0, 0};
  static constexpr std::array y_end{.2083340149701255e-7, .8333360770334713e-13, .9999999791665050};

  template <class State>
  void operator()(double, const State& y, State& dy) const {
    dy(0) = -0.04 * y(0) + 1e4 * y(1) * y(2);
    dy(2) = 3e7 * y(1) * y(1);
    dy(1) = -dy(0) - dy(2);
  }
  template <class State, class Matrix>
  void jacobian(double, const State& y, Matrix& J) const {
    J << -0.04, 1e4 * y(2), 1e4 * y(1),               //
        0.04, -1e4 * y(2) - 6e7 * y(1), -1e4 * y(1),  //
        0, 6e7 * y(1), 0;
  }
};

/// VDPOL: van der Pol's equation; the test set has μ = 1000 and the time t / μ.
struct VanDerPol {
  static constexpr double t_end = 2000;
  static constexpr std::array<double, 2> y0{2, 0};
  static constexpr std::array y_end{1.706167732170469, -.8928097010248125e-3};

  double mu = 1000;
  template <class State>
  void operator()(double, const State& y, State& dy) const {
    const double slope = mu * (1 - y(0) * y(0)) * y(1) - y(0);
    dy(0) = y(1);
    dy(1) = slope;
  }
  template <class State, class Matrix>
  void jacobian(double, const State& y, Matrix& J) const {
    J << 0, 1, -2 * mu * y(0) * y(1) - 1, mu * (1 - y(0) * y(0));
  }
};

/// HIRES: eight species that respond to light. Hairer & Wanner II, equation IV.1.9 (Schäfer 1975).
struct Hires {
  static constexpr double t_end = 321.8122;
  static constexpr std::array<double, 8> y0{1, 0, 0, 0, 0, 0, 0, .0057};
  static constexpr std::array y_end{.7371312573325668e-3, .1442485726316185e-3, .5888729740967575e-4,
                                    .1175651343283149e-2, .2386356198831331e-2, .6238968252742796e-2,
                                    .2849998395185769e-2, .2850001604814231e-2};

  template <class State>
  void operator()(double, const State& y, State& dy) const {
    const double bound = 280 * y(5) * y(7) - 1.81 * y(6);
    dy(0) = -1.71 * y(0) + .43 * y(1) + 8.32 * y(2) + .0007;
    dy(1) = 1.71 * y(0) - 8.75 * y(1);
    dy(2) = -10.03 * y(2) + .43 * y(3) + .035 * y(4);
    dy(3) = 8.32 * y(1) + 1.71 * y(2) - 1.12 * y(3);
    dy(4) = -1.745 * y(4) + .43 * (y(5) + y(6));
    dy(5) = -280 * y(5) * y(7) + .69 * y(3) + 1.71 * y(4) - .43 * y(5) + .69 * y(6);
    dy(6) = bound;
    dy(7) = -bound;
  }
  template <class State, class Matrix>
  void jacobian(double, const State& y, Matrix& J) const {
    J << -1.71, .43, 8.32, 0, 0, 0, 0, 0,                         //
        1.71, -8.75, 0, 0, 0, 0, 0, 0,                            //
        0, 0, -10.03, .43, .035, 0, 0, 0,                         //
        0, 8.32, 1.71, -1.12, 0, 0, 0, 0,                         //
        0, 0, 0, 0, -1.745, .43, .43, 0,                          //
        0, 0, 0, .69, 1.71, -280 * y(7) - .43, .69, -280 * y(5),  //
        0, 0, 0, 0, 0, 280 * y(7), -1.81, 280 * y(5),             //
        0, 0, 0, 0, 0, -280 * y(7), 1.81, -280 * y(5);
  }
};

/// OREGO: the Oregonator, a limit cycle of the Belousov–Zhabotinskii reaction. Hairer & Wanner II, equation IV.10.8.
struct Oregonator {
  static constexpr double t_end = 360;
  static constexpr std::array<double, 3> y0{1, 2, 3};
  static constexpr std::array y_end{1.000814870318523, 1228.178521549917, 132.0554942846706};

  template <class State>
  void operator()(double, const State& y, State& dy) const {
    dy(0) = 77.27 * (y(1) + y(0) * (1 - 8.375e-6 * y(0) - y(1)));
    dy(1) = (y(2) - (1 + y(0)) * y(1)) / 77.27;
    dy(2) = .161 * (y(0) - y(2));
  }
  template <class State, class Matrix>
  void jacobian(double, const State& y, Matrix& J) const {
    J << 77.27 * (1 - 2 * 8.375e-6 * y(0) - y(1)), 77.27 * (1 - y(0)), 0,  //
        -y(1) / 77.27, -(1 + y(0)) / 77.27, 1 / 77.27,                     //
        .161, 0, -.161;
  }
};

/// The same problem without its Jacobian, so that the solver takes differences.
template <class Rhs>
struct ByDifferences {
  Rhs rhs{};
  template <class State>
  void operator()(double t, const State& y, State& dy) const {
    rhs(t, y, dy);
  }
};

}  // namespace pathline
