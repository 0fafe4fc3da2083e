/// \file
/// SUNDIALS on the problems of this folder: its multistep and its Runge–Kutta methods, dense linear algebra, Jacobians
/// by the problem.
#pragma once

#include <benchmarks/solvers/work.hpp>

#include <Eigen/Core>

#include <vector>

namespace pathline::sundials {

enum class Method {
  cvode_bdf,              ///< Orders 1 to 5, Newton's method.
  cvode_adams,            ///< Orders 1 to 12, fixed-point iteration.
  arkode_dormand_prince,  ///< 5(4), explicit.
  arkode_kvaerno,         ///< 5(4), diagonally implicit.
};

/// A problem as SUNDIALS wants it; of_problem() makes one.
struct Problem {
  Index d = 0;
  double t_end = 0;
  std::vector<double> y0;
  void (*rhs)(double t, const double* y, double* dy) = nullptr;
  void (*jacobian)(double t, const double* y, double* J) = nullptr;  ///< d × d, column by column; may be missing.
};

template <class P>
[[nodiscard]] Problem of_problem() {
  static constexpr int d = int(P::y0.size());
  using State = Eigen::Matrix<double, d, 1>;
  Problem problem{.d = d, .t_end = P::t_end, .y0 = {P::y0.begin(), P::y0.end()}};
  problem.rhs = [](double t, const double* y, double* dy) {
    const State at(y);
    State derivative;
    P{}(t, at, derivative);
    State::Map(dy) = derivative;
  };
  if constexpr (requires(Eigen::MatrixXd & J) { P{}.jacobian(0., State(), J); })
    problem.jacobian = [](double t, const double* y, double* J) {
      static Eigen::MatrixXd matrix(d, d);
      P{}.jacobian(t, State(y), matrix);
      Eigen::Matrix<double, d, d>::Map(J) = matrix;
    };
  return problem;
}

/// One solve; `y` is the state at the end. The time and the error of the result are left to the caller.
/// \return false where SUNDIALS gives up.
bool solve(const Problem& problem, Method method, double rtol, double atol, std::vector<double>& y, Work& work);

}  // namespace pathline::sundials
