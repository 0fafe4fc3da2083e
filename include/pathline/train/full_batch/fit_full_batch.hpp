/// \file
/// Training on all the data at a time, by L-BFGS:
///
///     fit_full_batch(ode, paths, LBfgs{.max_iterations = 200});   // a neural ODE, by least squares
///     fit_full_batch(flow, X, LBfgs{}, rng);
///
/// It suits a few thousand rows or some hundred paths with up to some thousand parameters, where it comes far closer to
/// the minimum than mini-batches do. That minimum is of the training loss: nothing is held out here. Noise of the loss
/// (the probes of a trace) is drawn once and stays, so that the line search compares like with like.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/full_batch/lbfgs.hpp>
#include <pathline/train/full_batch/minimize.hpp>
#include <pathline/train/shuffled_rows.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace pathline {
namespace detail {

template <class Flow>
void put_parameters(const Vector<typename Flow::Scalar>& theta, Flow& flow) {
  std::copy_n(theta.data(), theta.size(), parameter_span(flow).begin());
}

/// The training loss of all rows of positive weight as an objective: it leaves θ in the model.
template <class Flow>
class FullBatchLoss {
  using Scalar = typename Flow::Scalar;
  using Source = ShuffledRows<DataScalarOf<Flow>, Scalar>;

 public:
  FullBatchLoss(Flow& flow, const FitRows<DataScalarOf<Flow>>& rows, const Draw& draw)
      : flow_(flow), source_(rows), draw_(draw), loss_(flow.make_training_loss()) {
    memory_of_source_.order = counted(rows);  // in the order of the data
  }

  double operator()(const Vector<Scalar>& theta, Vector<Scalar>& gradient) {
    put_parameters(theta, flow_);
    const auto rows = source_.batch(0, source_.samples(), unused_, memory_of_source_);
    relabel_failures(
        [&] {
          if constexpr (WeightedTrainable<Flow>)
            if (!rows.factors.empty())
              return flow_.value_and_gradient(rows.data, rows.samples,
                                              ConstVectorMap<Scalar>(rows.factors.data(), Index(rows.factors.size())),
                                              draw_, memory_, loss_);
          flow_.value_and_gradient(rows.data, rows.samples, draw_, memory_, loss_);
        },
        [&](SolveFailure& at) {
          if (at.sample >= 0 && at.sample < Index(rows.samples.size()))
            at.sample = rows.samples[std::size_t(at.sample)];
        });
    gradient = loss_.gradient;
    return double(loss_.loss);
  }

 private:
  Flow& flow_;
  Source source_;
  Draw draw_;
  Rng unused_{0};
  typename Source::Memory memory_of_source_;
  typename Flow::Memory memory_;
  TrainingLossOf<Flow> loss_;
};

}  // namespace detail

/// Moves the model's parameters to where its training loss of all of `data` (d × n, a batch or `with_weights(batch,
/// weights)`) is least.
///
/// \param rng  Gives one draw, by which all losses are computed; where something is thrown it is as before.
/// \param see  Called as see(const MinimizeIteration<Scalar>&) after each iteration, when the model has its parameters;
///             false ends.
/// \return     Why it ended, which is to be looked at: see `MinimizeReport::converged` and `explain`.
/// \throws ShapeError, DataError, ArgumentError before anything is changed; SolveError when the first solve fails.
///         Later ones shorten the step. Whatever is thrown later, the model has the best parameters so far.
template <class Flow, class Data, class See = detail::SeesNoIteration>
[[nodiscard]] MinimizeReport fit_full_batch(Flow& flow, const Data& data, const LBfgs& rule, Rng& rng, See&& see = {}) {
  constexpr bool no_source = FitData<Data>;
  static_assert(no_source, "fit_full_batch: the data are none of: batch (d x n), with_weights(batch, weights)");
  if constexpr (no_source && detail::FitCheck<Flow, Data, void>::value) {
    constexpr bool no_statistics = !requires(typename Flow::Memory & memory) { flow.after_step(memory); };
    static_assert(no_statistics, "fit_full_batch: the model has running statistics, which mini-batches move: take fit");
    using Scalar = typename Flow::Scalar;
    rule.check();
    detail::require_fit_parameters(flow, "fit_full_batch");
    const DataRef<detail::DataScalarOf<Flow>> X(detail::batch_of(data));
    const detail::FitRows<detail::DataScalarOf<Flow>> rows(X, detail::weights_of(data));
    detail::require_fit_rows(flow, "fit_full_batch: data", X, rows, detail::weights_of(data));
    const auto first = detail::parameter_span(flow);
    Vector<Scalar> theta = ConstVectorMap<Scalar>(first.data(), Index(first.size()));
    Rng next = rng;
    detail::FullBatchLoss<Flow> loss(flow, rows, next.draw());
    MinimizeReport report;
    try {
      report = minimize(loss, theta, rule, [&](const MinimizeIteration<Scalar>& iteration) {
        detail::put_parameters(iteration.parameters, flow);
        return see(iteration);
      });
    } catch (...) {
      detail::put_parameters(theta, flow);
      throw;
    }
    detail::put_parameters(theta, flow);
    rng = next;
    report.warnings = detail::warnings_of(flow, X);
    return report;
  } else {
    return {};
  }
}

/// The same for a neural ODE on sequences, by the mean square of prediction minus observation over all observed
/// entries.
///
/// A loss by adaptive steps has noise of the size of its tolerances, which a line search meets near the minimum: where
/// it ends by MinimizeStop::line_search, tighten them.
template <class Field, class... OdePolicies, Real Scalar, class See = detail::SeesNoIteration>
[[nodiscard]] MinimizeReport fit_full_batch(NeuralOde<Field, OdePolicies...>& ode,
                                            const std::vector<Sequence<Scalar>>& sequences, const LBfgs& rule = {},
                                            See&& see = {}) {
  if constexpr (detail::same_sequence_scalar<NeuralOde<Field, OdePolicies...>, Scalar>()) {
    const std::span<const Sequence<Scalar>> all(sequences);
    detail::require_sequences("fit_full_batch", all, ode.dim(), ode.context_rows());
    detail::OdeOnSequences model(ode, all);
    Rng unused(0);
    return fit_full_batch(model, detail::numbered("fit_full_batch: the sequences", all, 0), rule, unused, see);
  } else {
    return {};
  }
}

}  // namespace pathline
