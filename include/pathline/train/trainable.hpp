/// \file
/// What `fit` can train.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <concepts>
#include <span>
#include <utility>

namespace pathline {

namespace detail {

/// The scalar of the data that a flow takes: `DataScalar` where it has one, else `Scalar`.
template <class F, class Scalar = typename F::Scalar>
struct DataScalarOfFlow {
  using type = Scalar;
};
template <class F, class Scalar>
requires requires { typename F::DataScalar; }
struct DataScalarOfFlow<F, Scalar> {
  using type = typename F::DataScalar;
};
template <class F>
using DataScalarOf = typename DataScalarOfFlow<F>::type;

}  // namespace detail

/// Anything with parameters, a training loss with its gradient, and a likelihood. `Cnf` is one.
///
/// One that also has `after_step(memory)` is told after each step of the optimizer, with the memory of the
/// value_and_gradient before it: for running statistics, as batch normalisation has them. They belong among the
/// parameters, with a gradient of exactly 0: Adam leaves those alone, and the best parameters carry theirs along.
template <class F>
concept Trainable = requires(F& flow, const F& fixed, const Batch<detail::DataScalarOf<F>>& X,
                             std::span<const Index> samples, const Draw& draw, typename F::Memory& memory,
                             decltype(std::declval<const F&>().make_training_loss())& loss) {
  { flow.parameters() } -> std::convertible_to<Vector<typename F::Scalar>&>;
  fixed.value_and_gradient(X, samples, draw, memory, loss);
  fixed.log_prob(X);
  { fixed.data_rows() } -> std::convertible_to<Index>;
};

/// One whose loss takes a factor for each row: see `Cnf::value_and_gradient`.
template <class F>
concept WeightedTrainable = Trainable<F> &&
    requires(const F& fixed, const Batch<detail::DataScalarOf<F>>& X, std::span<const Index> samples,
             const Vector<typename F::Scalar>& weights, const Draw& draw, typename F::Memory& memory,
             decltype(std::declval<const F&>().make_training_loss())& loss) {
  fixed.value_and_gradient(X, samples, weights, draw, memory, loss);
};

}  // namespace pathline
