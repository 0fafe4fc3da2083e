/// \file
/// All parts of a flow: those of its answers, and those that only its training reads.
#pragma once

#include <pathline/core/apply_to.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/settings.hpp>

#include <cmath>
#include <tuple>
#include <utility>

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

  // Not an aggregate: g++ 12 destroys the base of one twice when a part throws while it is copied.
  FlowParts(Answers of_answers, Method a_method, Control a_control, Trace a_trace, Regularizers costs,
            Gradient a_gradient, EndTime an_end_time, LikelihoodWeight weight)
      : Answers(std::move(of_answers)),
        method(std::move(a_method)),
        control(std::move(a_control)),
        trace(std::move(a_trace)),
        regularizers(std::move(costs)),
        gradient(std::move(a_gradient)),
        end_time(std::move(an_end_time)),
        likelihood_weight(weight) {}

  /// \throws ShapeError, ArgumentError where the parts do not fit each other.
  void check() const {
    Answers::check();
    end_time.check(this->time.data, this->time.base);
    likelihood_weight.check();
    apply_to(regularizers, [](const auto&... cost) { (require_finite_weight(double(cost.weight)), ...); });
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
