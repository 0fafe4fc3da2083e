/// \file
/// What variational inference is given: a log-density up to a constant, with its gradient, by hand or of a formula.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/reverse_tape.hpp>
#include <pathline/nn/layer/function_layer.hpp>

#include <concepts>
#include <span>
#include <utility>
#include <vector>

namespace pathline {

/// The samples at which a target is asked, for one that is not the same for all of them.
template <Real Scalar>
struct TargetRows {
  std::span<const Index> ids;  ///< n row ids, as they were given with the base points.
  View<const Scalar> context;  ///< c × n, raw; c is 0 unless the flow is conditional.
};

/// Functions of a target p̃, an unnormalised density of raw data X (d × n). Each overwrites log_p (1 × n) with
/// log p̃ in nats up to one constant, X_bar (d × n) with its score ∂ log p̃/∂X. Several threads call them at once.
/// - `log_density(X, log_p)` and `score(X, X_bar)`: any base density has them.
/// - `log_density_and_score(X, log_p, X_bar)`, where both together cost less.
/// - `log_density_and_score(X, log_p, X_bar, rows)` with `const TargetRows<Scalar>&`, where the target depends on the
///   sample: on its context or its row id.
template <class T, class Scalar>
concept TargetOfTwoFunctions = requires(const T target, const Batch<Scalar>& X, RowRef<Scalar> log_p,
                                        BatchRef<Scalar> X_bar) {
  target.log_density(X, log_p);
  target.score(X, X_bar);
};
template <class T, class Scalar>
concept TargetOfOneFunction = requires(const T target, const Batch<Scalar>& X, RowRef<Scalar> log_p,
                                       BatchRef<Scalar> X_bar) {
  target.log_density_and_score(X, log_p, X_bar);
};
template <class T, class Scalar>
concept TargetOfRows = requires(const T target, const Batch<Scalar>& X, RowRef<Scalar> log_p, BatchRef<Scalar> X_bar,
                                const TargetRows<Scalar>& rows) {
  target.log_density_and_score(X, log_p, X_bar, rows);
};
template <class T, class Scalar = double>
concept TargetDensity = TargetOfRows<T, Scalar> || TargetOfOneFunction<T, Scalar> || TargetOfTwoFunctions<T, Scalar>;

namespace detail {

/// log p̃ (1 × n) and score (d × n) of X (d × n), by whichever functions the target has.
template <class Target, Real Scalar>
void evaluate_target(const Target& target, View<const Scalar> X, View<Scalar> log_p, View<Scalar> X_bar,
                     const TargetRows<Scalar>& rows) {
  const Eigen::Ref<const Batch<Scalar>> points = X;
  RowRef<Scalar> values = log_p;
  BatchRef<Scalar> score = X_bar;
  if constexpr (TargetOfRows<Target, Scalar>) {
    target.log_density_and_score(points, values, score, rows);
  } else if constexpr (TargetOfOneFunction<Target, Scalar>) {
    target.log_density_and_score(points, values, score);
  } else {
    target.log_density(points, values);
    target.score(points, score);
  }
}

}  // namespace detail

/// A target whose score is found by the library: function(x) returns log p̃ of a sample, given as `Numbers<const T>`
/// (x[i], x.size()), for numbers of any type T. Functions of <cmath> are called without `std::`, after `using
/// std::exp;`, so that those of math/dual.hpp are found too. Costs one sweep back over the formula for each sample.
/// ```
/// const DifferentiableDensity banana([](const auto& x) {
///   const auto bent = x[1] - x[0] * x[0] / 4;
///   return -x[0] * x[0] / 8 - bent * bent / 2;
/// });
/// ```
template <class Function, Real S = double>
class DifferentiableDensity {
  using Variable = TapedNumber<S>;
  static_assert(
      requires(const Function& f, const Numbers<const Variable>& x) {
        { f(x) } -> std::convertible_to<Variable>;
      },
      "DifferentiableDensity: the function must take x and return log p(x), for numbers of any type");

 public:
  using Scalar = S;

  explicit DifferentiableDensity(Function function) : function_(std::move(function)) {}

  void log_density_and_score(ConstBatchRef<Scalar> X, RowRef<Scalar> log_p, BatchRef<Scalar> X_bar) const {
    static thread_local ReverseTape<Scalar> tape;  // keeps its memory from call to call
    static thread_local std::vector<Variable> x;
    for (Index j = 0; j < X.cols(); ++j) {
      tape.clear();
      x.clear();
      for (Index i = 0; i < X.rows(); ++i) x.emplace_back(X(i, j), tape);
      const Variable result = function_(Numbers<const Variable>(x.data(), X.rows()));
      tape.start();
      if (result.tape != nullptr) tape.bar(result.place) = Scalar(1);
      tape.sweep();
      log_p(j) = result.value;
      for (Index i = 0; i < X.rows(); ++i) X_bar(i, j) = tape.bar(x[std::size_t(i)].place);
    }
  }

 private:
  Function function_;
};

}  // namespace pathline
