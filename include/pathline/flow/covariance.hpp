/// \file
/// Mean and covariance of a batch as a mean and a Cholesky factor, with words for a covariance that has none.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace pathline::detail {

/// The normal distribution N(mean, L Lᵀ), L lower triangular with a positive diagonal.
struct MeanAndFactor {
  Vector<double> mean;
  Batch<double> factor;
};

/// The Cholesky factor L of C (d × d; the lower triangle is read), zero above the diagonal. Where C is not positive
/// definite, the first component whose variance given those before it is at most `tolerance` of its variance; else -1.
/// Own code, because that component is what the user must be told, and Eigen's LLT does not say it.
[[nodiscard]] inline Index cholesky(const Batch<double>& C, double tolerance, Batch<double>& L) {
  const Index d = C.rows();
  L.setZero(d, d);
  for (Index k = 0; k < d; ++k) {
    const double rest = C(k, k) - L.row(k).head(k).squaredNorm();
    if (!(C(k, k) > 0 && rest > tolerance * C(k, k))) return k;
    L(k, k) = std::sqrt(rest);
    for (Index i = k + 1; i < d; ++i) L(i, k) = (C(i, k) - L.row(i).head(k).dot(L.row(k).head(k))) / L(k, k);
  }
  return -1;
}

/// x := L⁻¹ x, a column.
template <class Scalar, class Column>
void solve_lower(const Batch<Scalar>& L, Column&& x) {
  const Index d = x.size();
  for (Index k = 0; k < d; ++k) {
    x(k) /= L(k, k);
    x.tail(d - k - 1) -= x(k) * L.col(k).tail(d - k - 1);
  }
}

/// x := L x, a column.
template <class Scalar, class Column>
void multiply_lower(const Batch<Scalar>& L, Column&& x) {
  const Index d = x.size();
  for (Index k = d - 1; k >= 0; --k) {  // from below: what is still to be read has not been written
    x.tail(d - k - 1) += x(k) * L.col(k).tail(d - k - 1);
    x(k) *= L(k, k);
  }
}

/// Of data (d × n): the maximum-likelihood estimates (n, not n - 1, in the covariance).
/// \throws DataError when data is empty, not finite, has at most d samples, or a component that is constant or a linear
///         combination of others.
template <class Derived>
[[nodiscard]] MeanAndFactor mean_and_factor(const std::string& what, const Eigen::MatrixBase<Derived>& data) {
  Batch<double> X = data.template cast<double>();  // evaluated once, whatever the expression
  require_finite((what + ": data").c_str(), X);
  const Index d = X.rows(), n = X.cols();
  if (n <= d)
    throw DataError(what + ": data has " + std::to_string(n) + " samples, expected at least " + std::to_string(d + 1) +
                    " to tell the covariance of " + std::to_string(d) + " components");
  MeanAndFactor result;
  result.mean = X.rowwise().mean();
  X.colwise() -= result.mean;
  Batch<double> covariance(d, d);
  covariance.noalias() = X * X.transpose();
  covariance /= double(n);

  constexpr double rounding = 8 * double(std::numeric_limits<typename Derived::Scalar>::epsilon());
  double offset = 0;  // largest |mean| in deviations
  for (Index i = 0; i < d; ++i) {
    const double deviation = std::sqrt(covariance(i, i)), size = std::abs(result.mean(i));
    // A component of equal numbers has the rounding of its mean for a deviation, not exactly 0.
    if (!(deviation > rounding * size))
      throw DataError(what + ": component " + std::to_string(i) + " of the data is constant (" +
                      number(result.mean(i)) + "): it has no density; leave the column out");
    offset = std::max(offset, size / deviation);
  }
  // What is left of a linear combination is the rounding of the data, relative to their size and squared, and that of
  // the sums above.
  const double tolerance =
      rounding * rounding * (1 + offset * offset) + 8 * double(d) * std::numeric_limits<double>::epsilon();
  if (const Index k = cholesky(covariance, tolerance, result.factor); k >= 0)
    throw DataError(what + ": component " + std::to_string(k) +
                    " of the data is a linear combination of the components before it: they have no density together; "
                    "leave the column out");
  return result;
}

}  // namespace pathline::detail
