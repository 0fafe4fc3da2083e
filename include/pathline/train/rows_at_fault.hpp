/// \file
/// Which row of the data a training run fails on, and why, in words.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/transform/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace pathline::detail {

/// A flow with a data transform of the scalar of these rows.
template <class Flow, class Rows>
concept TransformsRows = requires(const Flow flow) {
  flow.dim();
  requires DataTransform < std::remove_cvref_t<decltype(flow.data_transform())>,
  typename Rows::Scalar > ;
};

/// Throws DomainError, `fit: training data: Log: data is -1 at component 2 of sample 3, …`, at the first of the rows
/// X ((d + c) × n) that the flow's data transform does not map.
template <class Flow, class Rows>
void require_mapped([[maybe_unused]] const char* what, [[maybe_unused]] const Flow& flow,
                    [[maybe_unused]] const Rows& X) {
  if constexpr (TransformsRows<Flow, Rows>) {
    constexpr Index width = 1000;  // no copy of all data
    for (Index first = 0; first < X.cols(); first += width) try {
        const Index n = std::min(width, X.cols() - first);
        (void)transformed(flow.data_transform(), X.middleCols(first, n).topRows(flow.dim()));
      } catch (const DomainError& error) {
        throw DomainError(std::string(what) + ": " + error.transform, error.value, error.component,
                          first + error.sample, error.expected);
      }
  }
}

/// `samples` themselves, or their numbers.
[[nodiscard]] inline std::vector<Index> numbers_in(const std::vector<Index>& numbers, std::span<const Index> samples) {
  std::vector<Index> result(samples.begin(), samples.end());
  if (!numbers.empty())
    for (Index& sample : result) sample = numbers[std::size_t(sample)];
  return result;
}

/// The data of a sample in a message: the first few of its components.
template <class Column>
[[nodiscard]] std::string numbers_of(const Column& x) {
  constexpr Index most = 4;
  std::string text = "(";
  for (Index i = 0; i < std::min<Index>(x.size(), most); ++i) text += (i > 0 ? ", " : "") + number(double(x(i)));
  return text + (x.size() > most ? ", ...)" : ")");
}

/// Says which validation row of positive weight is so far from the training rows, by what of it reaches the flow, that
/// it alone decides the mean likelihood.
/// \param train, validation  As `fit` holds them, `FitRows`.
template <class Flow, class Rows>
void warn_of_far_rows([[maybe_unused]] const Flow& flow, [[maybe_unused]] const Rows& train,
                      [[maybe_unused]] const Rows& validation, [[maybe_unused]] std::vector<std::string>& warnings) {
  if constexpr (TransformsRows<Flow, decltype(train.X)>) {
    if (validation.X.cols() == 0) return;
    const Index d = flow.dim();
    const Batch<double> Z = transformed(flow.data_transform(), train.X.topRows(d)).template cast<double>();
    const Batch<double> V = transformed(flow.data_transform(), validation.X.topRows(d)).template cast<double>();
    const Vector<double> least = Z.rowwise().minCoeff(), greatest = Z.rowwise().maxCoeff();
    for (Index j = 0; j < V.cols(); ++j)
      for (Index i = 0; i < V.rows() && validation.weight(j) > 0; ++i) {
        const double beyond = std::max(least(i) - V(i, j), V(i, j) - greatest(i)) / (greatest(i) - least(i));
        if (!(beyond > 1e3)) continue;
        warnings.push_back("validation sample " + std::to_string(j) + " is " + number(double(validation.X(i, j))) +
                           " at component " + std::to_string(i) + ", " + number(beyond) +
                           " times the range of the training data beyond them: it decides the mean likelihood alone. "
                           "Check it, or leave it out");
        return;
      }
  }
}

/// Whom to blame for a likelihood that is not finite. Parameters that have diverged take every row far out: then only
/// one that stays near and lies outside of the base's support is named.
enum class Blame { any, outside_of_support };

/// Why the likelihood of rows X is not finite, by the first whose own is not; empty where none is at fault.
/// \param which  "training", say.
/// \param ids    The rows' numbers where they are not 0, 1, …
template <class Flow, class Rows>
[[nodiscard]] std::string row_without_likelihood(const Flow& flow, const Rows& X, const std::string& which,
                                                 [[maybe_unused]] std::span<const Index> ids = {},
                                                 [[maybe_unused]] Blame blame = Blame::any) {
  if constexpr (requires(Row<typename Flow::Scalar> & row) {
                  row = flow.log_prob(X);
                  flow.base().log_density(flow.transform(X), row);
                })
    try {
      const Row<typename Flow::Scalar> log_p = flow.log_prob(X);
      for (Index j = 0; j < X.cols(); ++j) {
        if (std::isfinite(log_p(j))) continue;
        const Batch<typename Flow::Scalar> z = flow.transform(X.col(j));
        if (!z.allFinite()) return {};  // diverged: no fault of this row's
        Row<typename Flow::Scalar> log_base(1);
        flow.base().log_density(z, log_base);
        const bool far = z.cwiseAbs().maxCoeff() > 1e3;
        if (std::isfinite(log_base(0)) || (far && blame == Blame::outside_of_support)) continue;
        const std::string row = which + " sample " + std::to_string(ids.empty() ? j : ids[std::size_t(j)]) + ", " +
                                numbers_of(X.col(j).head(flow.dim())) + ", has a likelihood of " +
                                (log_p(j) < 0 ? "0" : "no finite number") +
                                ": the flow takes it to z = " + numbers_of(z.col(0)) + ", where the base density is " +
                                (std::isnan(log_base(0)) ? "no number" : "0");
        return far ? row +
                         " in this scalar. So far out it is no sample of the others' density: check it, or leave it out"
                   : row +
                         ". Take a base density that is positive everywhere (StandardNormal, StudentT), or leave out "
                         "what lies outside";
      }
    } catch (const Error&) {  // a solve that fails has words of its own
    }
  return {};
}

/// The sample that makes a likelihood what it is.
struct Dominant {
  Index sample = -1;  ///< -1: none does.
  double share = 0;   ///< What it adds to the mean negative log-likelihood beyond the median one, nats.
};

/// One of at least ten samples that lies 50 nats above the median, ten standard deviations of a normal law, and moves
/// the mean by 0.5 nats: a choice by that mean is a choice for this sample.
/// \param nll  n numbers, one a sample; `shares` add up to 1. What is of share 0 may be no number, and is not looked
/// at.
[[nodiscard]] inline Dominant dominant_sample(const Vector<double>& nll, const Vector<double>& shares) {
  std::vector<double> sorted;
  for (Index j = 0; j < nll.size(); ++j)
    if (shares(j) > 0) sorted.push_back(nll(j));
  if (sorted.size() < 10) return {};
  const auto middle = sorted.begin() + std::ptrdiff_t(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  Dominant result;
  for (Index j = 0; j < nll.size(); ++j) {
    const double excess = nll(j) - *middle, share = shares(j) * excess;
    if (shares(j) > 0 && excess > 50 && share > std::max(0.5, result.share)) result = {j, share};
  }
  return result;
}

}  // namespace pathline::detail
