/// \file
/// What the training loop of `fit` reads and calls: its plan, the model's parameters and losses, callbacks.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

namespace pathline::detail {

/// What `fit` has drawn before training: taken over once nothing can be refused any more.
struct TrainingDraws {
  Rng rng;                    ///< As training begins with it.
  std::optional<Draw> split;  ///< Of the TrainingState.
};

/// Where no Accumulate is named: each mini-batch is a step.
struct TakesEach {
  static constexpr Index batches = 1;
  static constexpr bool accumulates = false;
};
/// Where no RollBack is named.
struct GivesUp {
  static constexpr bool rolls_back = false;
  template <class>
  struct Run {};
};

/// The arguments of `fit` beside the model and its data.
template <Real Scalar, class Optimizer, class Schedule, class Transform, class Choice, class Keeper, class Accumulation,
          class Recovery, class Callbacks>
struct TrainingPlan {
  const FitOptions& options;
  const Optimizer& optimizer;
  const Schedule& schedule;
  const Transform& transform;
  const Choice& choice;
  const Keeper& keeper;
  const Accumulation& accumulation;
  const Recovery& recovery;
  Callbacks callbacks;  // a tuple of references
  TrainingState<Scalar>& state;
  Index total;           // epochs, of all calls of the state
  bool criteria_needed;  // by a policy
  TrainingDraws draws;
};

/// A view of θ, whatever `parameters()` gives.
template <class Flow>
[[nodiscard]] auto parameter_span(Flow& flow) {
  auto&& parameters = flow.parameters();
  return std::span(parameters.data(), std::size_t(parameters.size()));
}

template <Real Scalar, class Flow>
[[nodiscard]] VectorMap<Scalar> parameter_map(Flow& flow) {
  const std::span<Scalar> theta = parameter_span(flow);
  return VectorMap<Scalar>(theta.data(), Index(theta.size()));
}

/// One column after the other.
template <Real Scalar>
[[nodiscard]] std::uint64_t fingerprint_of(const FitRows<Scalar>& rows) {
  std::uint64_t result = fingerprint(nullptr, 0);
  for (Index j = 0; j < rows.samples(); ++j) {
    const double weight = rows.weight(j);
    result = fingerprint(rows.data(j), std::size_t(rows.rows()) * sizeof(Scalar), result);
    if (rows.weighted()) result = fingerprint(&weight, sizeof weight, result);
  }
  return result;
}

/// Adds a mini-batch, which is this share of its epoch.
template <class Loss>
void add_batch(double share, const Loss& loss, EpochReport& report) {
  report.train_loss += share * loss.loss;
  if constexpr (requires { loss.negative_log_likelihood; })
    report.train_nll += share * loss.negative_log_likelihood;
  else
    report.train_nll = std::numeric_limits<double>::quiet_NaN();
  if constexpr (requires { loss.costs; }) {
    report.train_costs.resize(loss.costs.size());
    for (std::size_t i = 0; i < loss.costs.size(); ++i) report.train_costs[i] += share * loss.costs[i];
  }
  report.solves += loss.solves;
  report.forward += loss.forward;
  report.backward += loss.backward;
}

/// The number that a sample of a mini-batch has in the user's data.
template <class Source>
[[nodiscard]] Index number_in([[maybe_unused]] const Source& source, Index sample) {
  if constexpr (requires { source.number_of(sample); })
    return source.number_of(sample);
  else
    return sample;
}

/// What a callback is during one run: what its `start` makes, or itself.
template <class C>
[[nodiscard]] decltype(auto) started(C& callback, [[maybe_unused]] const TrainingStart& start) {
  if constexpr (RunCallback<C>)
    return callback.start(start);
  else
    return (callback);
}

/// False to stop.
template <class C>
[[nodiscard]] bool goes_on([[maybe_unused]] C& callback, [[maybe_unused]] const EpochReport& report) {
  if constexpr (!EpochCallback<C>) {
    return true;
  } else if constexpr (std::is_void_v<std::invoke_result_t<C&, const EpochReport&>>) {
    callback(report);
    return true;
  } else {
    return callback(report);
  }
}

/// After a step of the optimizer: the model moves its running statistics, callbacks see where the parameters are.
template <Real Scalar, class Flow, class Memory, class... Callbacks>
void end_step([[maybe_unused]] Flow& flow, [[maybe_unused]] Memory& memory,
              [[maybe_unused]] const VectorMap<Scalar>& theta, const std::tuple<Callbacks...>& callbacks) {
  if constexpr (requires { flow.after_step(memory); }) flow.after_step(memory);
  const auto tell = [&]<class C>([[maybe_unused]] C& callback) {
    if constexpr (watches_steps<C>) callback.after_step(theta);
  };
  std::apply([&](auto&... callback) { (tell(callback), ...); }, callbacks);
}

/// Whether a model has log_prob(X), or else losses(X).
template <class Flow, class DataScalar>
inline constexpr bool is_density = requires(const Flow& flow, const Batch<DataScalar>& X) {
  flow.log_prob(X);
};

/// The loss of each sample of X (d × n): the negative log-likelihood, nats, of a density.
template <class Flow, Real DataScalar>
[[nodiscard]] Vector<double> losses_of(const Flow& flow, const DataRef<DataScalar>& X) {
  Vector<double> result(X.cols());
  if constexpr (is_density<Flow, DataScalar>) {
    const Row<typename Flow::Scalar> log_prob = flow.log_prob(X);
    for (Index j = 0; j < result.size(); ++j) result(j) = -double(log_prob(j));
  } else {
    using Losses = std::remove_cvref_t<decltype(flow.losses(X))>;  // in double for a float model, say
    const Row<typename Losses::Scalar> losses = flow.losses(X);
    for (Index j = 0; j < result.size(); ++j) result(j) = double(losses(j));
  }
  return result;
}

/// The same of rows to judge by.
/// \param gathered  These rows, where they are not all columns of the user's batch.
template <class Flow, Real DataScalar>
[[nodiscard]] Vector<double> losses_of_rows(const Flow& flow, const FitRows<DataScalar>& rows,
                                            const Batch<DataScalar>& gathered) {
  return relabel_failures(
      [&] { return rows.whole() ? losses_of(flow, rows.all()) : losses_of<Flow, DataScalar>(flow, gathered); },
      [&](SolveFailure& at) {
        if (at.sample >= 0) at.sample = rows.number_of(at.sample);
      });
}

/// The mean loss of the first few of some rows; 0 where there are none, NaN where it cannot be computed.
template <class Flow, Real DataScalar>
[[nodiscard]] double loss_of_first(const Flow& flow, const FitRows<DataScalar>* rows) {
  if (!rows) return 0;
  std::vector<Index> some = counted(*rows);
  some.resize(std::min(some.size(), std::size_t(16)));
  try {
    return losses_of<Flow, DataScalar>(flow, rows->gathered(some)).mean();
  } catch (const Error&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

/// Their mean, weighted by shares that add up to 1; none: all are equal.
[[nodiscard]] inline double mean_of(const Vector<double>& losses, const Vector<double>& shares) {
  if (shares.size() == 0) return losses.sum() / double(losses.size());
  double sum = 0;
  for (Index j = 0; j < losses.size(); ++j)
    if (shares(j) > 0) sum += shares(j) * losses(j);  // else what is no number would count
  return sum;
}

/// The standard error of mean_of(): with equal shares that of mean_estimate(). Infinite for a single row that counts.
[[nodiscard]] inline double standard_error_of(const Vector<double>& losses, const Vector<double>& shares) {
  const double mean = mean_of(losses, shares);
  double sum = 0, rows = 0;
  for (Index j = 0; j < losses.size(); ++j) {
    const double share = shares.size() == 0 ? 1 / double(losses.size()) : shares(j);
    if (share == 0) continue;
    sum += share * share * (losses(j) - mean) * (losses(j) - mean);
    ++rows;
  }
  return rows > 1 ? std::sqrt(sum * rows / (rows - 1)) : std::numeric_limits<double>::infinity();
}

}  // namespace pathline::detail
