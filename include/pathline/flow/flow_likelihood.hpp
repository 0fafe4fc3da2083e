/// \file
/// The likelihood of a flow by one solve out to the base, with or without an error bar, and that of its samples by one
/// solve back. docs/maths.md, (7.1).
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/math/view_loops.hpp>

#include <cstdint>

namespace pathline::detail {

/// Refers to the `EvaluationParts` of the flow, which must outlive it.
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
    const View<Scalar> at(y), Z = at.topRows(d), log_det = at.row(d);
    typename Parts::Rounding scratch;
    parts_.to_coordinates(View<const DataScalar>(X).topRows(d), Z, View<Scalar>(result.log_prob), scratch);
    fill<Scalar>(log_det, 0);
    result.statistics = FlowSolves<Parts, Solver>(parts_, solver)
                            .with_trace(y, parts_.context_of(X, scratch), Way::to_base, estimator, draw, errors);
    Row<Scalar> log_base(X.cols());
    const Eigen::Ref<const Batch<Scalar>> base_points = Z;
    RowRef<Scalar> log_base_points = View<Scalar>(log_base);
    parts_.base.log_density(base_points, log_base_points);
    for (Index j = 0; j < X.cols(); ++j) result.log_prob(j) += log_base(j) + log_det(0, j);
    if constexpr (Errors::sums) {
      Batch<Scalar> score(d, X.cols());
      BatchRef<Scalar> score_of_points = View<Scalar>(score);
      parts_.base.score(base_points, score_of_points);
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
                                                               View<const Scalar> context) const {
    const Index d = parts_.field.dim(), count = Z.cols();
    Batch<Scalar> y(d + 1, count);
    const View<Scalar> at(y);
    copy<Scalar>(Z, at.topRows(d));
    fill<Scalar>(at.row(d), 0);
    FlowSolves<Parts>(parts_).with_trace(y, context, Way::to_data, parts_.evaluation.estimator,
                                         Rng(parts_.evaluation.seed).draw(), NoErrors{});
    SamplesWithLogProb<Scalar, DataScalar> result{parts_.to_data(at.topRows(d)), Row<Scalar>(count)};
    Batch<Scalar> back(d, count);
    typename Parts::Rounding scratch;
    parts_.to_coordinates(View<const DataScalar>(result.samples), View<Scalar>(back), View<Scalar>(result.log_prob),
                          scratch);
    Row<Scalar> log_base(count);
    const Eigen::Ref<const Batch<Scalar>> base_points = View<const Scalar>(Z);
    RowRef<Scalar> log_base_points = View<Scalar>(log_base);
    parts_.base.log_density(base_points, log_base_points);
    for (Index j = 0; j < count; ++j) result.log_prob(j) += log_base(j) - y(d, j);
    return result;
  }

 private:
  const Parts& parts_;
};

}  // namespace pathline::detail
