/// \file
/// Losses of the states of a neural ODE that know their second derivatives: what Hessian-vector products ask for.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/dual.hpp>
#include <pathline/nn/layer/function_layer.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace pathline {

/// A loss as `NeuralOde::value_and_gradient` takes it, `loss(states, cotangents) -> Scalar`, which besides has
/// `hessian_product(states, tangents, products)`: adds the Hessian by the states, times the tangents, to the products.
/// All are lists of d × n, one for each time.
template <class L, class Scalar>
concept TwiceDifferentiableLoss = requires(const L loss, const std::vector<Batch<Scalar>>& states,
                                           std::vector<Batch<Scalar>>& bars) {
  { loss(states, bars) } -> std::convertible_to<Scalar>;
  loss.hessian_product(states, states, bars);
};

/// L = weight / 2 Σ_k ‖y(t_k) - o_k‖² over the entries that were observed.
///
///     const LeastSquares loss{observed, 1 / (sigma * sigma)};  // minus a Gaussian log-likelihood
template <Real Scalar>
struct LeastSquares {
  std::vector<Batch<Scalar>> observed;  ///< o_k, d × n at each of the times; NaN where nothing was observed.
  Scalar weight = Scalar(1);            ///< At least 0, so that the loss is convex in the states.

  /// Adds to the cotangents. \throws ShapeError where observations and states do not match; ArgumentError for a weight
  /// below 0.
  Scalar operator()(const std::vector<Batch<Scalar>>& states, std::vector<Batch<Scalar>>& cotangents) const {
    Scalar sum(0);
    for_each_observed(states, [&](std::size_t k, Index i, Index j) {
      const Scalar residual = states[k](i, j) - observed[k](i, j);
      sum += residual * residual;
      cotangents[k](i, j) += weight * residual;
    });
    return weight * sum / Scalar(2);
  }
  void hessian_product(const std::vector<Batch<Scalar>>& states, const std::vector<Batch<Scalar>>& tangents,
                       std::vector<Batch<Scalar>>& products) const {
    for_each_observed(states,
                      [&](std::size_t k, Index i, Index j) { products[k](i, j) += weight * tangents[k](i, j); });
  }

 private:
  template <class Visit>
  void for_each_observed(const std::vector<Batch<Scalar>>& states, const Visit& visit) const {
    if (!(weight >= Scalar(0) && std::isfinite(weight)))
      throw ArgumentError("LeastSquares: weight", double(weight), "0 or a positive number");
    if (observed.size() != states.size())
      throw ShapeError("LeastSquares: observed", "batches", Index(observed.size()), Index(states.size()),
                       "one for each of the times");
    for (std::size_t k = 0; k < states.size(); ++k) {
      const Batch<Scalar>&all = observed[k], &y = states[k];
      if (all.rows() != y.rows()) throw ShapeError("LeastSquares: observed", "rows", all.rows(), y.rows());
      if (all.cols() != y.cols()) throw ShapeError("LeastSquares: observed", "columns", all.cols(), y.cols());
      for (Index j = 0; j < y.cols(); ++j)
        for (Index i = 0; i < y.rows(); ++i)
          if (!std::isnan(all(i, j))) visit(k, i, j);
    }
  }
};
template <Real Scalar>
LeastSquares(std::vector<Batch<Scalar>>, std::type_identity_t<Scalar>) -> LeastSquares<Scalar>;
template <Real Scalar>
LeastSquares(std::vector<Batch<Scalar>>) -> LeastSquares<Scalar>;

/// L = Σ_k Σ_j term(k, j, y(t_k) of sample j), with derivatives found by the library. The term is a function for any
/// type of number T, as those of `differentiable` are: term(Index k, Index j, const Numbers<const T>& y) -> T.
///
///     const SumOfTerms loss{[](Index, Index, const auto& y) { using std::log1p; return log1p(y[0] * y[0]); }};
///
/// Value and cotangents take d evaluations of each term, and so do products with the Hessian.
template <class Term>
struct SumOfTerms {
  Term term;

  /// Adds to the cotangents.
  template <Real Scalar>
  Scalar operator()(const std::vector<Batch<Scalar>>& states, std::vector<Batch<Scalar>>& cotangents) const {
    Scalar sum(0);
    for_each<Dual<Scalar, 1>>(
        states, [&](std::size_t k, Index i, Index j) { return states[k](i, j); },
        [&](std::size_t k, Index i, Index j, const Dual<Scalar, 1>& value) {
          if (i == 0) sum += value.value;
          cotangents[k](i, j) += value.slope[0];
        });
    return sum;
  }
  template <Real Scalar>
  void hessian_product(const std::vector<Batch<Scalar>>& states, const std::vector<Batch<Scalar>>& tangents,
                       std::vector<Batch<Scalar>>& products) const {
    for_each<Dual<Dual<Scalar, 1>, 1>>(
        states,
        [&](std::size_t k, Index i, Index j) {
          Dual<Scalar, 1> number(states[k](i, j));
          number.slope[0] = tangents[k](i, j);
          return number;
        },
        [&](std::size_t k, Index i, Index j, const Dual<Dual<Scalar, 1>, 1>& value) {
          products[k](i, j) += value.slope[0].slope[0];
        });
  }

 private:
  /// take(k, i, j, term) with a derivative by entry i, of numbers whose values are those of value(k, i, j).
  template <class T, Real Scalar, class Value, class Take>
  void for_each(const std::vector<Batch<Scalar>>& states, const Value& value, const Take& take) const {
    static_assert(
        requires(const Numbers<const T> y) {
          { term(Index(0), Index(0), y) } -> std::convertible_to<T>;
        },
        "SumOfTerms: the term must take (Index k, Index j, y) for numbers y[i] of any type, and return one of them");
    static thread_local std::vector<T> y;  // keeps its memory from call to call
    for (std::size_t k = 0; k < states.size(); ++k) {
      const Index d = states[k].rows();
      y.resize(std::size_t(d));
      for (Index j = 0; j < states[k].cols(); ++j) {
        for (Index i = 0; i < d; ++i) y[std::size_t(i)] = T(value(k, i, j));
        for (Index i = 0; i < d; ++i) {
          y[std::size_t(i)].slope[0] = 1;
          take(k, i, j, term(Index(k), j, Numbers<const T>(y.data(), d)));
          y[std::size_t(i)].slope[0] = 0;
        }
      }
    }
  }
};
template <class Term>
SumOfTerms(Term) -> SumOfTerms<Term>;

}  // namespace pathline
