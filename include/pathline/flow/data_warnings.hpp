/// \file
/// What is doubtful about data as the training set of a density: numbers on a lattice, few different ones, components
/// that depend on each other, samples beside which the others are all alike.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/statistics/component_spread.hpp>
#include <pathline/flow/statistics/covariance.hpp>
#include <pathline/math/view_loops.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

/// A component's numbers in order.
struct SortedComponent {
  std::vector<double> values;
  Index different = 0;      ///< Of `values`.
  Index most_frequent = 0;  ///< How often the most frequent of them occurs.
  double frequent = 0;      ///< The most frequent.
  double smallest_gap = 0;  ///< Between two different ones.
  double middle_half = 0;   ///< Between the quartiles.
};

template <class = void>
[[nodiscard]] inline SortedComponent sorted_component(const Batch<double>& X, Index i) {
  SortedComponent result;
  std::vector<double>& v = result.values;
  v.resize(std::size_t(X.cols()));
  for (std::size_t j = 0; j < v.size(); ++j) v[j] = X(i, Index(j));
  std::sort(v.begin(), v.end());
  Index run = 0;
  for (std::size_t j = 0; j < v.size(); ++j) {
    const bool again = j > 0 && v[j] == v[j - 1];
    run = again ? run + 1 : 1;
    if (run > result.most_frequent) {
      result.most_frequent = run;
      result.frequent = v[j];
    }
    if (again) continue;
    if (j > 0 && (result.different == 1 || v[j] - v[j - 1] < result.smallest_gap))
      result.smallest_gap = v[j] - v[j - 1];
    ++result.different;
  }
  result.middle_half = v[(3 * v.size() - 1) / 4] - v[v.size() / 4];
  return result;
}

/// Whether all numbers are whole multiples of `step`, counted from `origin`, to their precision.
template <class = void>
[[nodiscard, gnu::cold]] inline bool on_lattice(const SortedComponent& component, double origin, double step,
                                                double epsilon) {
  const double size = std::max(std::abs(component.values.front()), std::abs(component.values.back()));
  const double range = component.values.back() - component.values.front();
  if (step > 1.01 * component.smallest_gap) return false;
  // The step is known to the rounding of two numbers, and counts range / step times.
  const double tolerance = 1e-6 + 8 * epsilon * size / step * (origin == 0 ? 1 : 1 + range / step);
  if (!(tolerance < 0.05)) return false;
  for (const double x : component.values) {
    const double steps = (x - origin) / step;
    if (!(std::abs(steps - std::round(steps)) <= tolerance)) return false;
  }
  return true;
}

/// The widest step, a power of ten or the smallest gap, of which all numbers are whole multiples; 0 where there is none
/// above `least`.
template <class = void>
[[nodiscard, gnu::cold]] inline double lattice_step(const SortedComponent& component, double least, double epsilon) {
  const double range = component.values.back() - component.values.front();
  if (!(least > 0 && std::isfinite(range))) return 0;
  const double gap = component.smallest_gap;
  const bool gaps = gap >= least && on_lattice(component, component.values.front(), gap, epsilon);
  for (int k = int(std::floor(std::log10(range))); k >= int(std::ceil(std::log10(least))); --k)
    if (const double step = std::pow(10.0, k); on_lattice(component, 0, step, epsilon))
      return gaps && gap > 1.5 * step ? gap : step;
  return gaps ? gap : 0;
}

/// The samples of X (d × n) to look at: 20,000 of them, evenly spread, and those that hold the extremes of a component.
template <Real Scalar>
[[nodiscard]] std::vector<Index> samples_to_inspect(View<const Scalar> X) {
  constexpr Index most = 20'000;
  std::vector<Index> samples;
  for (Index j = 0; j < X.cols(); j += X.cols() / most + 1) samples.push_back(j);
  if (Index(samples.size()) == X.cols()) return samples;
  for (Index i = 0; i < X.rows(); ++i) {
    Index least = 0, greatest = 0;
    for (Index j = 1; j < X.cols(); ++j) {
      if (X(i, j) < X(i, least)) least = j;
      if (X(i, j) > X(i, greatest)) greatest = j;
    }
    for (const Index extreme : {least, greatest}) {  // put where it belongs
      std::size_t at = samples.size();
      while (at > 0 && samples[at - 1] > extreme) --at;
      if (at > 0 && samples[at - 1] == extreme) continue;
      samples.push_back(extreme);
      for (std::size_t k = samples.size() - 1; k > at; --k) samples[k] = samples[k - 1];
      samples[at] = extreme;
    }
  }
  return samples;
}

