/// \file
/// What a flow answers with: likelihoods, samples, the training loss and its parts; and the loss itself.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/samples_with_log_prob.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/statistics.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// Likelihoods of a batch, and what they cost.
template <Real Scalar>
struct Likelihood {
  Row<Scalar> log_prob;   ///< 1 × n, nats of the raw data.
  Statistics statistics;  ///< Of all chunks together.
};

/// Likelihoods of a batch with what is known of their error.
template <Real Scalar>
struct LikelihoodWithError {
  Row<Scalar> log_prob;        ///< 1 × n, nats of the raw data: mean over independent draws of the trace's noise.
  Row<Scalar> standard_error;  ///< 1 × n, of that mean; 0 for an exact trace.
  /// 1 × n: Σ over steps |e_ℓ| + |∇log ν|ᵀ|e_z|, the solver's estimates of its local errors, carried to the density as
  /// if the flow neither spread nor shrank them. An order of magnitude, not a bound.
  Row<Scalar> solver_error;
  Statistics statistics;  ///< Of all chunks and draws together.
};

/// log p with its gradient by the data.
template <Real Scalar, Real DataScalar = Scalar>
struct LogProbWithScore {
  Row<Scalar> log_prob;     ///< 1 × n, nats of the raw data.
  Batch<DataScalar> score;  ///< d × n, ∂log p/∂x in nats per unit of the raw data.
};

/// The training loss of a mini-batch, its parts, and its gradient.
template <Real Scalar>
struct TrainingLoss {
  double loss = 0;                     ///< w · negative_log_likelihood + Σ weight_i · costs_i + step_cost.
  double negative_log_likelihood = 0;  ///< Mean over samples, nats of the raw data, by the training trace.
  double step_cost = 0;                ///< Mean over samples of the cost of their chunk's steps, if there is one.
  std::vector<double> costs;           ///< Mean over samples of each regularizer, without its weight.
  Vector<Scalar> gradient;             ///< dloss/dθ.
  Batch<Scalar> context_gradient;      ///< dloss/dcontext, c × n; empty unless the flow is conditional.
  Statistics forward, backward;        ///< Of all chunks together.
  Index solves = 0;                    ///< Number of chunks, each one solve.
};

/// The samples of a chunk, for a loss that reads more of them than their states.
template <Real Scalar>
struct LossRows {
  std::span<const Index> ids;       ///< Row ids, as value_and_gradient was given them.
  std::span<const Scalar> weights;  ///< One factor a sample; empty: all are 1.
};

/// The mean negative log-likelihood over a mini-batch (docs/maths.md, (7.1)), chunk by chunk: each call returns its
/// chunk's share of the mean. Refers to the base density, which must outlive it.
template <Real Scalar, BaseDensity<Scalar> Base>
struct LikelihoodLoss {
  const Base& base;
  Index dim;          ///< d, rows of z.
  Index batch;        ///< Samples of the whole mini-batch.
  double weight = 1;  ///< Factor of the cotangents, not of the value.

  /// \param Y        Final states of the chunk, rows × n: z, log-determinant, costs.
  /// \param Y_bar    rows × n; the cotangents of z and of the log-determinant are overwritten, those of costs are not.
  /// \param log_det  Of the data transform, 1 × n.
  /// \param rows     With weights each sample's share is multiplied by its own; one of weight 0 is not looked at.
  double operator()(View<const Scalar> Y, View<Scalar> Y_bar, View<const Scalar> log_det,
                    const LossRows<Scalar>& rows = {}) const {
    const auto weight_of = [&rows](Index j) { return rows.weights.empty() ? Scalar(1) : rows.weights[std::size_t(j)]; };
    const Scalar share = Scalar(weight / double(batch));
    const Eigen::Ref<const Batch<Scalar>> Z = Y.topRows(dim);
    RowRef<Scalar> log_p = Y_bar.row(dim);  // the row is free until it takes its cotangent below
    BatchRef<Scalar> score = Y_bar.topRows(dim);
    base.log_density(Z, log_p);
    double sum = 0;
    for (Index j = 0; j < Y.cols(); ++j)
      if (const double w = double(weight_of(j)); w != 0) sum += w * double(log_p(j) + Y(dim, j) + log_det(0, j));
    base.score(Z, score);
    for (Index j = 0; j < Y.cols(); ++j) {
      const Scalar factor = -share * weight_of(j);
      for (Index i = 0; i < dim; ++i)  // a score of infinity times 0 is no number
        Y_bar(i, j) = weight_of(j) == Scalar(0) ? Scalar(0) : Y_bar(i, j) * factor;
      Y_bar(dim, j) = factor;
    }
    return -sum / double(batch);
  }
};

}  // namespace pathline
