/// \file
/// Mean and covariance of a batch as a mean and a Cholesky factor, with words for a covariance that has none.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/component_spread.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace pathline::detail {

/// The normal distribution N(mean, L Lᵀ), L lower triangular with a positive diagonal.
struct MeanAndFactor {
  Vector<double> mean;
  Batch<double> factor;
};

/// L becomes d × d zeros.
template <class = void>
inline void set_zero(Index d, Batch<double>& L) {
  L.resize(d, d);
  std::fill(L.data(), L.data() + L.size(), 0.);
}

/// The Cholesky factor L of C (d × d; the lower triangle is read), zero above the diagonal. Where C is not positive
/// definite, the first component whose variance given those before it is at most `tolerance` of its variance; else -1.
/// Not Eigen's LLT, which does not say which component it is, and the message must name it.
template <class = void>
[[nodiscard]] inline Index cholesky(const Batch<double>& C, double tolerance, Batch<double>& L) {
  const Index d = C.rows();
  set_zero(d, L);
  for (Index k = 0; k < d; ++k) {
    double rest = C(k, k);
    for (Index j = 0; j < k; ++j) rest -= L(k, j) * L(k, j);
    if (!(C(k, k) > 0 && rest > tolerance * C(k, k))) return k;
    L(k, k) = std::sqrt(rest);
    for (Index i = k + 1; i < d; ++i) {
      double covariance = C(i, k);
      for (Index j = 0; j < k; ++j) covariance -= L(i, j) * L(k, j);
      L(i, k) = covariance / L(k, k);
    }
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

/// (L⁻¹)ᵀ, whose columns are the rows of L⁻¹; in units of the rows of L, so that nothing overflows on the way. In
/// loops, as all here that needs no template: Eigen's expressions would be compiled in each program that reads this
/// header.
template <class = void>
[[nodiscard]] inline Batch<double> inverse_transposed(const Batch<double>& L) {
  const Index d = L.rows();
  std::vector<double> unit(std::size_t(d), 0.);
  for (Index j = 0; j < d; ++j)
    for (Index i = j; i < d; ++i) unit[std::size_t(i)] = std::max(unit[std::size_t(i)], std::abs(L(i, j)));
  Batch<double> result;
  set_zero(d, result);
  for (Index j = 0; j < d; ++j) {  // column j of the inverse of the scaled factor, by forward substitution
    const double own = unit[std::size_t(j)];
    for (Index i = j; i < d; ++i) {
      double rest = i == j ? 1 : 0;
      for (Index k = j; k < i; ++k) rest -= L(i, k) / unit[std::size_t(i)] * (result(j, k) * own);
      result(j, i) = rest / (L(i, i) / unit[std::size_t(i)]) / own;
    }
  }
  return result;
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

/// The same from known numbers: mean (d) and covariance (d × d) of a scalar with this ε.
/// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite; DataError when C is not
///         symmetric or, to the scalar's rounding, not positive definite.
template <class = void>
[[nodiscard, gnu::cold]] inline MeanAndFactor factored_covariance(const std::string& what, const Vector<double>& mean,
                                                                  const Batch<double>& C, double epsilon) {
  const Index d = mean.size();
  require_rows((what + ": covariance").c_str(), C.rows(), d);
  require_columns((what + ": covariance").c_str(), C.cols(), d);
  require_parameter((what + ": mean").c_str(), mean);
  require_parameter((what + ": covariance").c_str(), C);
  const double rounding = 8 * epsilon;
  double largest = 0;
  for (Index k = 0; k < C.size(); ++k) largest = std::max(largest, std::abs(C.data()[k]));
  for (Index j = 0; j < d; ++j)
    for (Index i = j + 1; i < d; ++i)
      if (std::abs(C(i, j) - C(j, i)) > rounding * largest)
        throw DataError(message(
            {what, ": covariance is not symmetric: ", C(i, j), " at (", i, ", ", j, "), ", C(j, i), " across"}));
  MeanAndFactor result{mean, {}};
  if (const Index k = cholesky(C, rounding * double(d), result.factor); k >= 0)
    throw DataError({what, ": covariance is not positive definite: component ", k,
                     " has no variance of its own, given the components before it"});
  return result;
}

/// Mean and L (d × d) as they are.
/// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite, a diagonal that is not
///         positive, or a number above the diagonal.
template <class = void>
[[nodiscard, gnu::cold]] inline MeanAndFactor known_factor(const std::string& what, const Vector<double>& mean,
                                                           const Batch<double>& L) {
  const Index d = mean.size();
  require_rows((what + ": factor").c_str(), L.rows(), d);
  require_columns((what + ": factor").c_str(), L.cols(), d);
  require_parameter((what + ": mean").c_str(), mean);
  require_parameter((what + ": factor").c_str(), L);
  for (Index j = 0; j < d; ++j)
    for (Index i = 0; i <= j; ++i)
      if (i == j ? !(L(i, j) > 0) : L(i, j) != 0)
        throw ArgumentError(
            what + ": factor(" + std::to_string(i) + ", " + std::to_string(j) + ")", L(i, j),
            i == j ? "a positive number" : "0, it is lower triangular; for a covariance there is from_covariance");
  return {mean, L};
}

/// L (d × d, lower triangular) with L Lᵀ = S Sᵀ / n, of standardised scores S (d × n), of which row i is known to
/// rounding(i). Returns the first component that is a linear combination of those before it, to rounding (L is then
/// good up to that row), else -1. docs/maths.md, (7.9).
///
/// Rows go through Gram–Schmidt, twice: the part of a row that is no combination keeps its digits, which products as
/// in S Sᵀ lose below √ε. That part is compared with the rounding of the whole combination, √Σ c_i² rounding(i)²: of
/// components that nearly depend on each other the coefficients c are large, and so is their rounding.
template <class = void>
[[nodiscard]] inline Index triangular_factor(const Batch<double>& scores, const Vector<double>& rounding,
                                             Batch<double>& L) {
  const Index d = scores.rows(), n = scores.cols();
  Batch<double> Q(n, d);  // columns of length √n
  for (Index k = 0; k < d; ++k)
    for (Index j = 0; j < n; ++j) Q(j, k) = scores(k, j);
  set_zero(d, L);
  const auto square = [](double x) { return x * x; };
  Vector<double> part(d), combination(d);
  for (Index k = 0; k < d; ++k) {
    double* const own = Q.data() + k * n;
    for (int pass = 0; pass < 2; ++pass) {
      for (Index i = 0; i < k; ++i) part(i) = std::inner_product(own, own + n, Q.data() + i * n, 0.) / double(n);
      for (Index i = 0; i < k; ++i) {
        const double* const other = Q.data() + i * n;
        for (Index j = 0; j < n; ++j) own[j] -= part(i) * other[j];
        L(k, i) += part(i);
      }
    }
    L(k, k) = std::sqrt(std::inner_product(own, own + n, own, 0.) / double(n));
    for (Index j = 0; j < k; ++j) combination(j) = L(k, j);
    double from_data = square(rounding(k)), length = 1;
    for (Index j = k - 1; j >= 0; --j) {
      double& c = combination(j);
      c /= L(j, j);
      for (Index i = 0; i < j; ++i) combination(i) -= c * L(j, i);
      from_data += square(c * rounding(j));
      length += square(c);
    }
    const double from_sums = double(k + 1) * std::numeric_limits<double>::epsilon() * std::sqrt(length);
    if (!(L(k, k) > 8 * (std::sqrt(from_data) + from_sums))) return k;
    for (Index j = 0; j < n; ++j) own[j] /= L(k, k);
  }
  return -1;
}

/// To how much the standardised scores of data X are known: half a unit in the last place, in deviations. Doubles that
/// are floats, all of a component, count as such.
template <class = void>
[[nodiscard]] inline Vector<double> rounding_of(const Batch<double>& X, const ComponentSpread& spread,
                                                Precision precision) {
  Vector<double> result(X.rows());
  for (Index i = 0; i < X.rows(); ++i) {
    bool single = true;
    for (Index j = 0; j < X.cols() && single; ++j) single = X(i, j) == double(float(X(i, j)));
    const double epsilon = Precision{precision.single || single}.epsilon();
    result(i) = 0.5 * epsilon * std::hypot(1, spread.mean(i) / spread.deviation(i));
  }
  return result;
}

/// Mean and covariance of data (d × n), whatever the components' units: the maximum-likelihood estimates (n, not n - 1,
/// in the covariance).
/// \throws DataError when data is empty, not finite, has at most d samples, or a component that is constant, varies by
///         less than 64 of the scalar's numbers around its mean, or is a linear combination of others to the precision
///         of the data, or a sample so far out that most others become equal in this scalar.
template <class = void>
[[nodiscard]] inline MeanAndFactor mean_and_factor_of(const std::string& what, const Batch<double>& X,
                                                      Precision precision) {
  const Index d = X.rows(), n = X.cols();
  if (n > 0 && n <= d)
    throw DataError(
        message({what, ": data has ", n, " samples, expected at least ", d + 1, " to tell the covariance of ", d,
                 " components", n < d ? "; data with a row per sample need transpose()" : ""}));
  const ComponentSpread spread = standard_spread(what, X, precision);
  MeanAndFactor result{spread.mean, {}};
  if (const Index k = triangular_factor(spread.scores, rounding_of(X, spread, precision), result.factor); k >= 0)
    throw DataError({what, ": component ", k,
                     " of the data is a linear combination of the components before it: they have no density "
                     "together; leave the column out"});
  for (Index j = 0; j < d; ++j)
    for (Index i = j; i < d; ++i) result.factor(i, j) *= spread.deviation(i);
  return result;
}

template <class Derived>
[[nodiscard]] MeanAndFactor mean_and_factor(const std::string& what, const Eigen::MatrixBase<Derived>& data) {
  return mean_and_factor_of(what, data.template cast<double>(), precision_of<typename Derived::Scalar>);
}

}  // namespace pathline::detail
