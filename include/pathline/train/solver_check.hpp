/// \file
/// Whether the numbers of a fit are those of a density: the solver of a flow against a more accurate one.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// The likelihood of some rows by the flow's own solver and by a more accurate one (`Cnf::refined_log_prob`).
struct SolverCheck {
  Index rows = 0;                                                 ///< 0: not made, and the numbers below are NaN.
  double nll = std::numeric_limits<double>::quiet_NaN();          ///< Of these rows, by the flow's own solver, nats.
  double refined_nll = std::numeric_limits<double>::quiet_NaN();  ///< By the more accurate one.
  double difference = std::numeric_limits<double>::quiet_NaN();   ///< Of log p, root mean square over the rows.
};

namespace detail {

/// At most `count` numbers of columns, evenly spread over `columns`: rows of a table may be sorted.
[[nodiscard, gnu::cold]] inline std::vector<Index> spread_columns(Index columns, Index count) {
  count = std::min(columns, count);
  std::vector<Index> result;
  for (Index i = 0; i < count; ++i) result.push_back(i * columns / count);
  return result;
}

/// By how much the two may differ in d dimensions before a reader must know: 0.005 √d nats in the mean, which moves the
/// second decimal of a reported likelihood, and 0.02 √d of a row, a density wrong by two per cent in one dimension.
/// Errors of d components that are independent of each other add up like √d.
[[nodiscard, gnu::cold]] inline bool solver_suffices(const SolverCheck& check, Index d) {
  const double root = std::sqrt(double(d));
  return std::abs(check.nll - check.refined_nll) <= 0.005 * root && check.difference <= 0.02 * root;
}

/// From log p of the same rows, 1 × n each.
template <Real Scalar>
[[nodiscard]] SolverCheck solver_check(const Row<Scalar>& own, const Row<Scalar>& by_refined) {
  double sum = 0, refined_sum = 0, squares = 0;
  for (Index j = 0; j < own.size(); ++j) {
    const double log_prob = double(own(j)), refined = double(by_refined(j)), difference = log_prob - refined;
    sum += log_prob;
    refined_sum += refined;
    squares += difference * difference;
  }
  const auto n = double(own.size());
  return {own.size(), -(sum / n), -(refined_sum / n), std::sqrt(squares / n)};
}

/// What the two solvers give, as part of a sentence.
[[nodiscard, gnu::cold]] inline std::string described(const SolverCheck& check, const char* rows) {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers,
                " the NLL of %ld %s rows is %.6g instead of %.6g, and log p of a row differs by %.2g nats (root mean "
                "square)",
                long(check.rows), rows, check.refined_nll, check.nll, check.difference);
  return numbers;
}

/// \param rows            Of which set: "validation" or "training".
/// \param change, advice  Of the flow's `SolverRefinement`.
[[nodiscard, gnu::cold]] inline std::string solver_warning(const SolverCheck& check, const char* rows,
                                                           const std::string& change, const std::string& advice) {
  return message({"the flow's solver is too coarse: with ", change, described(check, rows),
                  ". Its likelihoods are then not those of a density, which integrates to 1. To train again, ", advice,
                  "; to judge these parameters, copy them to a flow with an adaptive solver (Dopri5 and "
                  "PiController)"});
}

/// \param check  By the solver of training and by the flow's `EvaluationSolver`.
[[nodiscard, gnu::cold]] inline std::string training_solver_warning(const SolverCheck& check, const char* rows) {
  return message({"the solver of training is too coarse: by the EvaluationSolver", described(check, rows),
                  ". The training loss is then no likelihood, and the flow has learned to exploit the error of its "
                  "steps; log_prob and validation are by the EvaluationSolver. To train again, give FixedSteps more "
                  "steps, or the costs of the path more weight"});
}

/// Calls compare(), and adds to the warnings where its two solvers differ by too much in d dimensions, or one fails.
/// \param with  The other solver, in words.
template <class Compare, class Warning>
[[nodiscard]] SolverCheck compare_solvers(Index d, std::vector<std::string>& warnings, const std::string& with,
                                          const Compare& compare, const Warning& warning) {
  SolverCheck check;
  try {
    check = compare();
    if (!solver_suffices(check, d)) warnings.push_back(warning(check));
  } catch (const Error& error) {
    warnings.push_back(message({"the accuracy of the solver could not be checked with ", with, ": ", error.what()}));
  }
  return check;
}

/// Checks the solver by some of the rows that a flow is judged by. A model of another kind, which is not solved for,
/// has no such check.
/// \param kind   "validation" or "training".
/// \param count  Of rows, at most.
template <class Flow, Real DataScalar, class Report>
void check_solvers([[maybe_unused]] const Flow& flow, [[maybe_unused]] const FitRows<DataScalar>& judged,
                   [[maybe_unused]] const char* kind, [[maybe_unused]] Index count, [[maybe_unused]] Report& report) {
  if constexpr (requires(const Batch<DataScalar>& X) { flow.refined_log_prob(X); }) {
    using Scalar = typename Flow::Scalar;
    std::vector<Index> samples = counted(judged);
    const std::vector<Index> some = spread_columns(Index(samples.size()), count);
    for (std::size_t i = 0; i < some.size(); ++i) samples[i] = samples[std::size_t(some[i])];
    const Batch<DataScalar> rows = judged.gathered(std::span<const Index>(samples).first(some.size()));
    if (const auto refinement = flow.refinement(); !refinement.change.empty())
      report.solver_check = compare_solvers(
          flow.dim(), report.warnings, refinement.change,
          [&] { return solver_check<Scalar>(flow.log_prob(rows), flow.refined_log_prob(rows)); },
          [&](const SolverCheck& check) { return solver_warning(check, kind, refinement.change, refinement.advice); });
    if constexpr (requires { flow.log_prob_by_training_solver(rows); })
      report.training_solver_check = compare_solvers(
          flow.dim(), report.warnings, "the solver of training",
          [&] { return solver_check<Scalar>(flow.log_prob_by_training_solver(rows), flow.log_prob(rows)); },
          [&](const SolverCheck& check) { return training_solver_warning(check, kind); });
  }
}

}  // namespace detail
}  // namespace pathline