template <Real Scalar>
[[nodiscard]] Batch<Scalar> samples_of(View<const Scalar> X, const std::vector<Index>& samples) {
  Batch<Scalar> result(X.rows(), Index(samples.size()));
  for (std::size_t j = 0; j < samples.size(); ++j)
    for (Index i = 0; i < X.rows(); ++i) result(i, Index(j)) = X(i, samples[j]);
  return result;
}

template <Real Scalar>
[[nodiscard]] Batch<double> in_double(View<const Scalar> X) {
  Batch<double> result(X.rows(), X.cols());
  convert<Scalar, double>(X, result);
  return result;
}

/// Components with the same trouble: the first is described with its numbers, the others are listed by index.
class Finding {
 public:
  void add(Index component, const std::string& numbers) {
    if (components_.empty()) first_ = numbers;
    components_.push_back(component);
  }
  /// "component 3 <numbers>(, and so do components 4, 5, 7 and 12 more)<advice>".
  void report(std::string_view advice, std::vector<std::string>& warnings) const {
    if (components_.empty()) return;
    constexpr std::size_t named = 6;
    std::string text = message({"component ", components_.front(), " of the data ", first_});
    if (components_.size() > 1) {
      text += components_.size() == 2 ? " (the same holds for component " : " (the same holds for components ";
      for (std::size_t k = 1; k < std::min(components_.size(), named); ++k)
        text += message({k > 1 ? ", " : "", components_[k]});
      if (components_.size() > named) text += message({" and ", components_.size() - named, " more"});
      text += ")";
    }
    warnings.push_back(message({text, advice}));
  }

 private:
  std::vector<Index> components_;
  std::string first_;
};

/// Numbers of single components: few different ones, lattices, values that carry probability, digits that the scalar
/// does not hold.
template <class = void>
[[gnu::cold]] inline void inspect_values(const Batch<double>& X, const ComponentSpread& spread, Precision precision,
                                         std::vector<std::string>& warnings) {
  Finding lattice, few, atom, rounded;
  for (Index i = 0; i < X.rows(); ++i) {
    const SortedComponent component = sorted_component(X, i);
    const Index n = Index(component.values.size());
    if (n < 10) continue;
    const double deviation = spread.deviation(i), spacing = precision.spacing(spread.mean(i));
    const std::string counts = message({component.different, " different values in ", n, " samples"});
    const double step = lattice_step(component, 2e-3 * deviation, precision.epsilon());
    if (spacing >= 1e-3 * deviation && 100 * component.different <= 99 * n)
      rounded.add(i, message({"has ", counts, ": ", precision.name(), " numbers are ", spacing, " apart around ",
                              spread.mean(i)}));
    else if (step > 0)
      lattice.add(i, message({"has ", counts, ", whole multiples of ", step, " apart"}));
    else if (component.most_frequent >= 5 && 20 * component.most_frequent >= n)
      atom.add(i, message({"is ", component.frequent, " in ", component.most_frequent, " of ", n, " samples"}));
    else if (5 * component.different <= 4 * n)
      few.add(i, message({"has ", counts}));
  }
  rounded.report(
      message({"; ", precision.single ? double_data : "subtract an offset before the numbers are rounded to double"}),
      warnings);
  lattice.report(
      ": numbers on a lattice have no density, and their likelihood has no bound. Add noise as wide as the spacing, "
      "new "
      "in each epoch or copy (dequantize does so for the integers 0, 1, ...)",
      warnings);
  few.report(
      ": repeated values have no density, and their likelihood has no bound. Leave repeated samples out, or add noise "
      "as wide as the numbers were rounded (dequantize does so for integers)",
      warnings);
  atom.report(
      ": a value that carries probability has no density, and its likelihood no bound. Leave these samples out and "
      "learn their share apart, or add noise as wide as the numbers were rounded (dequantize does so for integers)",
      warnings);
}

/// Components that depend on each other, and too few samples to tell.
template <class = void>
[[gnu::cold]] inline void inspect_rank(const Batch<double>& X, const ComponentSpread& spread, Precision precision,
                                       std::vector<std::string>& warnings) {
  const Index d = X.rows(), n = X.cols();
  if (n <= d) {
    warnings.push_back(message({"the data have ", n, " samples of ", d,
                                " components: they lie in a plane, and their likelihood has no bound; give more "
                                "samples than components, or fewer components"}));
    return;
  }
  const Index stride = n / std::min(n, d + 1000);  // enough to find a plane
  Batch<double> scores(d, (n + stride - 1) / stride);
  for (Index j = 0; j < scores.cols(); ++j)
    for (Index i = 0; i < d; ++i) scores(i, j) = spread.scores(i, j * stride);
  Batch<double> L;
  const Index k = triangular_factor(scores, rounding_of(X, spread, precision), L);
  if (k >= 0) {
    warnings.push_back(message({"component ", k,
                                " of the data is a linear combination of the components before it: the data have a "
                                "lower dimension and no density, and their likelihood has no bound; leave the "
                                "component out"}));
    return;
  }
  Finding near;
  for (Index i = 0; i < d; ++i)
    if (L(i, i) < 1e-3)
      near.add(i,
               message({"is a linear combination of the components before it but for ", L(i, i), " of its deviation"}));
  near.report(
      ": a flow cannot see so little, and if it is the rounding of the numbers, the likelihood has no bound. Leave the "
      "component out, or, if that part is real, take Whiten in place of Standardize",
      warnings);
}

