/// \file
/// A network in plain Eigen, for tests of the solvers alone.
#pragma once

#include <pathline/core/types.hpp>

#include <cmath>

namespace pathline {

/// Two products with few rows: with few columns too, Eigen sums them in another order, so that the number of columns
/// shows in the bits. d = 3. t is one time, or a row with a time for each column.
struct SmallNetwork {
  Eigen::MatrixXd first =
      Eigen::MatrixXd::NullaryExpr(9, 3, [](Index i, Index j) { return std::sin(1. + double(i + 5 * j)); });
  Eigen::MatrixXd second =
      Eigen::MatrixXd::NullaryExpr(3, 9, [](Index i, Index j) { return std::cos(2. + double(3 * i + j)); });
  Eigen::MatrixXd hidden{};
  Index calls = 0, columns = 0;

  template <class Time>
  void operator()(const Time& t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    hidden.noalias() = first * y;
    hidden = hidden.array() / (1 + hidden.array().square());
    dy.noalias() = second * hidden;
    if constexpr (requires { t.size(); })
      for (Index j = 0; j < y.cols(); ++j) dy.col(j) *= 3 * std::sin(4 * t(j));
    else
      dy *= 3 * std::sin(4 * t);
    ++calls, columns += y.cols();
  }
};

/// n starts for it, 3 × n.
inline Eigen::MatrixXd states_of_network(Index n) {
  return Eigen::MatrixXd::NullaryExpr(3, n, [](Index i, Index j) { return 2 * std::sin(double(7 * i + j * j)); });
}

}  // namespace pathline
