/// \file
/// Which row of the data a training run fails on, and why, in words.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace pathline::detail {

/// A flow with a data transform of this scalar.
template <class Flow, class Scalar>
concept TransformsRows = requires(const Flow flow) {
  flow.dim();
  requires DataTransform<std::remove_cvref_t<decltype(flow.data_transform())>, Scalar>;
};

/// Calls see(first, raw, Z) with some samples at a time and where the flow's data transform takes them, d × n each: no
/// copy of all data.
template <class Flow, Real Scalar, class See>
void for_each_transformed(const Flow& flow, const FitRows<Scalar>& rows, See&& see) {
  constexpr Index width = 1000;
  const Index d = flow.dim();
  flow.data_transform().check(d);
  Batch<Scalar> raw, Z;
  Row<Scalar> log_det;
  for (Index first = 0; first < rows.samples(); first += width) {
    const Index n = std::min(width, rows.samples() - first);
    raw.resize(d, n);
    Z.resize(d, n);
    log_det.resize(n);
    for (Index j = 0; j < n; ++j) std::copy_n(rows.data(first + j), d, raw.data() + j * d);
    see(first, raw, Z, log_det);
  }
}

/// Throws DomainError, `fit: training data: Log: data is -1 at component 2 of sample 3, …`, at the first of the samples
/// that the flow's data transform does not map.
template <class Flow, Real Scalar>
void require_mapped([[maybe_unused]] const char* what, [[maybe_unused]] const Flow& flow,
                    [[maybe_unused]] const FitRows<Scalar>& rows) {
  if constexpr (TransformsRows<Flow, Scalar>)
    for_each_transformed(flow, rows,
                         [&](Index first, const Batch<Scalar>& raw, Batch<Scalar>& Z, Row<Scalar>& log_det) {
                           try {
                             flow.data_transform().apply(raw, Z, log_det);
                           } catch (const DomainError& error) {
                             throw DomainError(std::string(what) + ": " + error.transform, error.value, error.component,
                                               first + error.sample, error.expected);
                           }
                         });
}

/// The data of a sample in a message: the first few of its d components.
template <Real Scalar>
[[nodiscard]] std::string numbers_of(const Scalar* x, Index d) {
  constexpr Index most = 4;
  std::string text = "(";
  for (Index i = 0; i < std::min(d, most); ++i) text += message({i > 0 ? ", " : "", double(x[i])});
  text += d > most ? ", ...)" : ")";
  return text;
}

/// Least and greatest of each component.
struct ComponentRanges {
  std::vector<double> least, greatest;
};

/// By how many of its range a sample lies beyond the training data, and what to say of it.
template <class = void>
[[nodiscard, gnu::cold]] inline std::string far_row_warning(Index sample, Index component, double value,
                                                            double beyond) {
  return message({"validation sample ", sample, " is ", value, " at component ", component, ", ", beyond,
                  " times the range of the training data beyond them: it decides the mean likelihood alone. Check it, "
                  "or leave it out"});
}

/// Says which validation row of positive weight is so far from the training rows, by what of it reaches the flow, that
/// it alone decides the mean likelihood.
template <class Flow, Real Scalar>
void warn_of_far_rows([[maybe_unused]] const Flow& flow, [[maybe_unused]] const FitRows<Scalar>& train,
                      [[maybe_unused]] const FitRows<Scalar>& validation,
                      [[maybe_unused]] std::vector<std::string>& warnings) {
  if constexpr (TransformsRows<Flow, Scalar>) {
    if (validation.samples() == 0) return;
    const Index d = flow.dim();
    const double infinity = std::numeric_limits<double>::infinity();
    ComponentRanges train_ranges{std::vector<double>(std::size_t(d), infinity),
                                 std::vector<double>(std::size_t(d), -infinity)};
    for_each_transformed(flow, train, [&](Index, const Batch<Scalar>& raw, Batch<Scalar>& Z, Row<Scalar>& log_det) {
      flow.data_transform().apply(raw, Z, log_det);
      for (Index j = 0; j < Z.cols(); ++j)
        for (Index i = 0; i < d; ++i) {
          double &least = train_ranges.least[std::size_t(i)], &greatest = train_ranges.greatest[std::size_t(i)];
          least = std::min(least, double(Z(i, j)));
          greatest = std::max(greatest, double(Z(i, j)));
        }
    });
    bool said = false;
    for_each_transformed(flow, validation,
                         [&](Index first, const Batch<Scalar>& raw, Batch<Scalar>& Z, Row<Scalar>& log_det) {
                           flow.data_transform().apply(raw, Z, log_det);
                           for (Index j = 0; j < Z.cols(); ++j)
                             for (Index i = 0; i < d && !said && validation.weight(first + j) > 0; ++i) {
                               const double least = train_ranges.least[std::size_t(i)],
                                            greatest = train_ranges.greatest[std::size_t(i)], z = double(Z(i, j));
                               const double beyond = std::max(least - z, z - greatest) / (greatest - least);
                               if (!(beyond > 1e3)) continue;
                               warnings.push_back(far_row_warning(first + j, i, double(raw(i, j)), beyond));
                               said = true;
                             }
                         });
  }
}