/// Z: the same data in the coordinates in which the flow works, of its own scalar.
/// \param numbers  Of the samples in the caller's data.
template <class = void>
[[gnu::cold]] inline void inspect_coordinates(const Batch<double>& X, const Batch<double>& Z,
                                              const std::vector<Index>& numbers, Precision precision,
                                              std::vector<std::string>& warnings) {
  const auto [mean, deviation, scores] = moments_of(Z);
  Finding far, unscaled;
  for (Index i = 0; i < Z.rows(); ++i) {
    const SortedComponent z = sorted_component(Z, i);
    if (Index(z.values.size()) < 10) continue;
    const double middle = z.middle_half / deviation(i);
    Index farthest = 0;
    for (Index j = 1; j < Z.cols(); ++j)
      if (std::abs(scores(i, j)) > std::abs(scores(i, farthest))) farthest = j;
    const SortedComponent raw = sorted_component(X, i);
    const bool lost = 2 * z.different <= raw.different;
    if (lost || (middle > 0 && middle < 0.01))
      far.add(i, message({"is ", X(i, farthest), " in sample ", numbers[std::size_t(farthest)],
                          ", so far from the others that the middle half of them lies within ", middle,
                          " of a deviation in the flow's coordinates",
                          lost ? message({", where ", precision.name(), " tells ", z.different, " of ", raw.different,
                                          " different values"})
                               : ""}));
    else if (!(deviation(i) > 0.01 && deviation(i) < 100 && std::abs(mean(i)) < 100 * std::max(1.0, deviation(i))))
      unscaled.add(i, message({"reaches the flow with mean ", mean(i), " and deviation ", deviation(i)}));
  }
  far.report(
      ": the flow can hardly learn their density. Leave such samples out, or take logarithms first (Chain of Log and "
      "Standardize)",
      warnings);
  unscaled.report(": networks start as if their inputs were of order 1. Give the flow Standardize(X)", warnings);
}

template <class = void>
[[nodiscard, gnu::cold]] inline std::vector<std::string> data_warnings(const Batch<double>& X, Precision of_data) {
  std::vector<std::string> warnings;
  try {
    const ComponentSpread spread = spread_of("", X, of_data);
    inspect_values(X, spread, of_data, warnings);
    inspect_rank(X, spread, of_data, warnings);
  } catch (const DataError& error) {                    // a constant component, say
    warnings.push_back(std::string(error.what() + 2));  // without the function before the colon
  }
  return warnings;
}

/// What is doubtful about raw data, the first d rows of X, and about their coordinates in a flow (d × n from X's n).
template <Real Scalar, Real DataScalar, class Coordinates>
[[nodiscard]] std::vector<std::string> warnings_of_rows(View<const DataScalar> X, Index d,
                                                        const Coordinates& coordinates) {
  const std::vector<Index> samples = samples_to_inspect(X.topRows(d));
  const Batch<DataScalar> seen = samples_of(X, samples);
  const Batch<double> raw = in_double(View<const DataScalar>(seen).topRows(d));
  std::vector<std::string> warnings = data_warnings(raw, precision_of<DataScalar>);
  inspect_coordinates(raw, in_double<Scalar>(coordinates(seen)), samples, precision_of<Scalar>, warnings);
  return warnings;
}

}  // namespace detail

/// What is doubtful about data X (d × n) as the training set of a density, a sentence or two each, ready to print:
/// numbers on a lattice, few different ones, values that carry probability, digits that the scalar does not hold,
/// components that are constant or depend on each other. `fit` puts them into its report. Looks at about 20,000
/// samples, and at d + 1000 of them to tell dependence.
/// \throws DataError when X is empty or not finite.
template <class Derived>
[[nodiscard]] std::vector<std::string> inspect_data(const Eigen::MatrixBase<Derived>& X) {
  using Scalar = typename Derived::Scalar;
  const Batch<Scalar> data = X;
  require_finite("inspect_data: data", data);
  const View<const Scalar> all(data);
  const Batch<Scalar> seen = detail::samples_of(all, detail::samples_to_inspect(all));
  return detail::data_warnings(detail::in_double<Scalar>(seen), detail::precision_of<Scalar>);
}

}  // namespace pathline
