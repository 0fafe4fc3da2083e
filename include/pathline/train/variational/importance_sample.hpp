/// \file
/// Samples of a flow weighted to be those of an unnormalised density, with what tells whether to trust them.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/variational/importance_weights.hpp>
#include <pathline/train/variational/target_density.hpp>

#include <concepts>
#include <cstddef>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// Samples of q with weights for p̃. `weighted_mean(f, log_weights)` is the mean of a function over the target.
template <Real Scalar>
struct ImportanceSample {
  Batch<Scalar> samples;     ///< d × n, raw.
  Row<double> log_weights;   ///< 1 × n, log p̃ - log q, nats, their tail smoothed (`pareto_smoothed`).
  Estimate elbo;             ///< Mean of log p̃ - log q: a lower bound of log ∫p̃ in expectation, nats.
  Estimate log_evidence;     ///< log ∫p̃ by the weights as they were, nats. Less the ELBO: KL(q ‖ p̃ / ∫p̃).
  double effective_samples;  ///< Of the n, by the weights as they were.
  double k;                  ///< k-hat of the weights' tail.
  std::vector<std::string> warnings;  ///< What casts doubt on these numbers, ready to print.
};

/// \param flow    A `Cnf` without context. Its log-densities must be those of its samples: no noise in the trace, and a
///                solver that is accurate, the flow's own or its `EvaluationSolver`; `fit` checks the solver.
/// \param target  `TargetDensity` of the flow's data. One that reads rows is given the ids 0, 1, …
/// \param count   At least 25.
/// \param rng     Of which one draw is taken.
/// \throws ArgumentError for fewer samples; DataError where log p̃ is NaN or +∞; what `sample_with_log_prob` throws.
template <class Flow, class Target>
[[nodiscard]] ImportanceSample<typename Flow::DataScalar> importance_sample(const Flow& flow, const Target& target,
                                                                            Index count, Rng& rng) {
  using Scalar = typename Flow::DataScalar;
  static_assert(TargetDensity<Target, Scalar>,
                "importance_sample: the target needs log_density(X, log_p) and score(X, X_bar), or "
                "log_density_and_score(X, log_p, X_bar), for the flow's data, float or double");
  if (count < 25) throw ArgumentError("importance_sample: count", count, "at least 25, to judge the weights' tail");
  auto drawn = flow.sample_with_log_prob(count, rng);
  const Batch<Scalar>& X = drawn.samples;
  Row<Scalar> log_p(count);
  if constexpr (requires(RowRef<Scalar> row) { target.log_density(X, row); }) {
    target.log_density(X, log_p);
  } else {
    Batch<Scalar> score(X.rows(), count);
    std::vector<Index> ids(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), Index(0));
    detail::evaluate_target<Target, Scalar>(target, X, log_p, score, {ids, View<const Scalar>(nullptr, 0, 0)});
  }
  const Row<double> log_weights = log_p.template cast<double>() - drawn.log_prob.template cast<double>();
  ImportanceSample<Scalar> result{std::move(drawn.samples),           {}, {}, log_evidence(log_weights),
                                  effective_sample_size(log_weights), 0,  {}};
  result.elbo = mean_estimate(log_weights);
  ParetoSmoothed smoothed = pareto_smoothed(log_weights);
  result.log_weights = std::move(smoothed.log_weights);
  result.k = smoothed.k;
  if constexpr (requires { detail::PartsAccess::parts(flow).evaluation.estimator; }) {
    using Estimator = std::remove_cvref_t<decltype(detail::PartsAccess::parts(flow).evaluation.estimator)>;
    if constexpr (!std::same_as<Estimator, ExactTrace> && !std::same_as<Estimator, ClosedFormTrace>)
      result.warnings.push_back(
          "importance_sample: the flow's EvaluationTrace is an estimate, whose noise is in log q: the weights spread "
          "more than they should, and the evidence is too high in the mean. Take the exact trace");
  }
  if (!(result.k <= largest_reliable_k(count)))  // a NaN as well
    result.warnings.push_back(detail::message(
        {"importance_sample: the weights' tail has a k-hat of ", result.k, ", more than ", largest_reliable_k(count),
         ": means by these weights, and the evidence, are not to be trusted. Train longer or with a wider "
         "flow; where its tails are too light, a base density with heavier ones (StudentT) reaches further"}));
  return result;
}

}  // namespace pathline