/// Whom to blame for a likelihood that is not finite. Parameters that have diverged take every row far out: then only
/// one that stays near and lies outside of the base's support is named.
enum class Blame { any, outside_of_support };

/// What is said of the sample `name`, which the flow takes to z, where the base density is 0 or no number.
template <class = void>
[[nodiscard, gnu::cold]] inline std::string support_message(const std::string& name, double log_p, const std::string& z,
                                                            double log_base, bool far) {
  return message(
      {name, ", has a likelihood of ", log_p < 0 ? "0" : "no finite number", ": the flow takes it to z = ", z,
       ", where the base density is ", std::isnan(log_base) ? "no number" : "0",
       far ? " in this scalar. So far out it is no sample of the others' density: check it, or leave it out"
           : ". Take a base density that is positive everywhere (StandardNormal, StudentT), or leave out what lies "
             "outside"});
}

/// Why the likelihood of rows X is not finite, by the first whose own is not; empty where none is at fault.
/// \param which  "training", say.
/// \param ids    The rows' numbers where they are not 0, 1, …
template <class Flow, Real Scalar>
[[nodiscard]] std::string row_without_likelihood(const Flow& flow, const Batch<Scalar>& X, const std::string& which,
                                                 [[maybe_unused]] std::span<const Index> ids = {},
                                                 [[maybe_unused]] Blame blame = Blame::any) {
  if constexpr (requires(Row<typename Flow::Scalar> & row) {
                  row = flow.log_prob(X);
                  flow.base().log_density(flow.transform(X), row);
                })
    try {
      const Row<typename Flow::Scalar> log_p = flow.log_prob(X);
      Batch<Scalar> x(X.rows(), 1);
      for (Index j = 0; j < X.cols(); ++j) {
        if (std::isfinite(log_p(j))) continue;
        std::copy_n(X.data() + j * X.rows(), X.rows(), x.data());
        const Batch<typename Flow::Scalar> z = flow.transform(x);
        double farthest = 0;
        for (Index i = 0; i < z.size(); ++i) {
          if (!std::isfinite(z.data()[i])) return {};  // diverged: no fault of this row's
          farthest = std::max(farthest, std::abs(double(z.data()[i])));
        }
        Row<typename Flow::Scalar> log_base(1);
        flow.base().log_density(z, log_base);
        const bool far = farthest > 1e3;
        if (std::isfinite(log_base(0)) || (far && blame == Blame::outside_of_support)) continue;
        return support_message(
            message({which, " sample ", ids.empty() ? j : ids[std::size_t(j)], ", ", numbers_of(x.data(), flow.dim())}),
            double(log_p(j)), numbers_of(z.data(), z.rows()), double(log_base(0)), far);
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
/// \param nll     n numbers, one a sample.
/// \param shares  They add up to 1; none: all are equal. What is of share 0 may be no number, and is not looked at.
template <class = void>
[[nodiscard, gnu::cold]] inline Dominant dominant_sample(const Vector<double>& nll, const Vector<double>& shares) {
  const auto share_of = [&](Index j) { return shares.size() > 0 ? shares(j) : 1 / double(nll.size()); };
  std::vector<double> sorted;
  for (Index j = 0; j < nll.size(); ++j)
    if (share_of(j) > 0) sorted.push_back(nll(j));
  if (sorted.size() < 10) return {};
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[sorted.size() / 2];
  Dominant result;
  for (Index j = 0; j < nll.size(); ++j) {
    const double excess = nll(j) - median, share = share_of(j) * excess;
    if (share_of(j) > 0 && excess > 50 && share > std::max(0.5, result.share)) result = {j, share};
  }
  return result;
}

/// Says which of the rows that a model is judged by makes its best criterion what it is.
/// \param losses  Of these rows, with the best parameters.
/// \param kind    "validation" or "training".
template <Real Scalar>
void warn_of_dominant_row(const Vector<double>& losses, const Vector<double>& shares, const FitRows<Scalar>& rows,
                          const char* kind, std::vector<std::string>& warnings) {
  const Dominant dominant = dominant_sample(losses, shares);
  if (dominant.sample < 0) return;
  const std::string name = message({kind, " sample ", rows.number_of(dominant.sample)});
  for (const std::string& warning : warnings)
    if (warning.starts_with(name) && warning[name.size()] == ' ') return;  // found at the door
  warnings.push_back(
      message({name, ", ", numbers_of(rows.data(dominant.sample), rows.rows()), ", alone adds ", dominant.share,
               " nats to the mean that chose the best parameters. Check it, or leave it out"}));
}

}  // namespace pathline::detail
