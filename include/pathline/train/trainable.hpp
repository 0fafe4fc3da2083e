/// \file
/// What `fit` can train.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <concepts>
#include <span>
#include <type_traits>
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

template <class F>
using TrainingLossOf = decltype(std::declval<const F&>().make_training_loss());

/// A vector of its own, which nothing of the model follows.
template <class P, class Scalar>
concept CopyOfParameters = !std::is_reference_v<P> && std::derived_from<P, Eigen::PlainObjectBase<Vector<Scalar>>>;

}  // namespace detail

/// Parameters, and a training loss with its gradient of mini-batches of this type: what a `BatchSource` trains.
///
/// Of `parameters()`, a reference to a vector or a view of one, only `data()` and `size()` are used. Of the training
/// loss `fit` reads `loss`, `gradient` (a Vector as long), `forward` and `backward` (Statistics) and `solves`, and if
/// there are any, `negative_log_likelihood` and `costs`.
///
/// One that also has `after_step(memory)` has it called after each step of the optimizer, with the memory of the
/// value_and_gradient before it: for running statistics, as batch normalisation has them. They belong among the
/// parameters, with a gradient of exactly 0: optimizers leave those alone, and the best parameters carry theirs along.
///
/// One that has `training_warnings(memory)`, a std::vector<std::string>, has it called after the last epoch; the texts
/// go into the report's `warnings`. `state(visit)` of the memory names what they depend on, so that a checkpoint keeps
/// it.
template <class F, class Data>
concept TrainableBy = requires(F& flow, const F& fixed, const Data& data, std::span<const Index> samples,
                               const Draw& draw, typename F::Memory& memory, detail::TrainingLossOf<F>& loss) {
  { flow.parameters().data() } -> std::same_as<typename F::Scalar*>;
  { flow.parameters().size() } -> std::convertible_to<Index>;
  requires !detail::CopyOfParameters<decltype(flow.parameters()), typename F::Scalar>;
  fixed.value_and_gradient(data, samples, draw, memory, loss);
};

/// A model of batches with a number of rows, and a criterion by which validation rows judge it: `log_prob(X)` of a
/// density, 1 × n, or `losses(X)`, 1 × n, the loss of each sample. `Cnf` is one.
template <class F>
concept Trainable = TrainableBy<F, Batch<detail::DataScalarOf<F>>> && requires(const F& fixed) {
  { fixed.data_rows() } -> std::convertible_to<Index>;
} &&(
    requires(const F& fixed, const Batch<detail::DataScalarOf<F>>& X) { fixed.log_prob(X); } ||
    requires(const F& fixed, const Batch<detail::DataScalarOf<F>>& X) { fixed.losses(X); });

/// One whose loss takes a factor for each row: see `Cnf::value_and_gradient`.
template <class F>
concept WeightedTrainable = Trainable<F> &&
    requires(const F& fixed, const Batch<detail::DataScalarOf<F>>& X, std::span<const Index> samples,
             const Vector<typename F::Scalar>& weights, const Draw& draw, typename F::Memory& memory,
             detail::TrainingLossOf<F>& loss) {
  fixed.value_and_gradient(X, samples, weights, draw, memory, loss);
};

}  // namespace pathline
