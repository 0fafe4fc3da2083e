/// \file
/// The 25 problems without stiffness of DETEST, t from 0 to 20: Hull, Enright, Fellen & Sedgwick, SIAM J. Numer.
/// Anal. 9 (1972) 603–637. Solutions at the end are closed forms where there are any; the others are those of Enright &
/// Pryce, ACM TOMS 13 (1987) 28–34 (algorithm 648, NSDTST), with which an extrapolation method in extended precision
/// agrees to 1e-13 of the largest entry.
#pragma once

#include <pathline/core/types.hpp>

#include <Eigen/Core>

#include <array>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <numbers>
#include <string>
#include <vector>

namespace pathline::detest {

using State = Eigen::VectorXd;
constexpr double end_time = 20;

struct Problem {
  std::string name;
  void (*rhs)(double t, const State& y, State& dy);
  State y0, y_end;
  double amplification = 20;  ///< Of the tolerance, in the error at the end.
};

inline State column(std::initializer_list<double> values) {
  return Eigen::Map<const State>(values.begin(), Index(values.size()));
}

inline State first_unit(Index n) { return State::Unit(n, 0); }

/// Heat on a line of n points with cold ends: y' = y_{i-1} - 2 y_i + y_{i+1}.
inline void diffusion(double, const State& y, State& dy) {
  const Index n = y.size();
  dy = -2 * y;
  dy.head(n - 1) += y.tail(n - 1);
  dy.tail(n - 1) += y.head(n - 1);
}
inline State diffused(Index n) {
  State y = State::Zero(n);
  for (Index k = 1; k <= n; ++k) {
    const double angle = std::numbers::pi * double(k) / double(n + 1);
    const double decay = std::exp(-4 * std::pow(std::sin(angle / 2), 2) * end_time);
    for (Index i = 0; i < n; ++i)
      y(i) += 2. / double(n + 1) * decay * std::sin(angle) * std::sin(double(i + 1) * angle);
  }
  return y;
}

/// Motion of the five outer planets around the sun, positions then velocities.
inline void five_bodies(double, const State& y, State& dy) {
  constexpr double gravity = 2.95912208286, sun = 1.00000597682;
  constexpr std::array mass{.954786104043e-3, .285583733151e-3, .437273164546e-4, .517759138449e-4, .277777777778e-5};
  const auto inverse_cube = [](const Eigen::Vector3d& r) { return 1 / std::pow(r.norm(), 3); };
  dy.head<15>() = y.tail<15>();
  for (Index i = 0; i < 5; ++i) {
    const Eigen::Vector3d at = y.segment<3>(3 * i);
    Eigen::Vector3d sum = -(sun + mass[std::size_t(i)]) * inverse_cube(at) * at;
    for (Index j = 0; j < 5; ++j) {
      if (j == i) continue;
      const Eigen::Vector3d other = y.segment<3>(3 * j);
      sum += mass[std::size_t(j)] * (inverse_cube(other - at) * (other - at) - inverse_cube(other) * other);
    }
    dy.segment<3>(15 + 3 * i) = gravity * sum;
  }
}

inline void orbit(double, const State& y, State& dy) {
  dy.head<2>() = y.tail<2>();
  dy.tail<2>() = -y.head<2>() / std::pow(y.head<2>().norm(), 3);
}
inline Problem orbit_problem(const std::string& name, double e) {
  double E = end_time;  // Kepler's equation for the eccentric anomaly
  for (int i = 0; i < 50; ++i) E -= (E - e * std::sin(E) - end_time) / (1 - e * std::cos(E));
  const double r = 1 - e * std::cos(E), minor = std::sqrt(1 - e * e);
  return {name, orbit, column({1 - e, 0, 0, std::sqrt((1 + e) / (1 - e))}),
          column({std::cos(E) - e, minor * std::sin(E), -std::sin(E) / r, minor * std::cos(E) / r}),
          1000};  // an error of the period grows with every revolution
}

/// E1: (t + 1)^{-1/2} times a sine is the Bessel function of order 1/2.
inline State bessel(double t) {
  const double x = t + 1, scale = std::sqrt(2 / (std::numbers::pi * x));
  return column({scale * std::sin(x), scale * (std::cos(x) - std::sin(x) / (2 * x))});
}

inline std::vector<Problem> problems() {
  const double t = end_time;
  State c1(10), c2(10);
  double power = std::exp(-t), rest = 1;
  for (Index i = 0; i < 9; ++i, power *= t / double(i)) {
    c1(i) = power;
    c2(i) = std::exp(-t) * std::pow(1 - std::exp(-t), double(i));
    rest -= power;
  }
  c1(9) = rest;
  c2(9) = std::pow(1 - std::exp(-t), 9);

  std::vector<Problem> all{
      {"A1", [](double, const State& y, State& dy) { dy = -y; }, column({1}), column({std::exp(-t)})},
      {"A2", [](double, const State& y, State& dy) { dy(0) = -std::pow(y(0), 3) / 2; }, column({1}),
       column({1 / std::sqrt(1 + t)})},
      {"A3", [](double x, const State& y, State& dy) { dy(0) = y(0) * std::cos(x); }, column({1}),
       column({std::exp(std::sin(t))})},
      {"A4", [](double, const State& y, State& dy) { dy(0) = y(0) / 4 * (1 - y(0) / 20); }, column({1}),
       column({20 / (1 + 19 * std::exp(-t / 4))})},
      {"A5", [](double x, const State& y, State& dy) { dy(0) = (y(0) - x) / (y(0) + x); }, column({4}),
       column({-.7887826688964196})},
      {"B1", [](double, const State& y, State& dy) { dy << 2 * (y(0) - y(0) * y(1)), -(y(1) - y(0) * y(1)); },
       column({1, 3}), column({.6761876008576667, .1860816099640036})},
      {"B2", [](double, const State& y, State& dy) { dy << -y(0) + y(1), y(0) - 2 * y(1) + y(2), y(1) - y(2); },
       column({2, 0, 1}),
       column({1 + std::exp(-t) / 2 + std::exp(-3 * t) / 2, 1 - std::exp(-3 * t),
               1 - std::exp(-t) / 2 + std::exp(-3 * t) / 2})},
      {"B3", [](double, const State& y, State& dy) { dy << -y(0), y(0) - y(1) * y(1), y(1) * y(1); }, column({1, 0, 0}),
       column({std::exp(-t), .05257228022048349, .9474277177183630})},
      {"B4",
       [](double, const State& y, State& dy) {
         const double r = y.head<2>().norm();
         dy << -y(1) - y(0) * y(2) / r, y(0) - y(1) * y(2) / r, y(0) / r;
       },
       column({3, 0, 0}), column({.9826950928005993, 2.198447081694832, .9129452507276399})},
      {"B5", [](double, const State& y, State& dy) { dy << y(1) * y(2), -y(0) * y(2), -.51 * y(0) * y(1); },
       column({0, 1, 1}), column({-.9396570798729192, -.3421177754000779, .7414126596199957})},
      {"C1",
       [](double, const State& y, State& dy) {
         dy.head<9>() = -y.head<9>();
         dy(9) = 0;
         dy.tail<9>() += y.head<9>();
       },
       first_unit(10), c1},
      {"C2",
       [](double, const State& y, State& dy) {
         const Eigen::Matrix<double, 9, 1> flow = y.head<9>().cwiseProduct(Eigen::VectorXd::LinSpaced(9, 1, 9));
         dy.head<9>() = -flow;
         dy(9) = 0;
         dy.tail<9>() += flow;
       },
       first_unit(10), c2},
      {"C3", diffusion, first_unit(10), diffused(10)},
      {"C4", diffusion, first_unit(51), diffused(51)},
      {"C5", five_bodies,
       column({3.42947415189,   3.35386959711,  1.35494901715,  6.64145542550,  5.97156957878,  2.18231499728,
               11.2630437207,   14.6952576794,  6.27960525067,  -30.1552268759, 1.65699966404,  1.43785752721,
               -21.1238353380,  28.4465098142,  15.3882659679,  -.557160570446, .505696783289,  .230578543901,
               -.415570776342,  .365682722812,  .169143213293,  -.325325669158, .189706021964,  .0877265322780,
               -.0240476254170, -.287659532608, -.117219543175, -.176860753121, -.216393453025, -.0148647893090}),
       column({-4.792730224323733,  -2.420550725448973, -.9212509306014886, -4.217310404035213, 7.356202947498970,
               3.223785985421212,   4.035559443262270,  17.19865528670555,  7.478910794233703,  -29.98759326324844,
               -4.107310937550929,  -.9277008321754407, -24.42125302518482, 23.81459045746554,  14.92096306951359,
               .3499208963063806,   -.5748487687912825, -.2551694020879149, -.5237040978903326, -.2493000463579661,
               -.08045341642044464, -.3875289237334110, .05648603288767891, .03023606472143342, .04133856546712445,
               -.2862393029841379,  -.1183032405136207, -.1511986457359206, -.2460068894318766, -.03189687411323877})},
      {"E1",
       [](double x, const State& y, State& dy) {
         dy << y(1), -(y(1) / (x + 1) + (1 - .25 / ((x + 1) * (x + 1))) * y(0));
       },
       bessel(0), bessel(t)},
      {"E2", [](double, const State& y, State& dy) { dy << y(1), (1 - y(0) * y(0)) * y(1) - y(0); }, column({2, 0}),
       column({2.008149762174948, -.04250887527320057})},
      {"E3",
       [](double x, const State& y, State& dy) {
         dy << y(1), std::pow(y(0), 3) / 6 - y(0) + 2 * std::sin(2.78535 * x);
       },
       column({0, 0}), column({-.1004178858647128, .2411400132095954})},
      {"E4", [](double, const State& y, State& dy) { dy << y(1), .032 - .4 * y(1) * y(1); }, column({30, 0}),
       column(
           {30 + 2.5 * std::log(std::cosh(std::sqrt(.0128) * t)), std::sqrt(.08) * std::tanh(std::sqrt(.0128) * t)})},
      {"E5", [](double x, const State& y, State& dy) { dy << y(1), std::sqrt(1 + y(1) * y(1)) / (25 - x); },
       column({0, 0}), column({12.5 * std::log(5.) - 6, 2.4})},
  };
  const std::array eccentricities{.1, .3, .5, .7, .9};
  for (std::size_t i = 0; i < eccentricities.size(); ++i)
    all.push_back(orbit_problem("D" + std::to_string(i + 1), eccentricities[i]));
  return all;
}

/// The greatest error of an entry, relative to 1 and to that of the solution.
inline double error_at_end(const Problem& problem, const State& y) {
  return ((y - problem.y_end).array() / (1 + problem.y_end.array().abs())).abs().maxCoeff();
}

}  // namespace pathline::detest
