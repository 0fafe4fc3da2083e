/// \file
/// One solve by each library, timed and judged: what main.cpp and its pictures ask for.
#pragma once

#include <benchmarks/solvers/sundials.hpp>
#include <benchmarks/solvers/work.hpp>
#include <pathline/ode.hpp>

namespace pathline {

template <class Problem>
using StateOf = Eigen::Matrix<double, int(Problem::y0.size()), 1>;

/// The problem, with its Jacobian counted where it has one.
template <class Problem>
struct Counting {
  long jacobians = 0;
  EIGEN_ALWAYS_INLINE void operator()(double t, const StateOf<Problem>& y, StateOf<Problem>& dy) const {
    Problem{}(t, y, dy);
  }
  void jacobian(double t, const StateOf<Problem>& y,
                Jacobians<double>& J) requires HasJacobian<Problem, StateOf<Problem>> {
    ++jacobians;
    Problem{}.jacobian(t, y, J);
  }
};

/// pathline, on a state of static size. `floor` is atol / rtol.
template <class Method, class Problem>
[[nodiscard]] Work by_pathline(double rtol, double floor) {
  using State = StateOf<Problem>;
  const PiController control{.rtol = rtol, .atol = rtol * floor, .max_steps = 1'000'000};
  const std::array<double, 2> times{0, Problem::t_end};
  Stepper<Method, State> stepper;
  Counting<Problem> rhs;
  Work work;
  try {
    State y(Problem::y0.data());
    const Statistics statistics = integrate(Method{}, control, rhs, y, times, stepper);
    work.error = error_of(y.data(), Problem::y_end, floor);
    work.accepted = statistics.accepted;
    work.rejected = statistics.rejected;
    work.evaluations = statistics.evaluations;
    work.jacobians = rhs.jacobians;
    work.seconds = fastest([&] {
      State again(Problem::y0.data());
      integrate(Method{}, control, rhs, again, times, stepper);
    });
  } catch (const SolveError&) {
  }
  return work;
}

template <class Problem>
[[nodiscard]] Work by_sundials(sundials::Method method, double rtol, double floor) {
  const sundials::Problem problem = sundials::of_problem<Problem>();
  std::vector<double> y;
  Work work;
  if (!sundials::solve(problem, method, rtol, rtol * floor, y, work)) return work;
  work.error = error_of(y.data(), Problem::y_end, floor);
  Work ignored;
  work.seconds = fastest([&] { sundials::solve(problem, method, rtol, rtol * floor, y, ignored); });
  return work;
}

}  // namespace pathline
