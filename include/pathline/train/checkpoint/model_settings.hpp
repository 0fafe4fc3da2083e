/// \file
/// The settings of a model's policies, by name: a checkpoint of a run with another tolerance says which one. Which
/// policies they are, the model's type says.
#pragma once

#include <pathline/core/policies.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>

namespace pathline::detail {

/// Those that a policy of the library may have. A policy of a program's own names others in `settings(visit)`, or
/// changes the first losses, of which a checkpoint reminds too.
template <class Policy>
void add_settings_of_policy(const std::string& name, const Policy& policy, SettingsList& list) {
  const auto named = [&](const std::string& setting, const auto& value) {
    list.add(name + '.' + setting, setting_text(value));
  };
  if constexpr (HasSettings<Policy>) return policy.settings(named);
  const auto add = [&]<class T>(const char* setting, const T& value) {  // another policy's weight may be a vector
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) named(setting, value);
  };
  visit_control(policy, add);
  if constexpr (requires { add("weight", policy.weight); }) add("weight", policy.weight);
  if constexpr (requires { policy.probes; }) add("probes", policy.probes);
  if constexpr (requires { policy.pairs; }) add("pairs", policy.pairs);
  if constexpr (requires { policy.directions; }) add("directions", policy.directions);
  if constexpr (requires { policy.half_width; }) add("half_width", policy.half_width);
  if constexpr (requires { policy.columns; }) add("columns", policy.columns);
  if constexpr (requires { policy.seed; }) add("seed", policy.seed);
  if constexpr (requires { policy.outputs; }) add("outputs", policy.outputs);
  if constexpr (requires { requires std::is_enum_v<decltype(policy.norm)>; }) add("norm", policy.norm);
  if constexpr (requires { add("data", policy.data), add("base", policy.base); }) {
    add("data", policy.data);
    add("base", policy.base);
  }
  if constexpr (requires { policy.step_cost; }) add_settings_of_policy(name + ".step_cost", policy.step_cost, list);
  if constexpr (requires { policy.estimator; }) add_settings_of_policy(name + ".estimator", policy.estimator, list);
  if constexpr (requires { policy.control; }) add_settings_of_policy(name + ".step_control", policy.control, list);
}

/// Of a `Cnf` or a `NeuralOde`, also one that is trained on sequences.
template <class Model>
void add_settings_of_model([[maybe_unused]] const Model& model, [[maybe_unused]] SettingsList& list) {
  if constexpr (requires { model.trained_model(); }) {
    add_settings_of_model(model.trained_model(), list);
  } else if constexpr (requires { PartsAccess::parts(model); }) {
    const auto& parts = PartsAccess::parts(model);
    add_settings_of_policy("model: step_control", parts.control, list);
    add_settings_of_policy("model: gradient", parts.gradient, list);
    add_settings_of_policy("model: chunk_width", parts.chunk_width, list);
    if constexpr (requires { parts.regularizers; }) {
      add_settings_of_policy("model: trace", parts.trace, list);
      add_settings_of_policy("model: evaluation_trace", parts.evaluation, list);
      add_settings_of_policy("model: evaluation_solver", parts.evaluation_solver, list);
      add_settings_of_policy("model: end_time", parts.end_time, list);
      add_settings_of_policy("model: likelihood_weight", parts.likelihood_weight, list);
      add_settings_of_policy("model: time_span", parts.time, list);
      std::size_t i = 0;
      const auto add = [&](const auto& one) {
        add_settings_of_policy("model: regularizers." + std::to_string(i++), one, list);
      };
      std::apply([&](const auto&... one) { (add(one), ...); }, parts.regularizers);
    }
  }
}

}  // namespace pathline::detail
