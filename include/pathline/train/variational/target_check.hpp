/// \file
/// Whether a target's score is the gradient of its log-density: a wrong one trains a flow to a wrong density, and no
/// loss says so.
#pragma once

#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/train/variational/target_density.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace pathline::detail {

/// The score's component along a random direction at each of the samples X (d × n), and what central differences say.
/// The result is the median of their difference over the score's length; 0 where the score is 0 and log p̃ constant.
template <class Target>
[[nodiscard]] double score_error(const Target& target, const Batch<double>& X) {
  const Index d = X.rows(), n = X.cols();
  Batch<double> V(d, n), score(d, n), unused(d, n);
  fill<Gaussian>(Draw{0, 0}, 0, V);
  for (Index j = 0; j < n; ++j)  // truncation h² and rounding ε/h are below 1e-8 of what varies over a length of 1
    V.col(j) *= 1e-5 * std::max(1., X.col(j).cwiseAbs().maxCoeff()) / V.col(j).norm();
  Row<double> log_p(n), above(n), below(n);
  const auto evaluate = [&](const Batch<double>& at, Row<double>& values, Batch<double>& gradient) {
    evaluate_target<Target, double>(target, at, values, gradient, {{}, View<const double>(nullptr, 0, 0)});
  };
  evaluate(X, log_p, score);
  evaluate(X + V, above, unused);
  evaluate(X - V, below, unused);
  std::vector<double> errors;
  for (Index j = 0; j < n; ++j) {
    const double h = V.col(j).norm(), difference = (above(j) - below(j)) / (2 * h);
    const double got = score.col(j).dot(V.col(j)) / h, length = std::max(score.col(j).norm(), std::abs(difference));
    if (std::isfinite(difference)) errors.push_back(length > 0 ? std::abs(got - difference) / length : 0);
  }
  if (errors.empty()) return 0;
  const auto middle = errors.begin() + std::ptrdiff_t(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  return *middle;
}

/// What is to be said of it: nothing below 1 %, which kinks in a few places do not reach either.
template <class Target>
void warn_of_score(const Target& target, const Batch<double>& X, std::vector<std::string>& warnings) {
  const double error = score_error(target, X);
  if (!(error > 0.01)) return;
  warnings.push_back(message(
      {"VariationalInference: the target's score is not the gradient of its log-density. Along random directions at ",
       X.cols(), " samples the two differ by ", error,
       " of the score's length in the median. The flow has then not learned the target: correct score, or let "
       "DifferentiableDensity find it"}));
}

}  // namespace pathline::detail
