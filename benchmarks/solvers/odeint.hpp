/// \file
/// Boost.odeint on the problems of this folder, as its documentation shows it: std::array, array_algebra and
/// integrate_adaptive. Its stiff method needs uBLAS, which in Boost 1.74 does not compile as C++20.
#pragma once

#include <benchmarks/solvers/work.hpp>
#include <pathline/ode/concepts.hpp>

#include <boost/numeric/odeint/algebra/array_algebra.hpp>
#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_fehlberg78.hpp>

#include <array>
#include <exception>

namespace pathline {

namespace detail {

template <class Problem>
using ArrayOf = std::array<double, Problem::y0.size()>;

}  // namespace detail

template <class Problem>
using OdeintDopri5 =
    boost::numeric::odeint::runge_kutta_dopri5<detail::ArrayOf<Problem>, double, detail::ArrayOf<Problem>, double,
                                               boost::numeric::odeint::array_algebra>;
template <class Problem>
using OdeintFehlberg78 =
    boost::numeric::odeint::runge_kutta_fehlberg78<detail::ArrayOf<Problem>, double, detail::ArrayOf<Problem>, double,
                                                   boost::numeric::odeint::array_algebra>;

template <class Solve>
[[nodiscard]] Work work_of_odeint(const Solve& solve) {
  Work work;
  try {
    work = solve();
    work.seconds = fastest(solve);
  } catch (const std::exception&) {
    work.error = std::numeric_limits<double>::infinity();
  }
  return work;
}

/// `floor` is atol / rtol.
template <template <class> class Stepper, class Problem>
[[nodiscard]] Work by_odeint(double rtol, double floor) {
  namespace odeint = boost::numeric::odeint;
  using State = detail::ArrayOf<Problem>;
  return work_of_odeint([&] {
    Work work;
    using Vector = Eigen::Matrix<double, int(Problem::y0.size()), 1>;
    const auto rhs = [&](const State& y, State& dy, double t) __attribute__((always_inline)) {
      ++work.evaluations;
      Eigen::Map<Vector> derivative(dy.data());
      Problem{}(t, Eigen::Map<const Vector>(y.data()), derivative);
    };
    State y = Problem::y0;
    work.accepted = long(odeint::integrate_adaptive(odeint::make_controlled(rtol * floor, rtol, Stepper<Problem>()),
                                                    rhs, y, 0., Problem::t_end, 1e-6));
    work.error = error_of(y.data(), Problem::y_end, floor);
    return work;
  });
}

}  // namespace pathline
