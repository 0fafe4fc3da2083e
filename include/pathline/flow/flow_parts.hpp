/// \file
/// All parts of a flow: those of its answers, and those that only its training reads.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/settings.hpp>

#include <cmath>
#include <tuple>

namespace pathline::detail {

/// \tparam Answers  `EvaluationParts`.
/// \tparam named    Whether the flow has an `EvaluationSolver` of its own.
template <class Answers, class MethodType, class ControlType, class TraceType, class RegularizersType,
          class GradientType, class EndTimeType, bool named>
struct FlowParts : Answers {
  using Evaluating = Answers;
  using Method = MethodType;
  using Control = ControlType;
  using Trace = TraceType;
  using Regularizers = RegularizersType;
  using Gradient = GradientType;
  using EndTime = EndTimeType;
  static constexpr bool has_evaluation_solver = named;

  /// \throws ShapeError, ArgumentError where the parts do not fit each other.
  void check() const {
    Answers::check();
    end_time.check(this->time.data, this->time.base);
    likelihood_weight.check();
    std::apply([](const auto&... cost) { (require_finite_weight(double(cost.weight)), ...); }, regularizers);
  }
  static void require_finite_weight(double weight) {
    if (!std::isfinite(weight)) throw ArgumentError("Cnf: weight of a regularizer", weight, "a finite number");
  }

  Method method;
  Control control;
  Trace trace;
  Regularizers regularizers;
  Gradient gradient;
  EndTime end_time;
  LikelihoodWeight likelihood_weight;
};

}  // namespace pathline::detail
