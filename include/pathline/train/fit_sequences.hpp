/// \file
/// Training of a neural ODE on observed paths, by `fit` and its policies:
///
///     std::vector<Sequence<double>> paths;  // gradient/sequence.hpp: times of its own for each, NaN where missing
///     fit(ode, paths, {.epochs = 300, .batch = 16}, rng, Adam{.learning_rate = 5e-3}, PrintProgress{});
///
/// The loss is the mean square of prediction minus observation over all observed entries, of which a mini-batch has an
/// estimate without bias; validation holds out whole sequences.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/train/checkpoint/run_settings.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {
namespace detail {

/// A neural ODE as a `WeightedTrainable`: a sample is the number of a sequence, its weight the number of observed
/// entries. Refers to both, which must outlive it.
template <class Ode>
class OdeOnSequences {
 public:
  using Scalar = typename Ode::Scalar;
  using DataScalar = double;
  struct Memory {
    typename Ode::Memory solves;
    ValueAndGradient<Scalar> result;
    std::vector<Index> numbers;
  };
  struct Loss {
    double loss = 0;
    Vector<Scalar> gradient{};
    Statistics forward{}, backward{};
    Index solves = 0;
  };

  OdeOnSequences(Ode& ode, std::span<const Sequence<Scalar>> sequences) : ode_(ode), sequences_(sequences) {}

  [[nodiscard]] auto& parameters() { return ode_.parameters(); }
  [[nodiscard]] const auto& parameters() const { return std::as_const(ode_).parameters(); }
  [[nodiscard]] const Ode& trained_model() const { return ode_; }
  [[nodiscard]] Index data_rows() const { return 1; }
  [[nodiscard]] Loss make_training_loss() const { return {}; }
  template <class Visit>
  void settings(Visit& visit) const {
    std::uint64_t all = fingerprint(nullptr, 0);
    for (const Sequence<Scalar>& sequence : sequences_) {
      all = fingerprint_of_numbers(sequence.times, all);
      for (const auto* const part : {&sequence.initial, &sequence.context}) all = fingerprint_of_numbers(*part, all);
      all = fingerprint_of_numbers(sequence.states, all);
    }
    visit("sequences, fingerprint", hexadecimal(all));
  }

  void value_and_gradient(ConstBatchRef<double> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    value_and_gradient(X, samples, Vector<Scalar>(), draw, memory, loss);
  }
  void value_and_gradient(ConstBatchRef<double> X, std::span<const Index> /*samples*/, ConstVectorRef<Scalar> weights,
                          const Draw& /*draw*/, Memory& memory, Loss& loss) const {
    set_numbers(X, memory.numbers);
    ode_.value_and_gradient(sequences_, memory.numbers, weights, memory.solves, memory.result);
    loss.loss = double(memory.result.value);
    loss.gradient = memory.result.parameters;
    loss.forward = memory.result.forward;
    loss.backward = memory.result.backward;
    loss.solves = Index(memory.solves.used);
  }

  /// Mean square of each sequence, 1 × n.
  [[nodiscard]] Row<Double<Ode>> losses(ConstBatchRef<Double<Ode>> X) const {
    std::vector<Index> numbers;
    set_numbers(X, numbers);
    const std::vector<Batch<Scalar>> predictions = ode_.predict(sequences_, numbers);
    Row<Double<Ode>> result(X.cols());
    for (std::size_t j = 0; j < predictions.size(); ++j)
      result(Index(j)) = mean_square(sequences_[std::size_t(numbers[j])], predictions[j]);
    return result;
  }

  [[nodiscard]] std::vector<std::string> data_warnings(ConstBatchRef<Double<Ode>> X) const {
    if (Ode::each_sample) return {};  // each sequence has its own times alone
    SequenceTimes merged;
    merged.set(std::size_t(X.cols()), [&](std::size_t j) -> const std::vector<double>& {
      return sequences_[std::size_t(X(0, Index(j)))].times;
    });
    const auto different = Index(merged.times.size());
    if (ode_.output_times() == OutputTimes::interpolate || different <= most_times_to_step_to) return {};
    return {"the sequences have " + std::to_string(different) +
            " different times since their start, and steps end at each of those in a mini-batch; " +
            "Backpropagation<>{.outputs = OutputTimes::interpolate} with Dopri5 or Tsit5 takes as few steps as the "
            "tolerance needs"};
  }

