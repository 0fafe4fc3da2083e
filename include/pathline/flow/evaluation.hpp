/// \file
/// What a flow answers by where that differs from what it trains by: the trace and the solver of densities, samples and
/// validation.
#pragma once

#include <cstdint>

namespace pathline {

/// The estimator, and the seed of its noise, that `log_prob` uses instead of an exact trace, also where `fit` judges by
/// validation rows: for dimensions in which d tangents are too many.
template <class Estimator>
struct EvaluationTrace {
  Estimator estimator{};
  std::uint64_t seed = 0;
};
template <class Estimator>
EvaluationTrace(Estimator) -> EvaluationTrace<Estimator>;
template <class Estimator>
EvaluationTrace(Estimator, std::uint64_t) -> EvaluationTrace<Estimator>;

/// The solver and the step control that everything but training uses instead of those that the flow trains by:
/// `log_prob`, `sample`, `transform` and their kin, `score`, and the validation of `fit`.
///
///     Cnf flow(field, Rk4{}, FixedSteps(4), EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}});
///
/// Few fixed steps are cheap to train by, but a flow can learn to exploit their error: its likelihood by the same steps
/// is then not that of a density, and may lie below the entropy of the data. A solver with an error estimate tells the
/// likelihood of the field itself.
template <class Method, class Control>
struct EvaluationSolver {
  Method method{};
  Control control{};
};
template <class Method, class Control>
EvaluationSolver(Method, Control) -> EvaluationSolver<Method, Control>;

}  // namespace pathline
