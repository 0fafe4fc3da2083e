/// \file
/// A right-hand side whose bits do not depend on the batch:
/// ```
/// const Eigen::MatrixXd Y = solve(PaddedColumns(network), Y0, 0, 1, Rk4{}, FixedSteps(20));
/// ```
/// Matrix products may sum in another order for the last few columns of a batch, and for few columns altogether, so
/// that a sample's result changes in its last bits with the number of its neighbours. With the columns filled up to a
/// multiple of eight and fixed steps it does not. PerSample (per_sample.hpp) does the same for steps of its own.
#pragma once

#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/concepts.hpp>

#include <tuple>
#include <utility>

namespace pathline {

/// Calls `rhs` with the columns of the batch and copies of the first after them. For states of dynamic size. Holds
/// scratch: one object for each thread. A Jacobian of the right-hand side is not passed on.
template <class Rhs>
class PaddedColumns {
  static_assert(RightHandSide<Rhs, Batch<double>> || RightHandSide<Rhs, Batch<float>>,
                "PaddedColumns: the right-hand side must be callable with matrices of dynamic size");

 public:
  /// \param multiple  The columns are a multiple of this, and no less than three.
  explicit PaddedColumns(Rhs rhs, Index multiple = 8) : rhs_(std::move(rhs)), multiple_(multiple) {}

  template <Real Scalar>
  requires RightHandSide<Rhs, Batch<Scalar>>
  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    auto& [padded, derivative] = std::get<Scratch<Scalar>>(scratch_);
    const Index n = y.cols(), columns = detail::padded_columns(n, multiple_);
    if (columns == n) return detail::evaluate(rhs_, t, y, dy);
    padded.resize(y.rows(), columns);
    derivative.resize(y.rows(), columns);
    padded.leftCols(n) = y;
    padded.rightCols(columns - n).colwise() = y.col(0);
    detail::evaluate(rhs_, t, padded, derivative);
    dy = derivative.leftCols(n);
  }

  [[nodiscard]] Index error_rows() const requires HasErrorRows<Rhs> { return rhs_.error_rows(); }
  [[nodiscard]] Index path_rows() const requires HasPathRows<Rhs> { return rhs_.path_rows(); }

 private:
  template <class Scalar>
  struct Scratch {
    Batch<Scalar> padded, derivative;
  };

  Rhs rhs_;
  Index multiple_;
  std::tuple<Scratch<float>, Scratch<double>> scratch_;
};

}  // namespace pathline
