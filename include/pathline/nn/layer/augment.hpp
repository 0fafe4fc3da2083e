/// \file
/// Room beside the data: augmented neural ODEs (Dupont et al. 2019, section 4).
///
/// A flow in d dimensions cannot make paths cross, in d + a it can go around. There is no density of x in this: the
/// joint density of (x, 0) that a normalizing flow over d + a rows would report is not that of x, and does not
/// integrate to one over it. So this is for neural ODEs that regress or classify, not for `Cnf`.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <string>

namespace pathline {

/// X (d × n) above `extra` rows of zeros: (d + extra) × n.
/// \throws ArgumentError when extra is below 0.
template <class Derived>
[[nodiscard]] Batch<typename Derived::Scalar> augment(const Eigen::MatrixBase<Derived>& X, Index extra) {
  if (extra < 0) throw ArgumentError("augment: number of extra rows", extra, "at least 0");
  Batch<typename Derived::Scalar> result(X.rows() + extra, X.cols());
  result.topRows(X.rows()) = X;
  result.bottomRows(extra).setZero();
  return result;
}

/// The first d rows of Y. Given a cotangent of augment's result it is that of X.
/// \throws ArgumentError unless 0 ≤ d ≤ rows of Y.
template <class Derived>
[[nodiscard]] Batch<typename Derived::Scalar> drop_augmented(const Eigen::MatrixBase<Derived>& Y, Index d) {
  if (d < 0 || d > Y.rows())
    throw ArgumentError("drop_augmented: number of rows to keep", d, "between 0 and " + std::to_string(Y.rows()));
  return Y.topRows(d);
}

}  // namespace pathline