 private:
  static constexpr Index most_times_to_step_to = 100;

  static void set_numbers(ConstBatchRef<Double<Ode>> X, std::vector<Index>& numbers) {
    numbers.resize(std::size_t(X.cols()));
    for (Index j = 0; j < X.cols(); ++j) numbers[std::size_t(j)] = Index(X(0, j));
  }

  Ode& ode_;
  std::span<const Sequence<Scalar>> sequences_;
};

template <class Ode, class Scalar>
constexpr bool same_sequence_scalar() {
  constexpr bool same = std::same_as<Scalar, typename Ode::Scalar>;
  static_assert(same, "fit: the sequences must be of the neural ODE's scalar, float or double");
  return same;
}

/// The numbers first, first + 1, … of some sequences (1 × n), each weighted by its observed entries.
/// \throws DataError where nothing was observed.
template <Real Scalar>
[[nodiscard]] WeightedData<Double<Scalar>> numbered(const char* what, std::span<const Sequence<Scalar>> sequences,
                                                    Index first) {
  WeightedData<Double<Scalar>> result{Batch<Double<Scalar>>(1, Index(sequences.size())),
                                      Vector<Double<Scalar>>(Index(sequences.size()))};
  bool observed = false;
  for (std::size_t j = 0; j < sequences.size(); ++j) {
    result.data(0, Index(j)) = double(first + Index(j));
    result.weights(Index(j)) = double(sequences[j].observed());
    observed = observed || result.weights(Index(j)) > 0;
  }
  if (!observed)
    throw DataError({std::string(what),
                     " hold no observed entry to compare with: a first observation that serves as the initial state "
                     "does not count"});
  return result;
}

}  // namespace detail

/// Trains a neural ODE on sequences, of which `options.validation_fraction` are held out to judge by. Policies, state
/// and errors are those of `fit` for flows; a sequence without observed entries is left out.
///
/// \throws ShapeError, DataError, ArgumentError for an unusable sequence, before anything is changed.
template <class Field, class... OdePolicies, Real Scalar, class... Policies>
FitReport fit(NeuralOde<Field, OdePolicies...>& ode, const std::vector<Sequence<Scalar>>& sequences,
              const FitOptions& options, Rng& rng, Policies&&... policies) {
  if constexpr (detail::same_sequence_scalar<NeuralOde<Field, OdePolicies...>, Scalar>()) {
    const std::span<const Sequence<Scalar>> all(sequences);
    detail::require_sequences("fit", all, ode.dim(), ode.context_rows());
    detail::OdeOnSequences model(ode, all);
    return fit(model, detail::numbered("fit: the sequences", all, 0), options, rng,
               std::forward<Policies>(policies)...);
  } else {
    return {};
  }
}

/// The same with other sequences to judge by.
template <class Field, class... OdePolicies, Real Scalar, class... Policies>
FitReport fit(NeuralOde<Field, OdePolicies...>& ode, const std::vector<Sequence<Scalar>>& train,
              const std::vector<Sequence<Scalar>>& validation, const FitOptions& options, Rng& rng,
              Policies&&... policies) {
  if constexpr (detail::same_sequence_scalar<NeuralOde<Field, OdePolicies...>, Scalar>()) {
    std::vector<Sequence<Scalar>> both = train;
    both.insert(both.end(), validation.begin(), validation.end());
    const std::span<const Sequence<Scalar>> all(both), train_part = all.first(train.size()),
                                                       validation_part = all.subspan(train.size());
    detail::require_sequences("fit: training data", train_part, ode.dim(), ode.context_rows());
    detail::require_sequences("fit: validation data", validation_part, ode.dim(), ode.context_rows());
    detail::OdeOnSequences model(ode, all);
    return fit(model, detail::numbered("fit: the training sequences", train_part, 0),
               detail::numbered("fit: the validation sequences", validation_part, Index(train.size())), options, rng,
               std::forward<Policies>(policies)...);
  } else {
    return {};
  }
}

}  // namespace pathline
