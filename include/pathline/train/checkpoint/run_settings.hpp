/// \file
/// What a call of `fit` is asked, as names and values. Two calls that agree in all of them, and in the first losses
/// that they compute, give the same bits.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/checkpoint/model_settings.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

namespace pathline::detail {

template <class Numbers>
[[nodiscard]] std::uint64_t fingerprint_of_numbers(const Numbers& numbers,
                                                   std::uint64_t start = fingerprint(nullptr, 0)) {
  return fingerprint(numbers.data(), std::size_t(numbers.size()) * sizeof(*numbers.data()), start);
}

/// Of all that decides how a training state goes on.
template <Real Scalar>
[[nodiscard]] std::uint64_t fingerprint_of(const TrainingState<Scalar>& state) {
  std::uint64_t result = fingerprint_of_numbers(state.best_parameters, fingerprint_of_numbers(state.criteria));
  for (const Vector<Scalar>& moment : state.optimizer.moments) result = fingerprint_of_numbers(moment, result);
  const Index counts[]{state.optimizer.steps, state.best_epoch, state.since_best, state.roll_backs};
  return fingerprint(&state.rate_factor, sizeof state.rate_factor, fingerprint(counts, sizeof counts, result));
}

inline void add_options(const FitOptions& options, SettingsList& list) {
  // As a whole, so that a new option does not compile until it is asked for too.
  const auto& [epochs, batch, validation_fraction, validate_every, total_epochs, solver_check_rows] = options;
  list.add("epochs", setting_text(epochs));
  list.add("batch", setting_text(batch));
  list.add("validation_fraction", setting_text(validation_fraction));
  list.add("validate_every", setting_text(validate_every));
  list.add("total_epochs", setting_text(total_epochs));
  list.add("solver_check_rows", setting_text(solver_check_rows));
}

/// \param rows  To judge by; null: none.
template <class Flow, class Source, class Rows, class Plan>
[[nodiscard]] RunSettings settings_of_run(Flow& flow, const Source& source, const Rows* rows, const Plan& plan) {
  using Scalar = typename Flow::Scalar;
  SettingsList list;
  list.add("version of pathline", PATHLINE_VERSION_STRING);  // another one may compute other bits
  // A lambda has another name wherever it stands.
  if (const std::string model = type_name<Flow>(); model.find("lambda") == std::string::npos) list.add("model", model);
  list.add_settings_of("model", flow);
  add_settings_of_model(flow, list);
  const auto theta = parameter_span(flow);
  const TrainingState<Scalar>& state = plan.state;
  list.add("number of parameters", setting_text(theta.size()));
  list.add("first parameters, fingerprint",
           hexadecimal(state.parameters.size() > 0 ? fingerprint_of_numbers(state.parameters)
                                                   : fingerprint_of_numbers(theta)));
  list.add("epochs of the TrainingState", setting_text(state.epochs));
  list.add("TrainingState, fingerprint", hexadecimal(fingerprint_of(state)));
  list.add("seed of the generator", setting_text(plan.draws.rng.seed()));
  list.add("next draw of the generator", setting_text(plan.draws.rng.next()));
  add_options(plan.options, list);

  list.add_policy("optimizer", plan.optimizer);
  list.add_policy("schedule", plan.schedule);
  list.add_policy("gradient transform", plan.transform);
  list.add_policy("parameter choice", plan.choice);
  list.add_policy("mini-batches of a step", plan.accumulation);
  list.add_policy("divergence", plan.recovery);
  Index rules = 0;
  const auto add_rule = [&]<class C>(const C& callback) {
    if constexpr (StoppingRule<C>)
      list.add_policy("stopping rule " + std::to_string(++rules), callback);
    else
      list.add_settings_of(type_name<C>(), callback);
  };
  std::apply([&](const auto&... callback) { (add_rule(callback), ...); }, plan.callbacks);
  list.add("stopping rules", setting_text(rules));

  list.add("samples of an epoch", setting_text(source.samples()));
  list.add_settings_of("training data", source);
  list.add("rows to judge by", setting_text(rows ? rows->samples() : Index(0)));
  if (rows) list.add("rows to judge by, fingerprint", hexadecimal(fingerprint_of(*rows)));
  return list.settings();
}

}  // namespace pathline::detail
