/// \file
/// The likelihood of a flow by one solve out to the base, with or without an error bar, and that of its samples by one
/// solve back. docs/maths.md, (7.1).
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/likelihood.hpp>

#include <cstdint>

namespace pathline::detail {

/// Refers to the parts of the flow, which must outlive it.
template <class Parts>
class FlowLikelihood {
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;

 public:
  explicit FlowLikelihood(const Parts& parts) : parts_(parts) {}

  /// log p of raw data X ((d + c) × n).
  /// \param solver        An `EvaluationSolver`.
  /// \param errors        NoErrors, or SumsErrors of (d + 1) × n zeros, which needs an embedded method.
  /// \param solver_error  With SumsErrors: 1 × n, overwritten with LikelihoodWithError's.
  template <class Estimator, class Solver, class Errors = NoErrors>
  [[nodiscard]] Likelihood<Scalar> run(ConstBatchRef<DataScalar> X, const Estimator& estimator, const Draw& draw,
                                       const Solver& solver, Errors errors = {},
                                       Row<Scalar>* solver_error = nullptr) const {
    const Index d = parts_.field.dim();
    Likelihood<Scalar> result;
    result.log_prob.resize(X.cols());
    Batch<Scalar> y(d + 1, X.cols());
    typename Parts::Rounding scratch;
    parts_.to_coordinates(X.topRows(d), y.topRows(d), result.log_prob, scratch);
    y.row(d).setZero();
    result.statistics = FlowSolves<Parts, Solver>(parts_, solver)
                            .with_trace(y, parts_.context_of(X, scratch), Way::to_base, estimator, draw, errors);
    Row<Scalar> log_base(X.cols());
    parts_.base.log_density(y.topRows(d), log_base);
    result.log_prob += log_base + y.row(d);
    if constexpr (Errors::sums) {
      Batch<Scalar> score(d, X.cols());
      parts_.base.score(y.topRows(d), score);
      *solver_error = errors.sum.row(d) + score.cwiseAbs().cwiseProduct(errors.sum.topRows(d)).colwise().sum();
    }
    return result;
  }

  /// The mean of `repeats` draws of the estimator's noise, with its error bar.
  template <class Estimator>
  [[nodiscard]] LikelihoodWithError<Scalar> with_error(ConstBatchRef<DataScalar> X, const Estimator& estimator,
                                                       std::uint64_t seed, Index repeats) const {
    LikelihoodWithError<Scalar> result;
    Batch<Scalar> draws(repeats, X.cols());
    Row<Scalar> solver_error(X.cols());
    result.solver_error.setZero(X.cols());
    Rng rng(seed);
    for (Index i = 0; i < repeats; ++i) {
      Batch<Scalar> errors = Batch<Scalar>::Zero(parts_.field.dim() + 1, X.cols());
      const Likelihood<Scalar> one =
          run(X, estimator, rng.draw(), parts_.evaluation_solver, SumsErrors<Scalar>{errors}, &solver_error);
      result.solver_error += solver_error / Scalar(repeats);
      draws.row(i) = one.log_prob;
      result.statistics += one.statistics;
    }
    result.log_prob = draws.colwise().mean();
    result.standard_error = Row<Scalar>::Zero(X.cols());
    if (repeats > 1)
      result.standard_error =
          ((draws.rowwise() - result.log_prob).colwise().squaredNorm() / Scalar(repeats * (repeats - 1))).cwiseSqrt();
    return result;
  }

  /// Base points Z (d × n), with their context as the field reads it (c × n), to raw data with log p.
  [[nodiscard]] SamplesWithLogProb<Scalar, DataScalar> samples(const Batch<Scalar>& Z,
                                                               ConstBatchRef<Scalar> context) const {
    const Index d = parts_.field.dim(), count = Z.cols();
    Batch<Scalar> y(d + 1, count);
    y.topRows(d) = Z;
    y.row(d).setZero();
    FlowSolves<Parts>(parts_).with_trace(y, context, Way::to_data, parts_.evaluation.estimator,
                                         Rng(parts_.evaluation.seed).draw(), NoErrors{});
    SamplesWithLogProb<Scalar, DataScalar> result{parts_.to_data(y.topRows(d)), Row<Scalar>(count)};
    Batch<Scalar> back(d, count);
    typename Parts::Rounding scratch;
    parts_.to_coordinates(result.samples, back, result.log_prob, scratch);
    Row<Scalar> log_base(count);
    parts_.base.log_density(Z, log_base);
    result.log_prob += log_base - y.row(d);
    return result;
  }

 private:
  const Parts& parts_;
};

}  // namespace pathline::detail
