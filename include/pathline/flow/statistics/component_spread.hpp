/// \file
/// Means and deviations of the components of data in any unit, with words for components that have no density or that
/// a scalar cannot tell apart.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace pathline::detail {

/// The scalar that data are held in, at run time: what follows is compiled once.
struct Precision {
  bool single;

  [[nodiscard]] const char* name() const { return single ? "float" : "double"; }
  [[nodiscard]] double epsilon() const {
    return single ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
  }
  [[nodiscard]] double rounded(double x) const { return single ? double(float(x)) : x; }
  /// Distance of neighbouring numbers at x.
  [[nodiscard]] double spacing(double x) const {
    const double least =
        single ? double(std::numeric_limits<float>::denorm_min()) : std::numeric_limits<double>::denorm_min();
    return x == 0 ? least : std::max(least, std::ldexp(epsilon(), std::ilogb(x)));
  }
};
template <Real Scalar>
inline constexpr Precision precision_of{sizeof(Scalar) == sizeof(float)};

inline constexpr const char* double_data =
    "keep the data in double (a float flow with Standardize(X) of a double X takes double data)";

/// Mean and deviation of data (d × n), over n, not n - 1.
struct ComponentSpread {
  Vector<double> mean, deviation;
  Batch<double> scores;  ///< (x - mean) / deviation, d × n.
};

/// Of one component: mean and deviation in a unit of its own.
struct ComponentMoments {
  double mean, deviation, unit;
};

/// Overwrites row i of `differences` (d × n), which may be X, with x - mean in that unit. In units of the component's
/// own size, so that no sum or square overflows or underflows; the mean is corrected by that of the differences from
/// it, which is good to the last digit where the mean is far larger than they are.
/// \param X  d × n, finite, n at least 1.
template <class = void>
[[nodiscard]] inline ComponentMoments moments_of_component(const Batch<double>& X, Index i,
                                                           Batch<double>& differences) {
  const Index n = X.cols();
  double unit = 0;
  for (Index j = 0; j < n; ++j) unit = std::max(unit, std::abs(X(i, j)));
  unit = unit > 0 ? std::ldexp(1.0, std::ilogb(unit)) : 1;  // a power of two, so that it rounds nothing
  double mean = 0, correction = 0, square = 0;
  for (Index j = 0; j < n; ++j) mean += differences(i, j) = X(i, j) / unit;
  mean /= double(n);
  for (Index j = 0; j < n; ++j) correction += differences(i, j) -= mean;
  correction /= double(n);
  for (Index j = 0; j < n; ++j) {
    differences(i, j) -= correction;
    square += differences(i, j) * differences(i, j);
  }
  return {mean + correction, std::sqrt(square / double(n)), unit};
}

/// Of finite numbers, n at least 1. The scores of a constant component are meaningless.
template <class = void>
[[nodiscard]] inline ComponentSpread moments_of(const Batch<double>& X) {
  const Index d = X.rows(), n = X.cols();
  ComponentSpread result{Vector<double>(d), Vector<double>(d), Batch<double>(d, n)};
  for (Index i = 0; i < d; ++i) {
    const auto [mean, deviation, unit] = moments_of_component(X, i, result.scores);
    for (Index j = 0; j < n; ++j) result.scores(i, j) /= deviation;
    result.mean(i) = mean * unit;
    result.deviation(i) = deviation * unit;
  }
  return result;
}

/// Throws DataError for a component whose numbers, from `least` to `greatest`, are too large to compute with.
template <class = void>
[[gnu::cold]] inline void require_size(const std::string& what, Index i, double least, double greatest) {
  if (const double size = std::max(std::abs(least), std::abs(greatest)); size > std::numeric_limits<double>::max() / 4)
    throw DataError({what, ": component ", i, " of the data reaches ", size,
                     ", too large to subtract a mean; give it in a larger unit"});
}

/// Throws DataError for a component that is constant, or varies by less than 64 of the scalar's numbers.
template <class = void>
[[gnu::cold]] inline void require_density(const std::string& what, Index i, double least, double greatest, double mean,
                                          double deviation, Precision precision) {
  if (!(least < greatest))
    throw DataError({what, ": component ", i, " of the data is constant (", least,
                     "): it has no density; leave the column out",
                     precision.single && std::abs(least) > 1e5
                         ? message({", or, if float has rounded its digits away, ", double_data})
                         : ""});
  const double spacing = precision.spacing(mean);
  if (!(deviation >= 64 * spacing))
    throw DataError(message(
        {what, ": component ", i, " of the data varies by ", deviation, " around ", mean, ", where ", precision.name(),
         " numbers are ", spacing,
         " apart: ", precision.single ? double_data : "subtract an offset before the numbers are rounded to double",
         ", or leave the column out if it is constant"}));
}

/// The moments of data that have a density.
/// \throws DataError when X is empty, not finite, has one sample only, numbers above 4.5e307, or a component that is
///         constant or varies by less than 64 of the scalar's numbers.
template <class = void>
[[nodiscard, gnu::cold]] inline ComponentSpread spread_of(const std::string& what, const Batch<double>& X,
                                                          Precision precision) {
  require_finite(message({what, ": data"}).c_str(), X);
  const Index d = X.rows(), n = X.cols();
  if (n < 2) throw DataError({what, ": data has 1 sample, expected at least 2 to tell its spread"});
  Vector<double> least(d), greatest(d);
  for (Index i = 0; i < d; ++i) {
    least(i) = greatest(i) = X(i, 0);
    for (Index j = 1; j < n; ++j) {
      least(i) = std::min(least(i), X(i, j));
      greatest(i) = std::max(greatest(i), X(i, j));
    }
  }
  for (Index i = 0; i < d; ++i) require_size(what, i, least(i), greatest(i));
  ComponentSpread result = moments_of(X);
  for (Index i = 0; i < d; ++i)
    require_density(what, i, least(i), greatest(i), result.mean(i), result.deviation(i), precision);
  return result;
}

/// Samples that are looked at for neighbours, evenly spread: fewer lie farther apart, which only spares a component.
[[nodiscard]] inline Index stride_of_neighbours(Index samples, Index most = 20'000) { return samples / most + 1; }

/// A sample, and a component of it.
struct FarSample {
  Index sample;
  double value;
};

/// Throws DataError when most neighbouring numbers of component i become equal once they are standardised and rounded,
/// as where one sample is very far away from all others.
/// \param values    Of some samples; sorted afterwards.
/// \param farthest  farthest() returns the FarSample of this component.
template <class Farthest>
[[gnu::cold]] void require_told_apart(const std::string& what, Index i, std::vector<double>& values, double mean,
                                      double deviation, Precision precision, const Farthest& farthest) {
  std::sort(values.begin(), values.end());
  Index pairs = 0, equal_data = 0, equal_scores = 0;
  for (std::size_t j = 1; j < values.size(); ++j) {
    if (values[j] == values[j - 1]) continue;
    const auto score = [&](double x) { return precision.rounded((x - mean) / deviation); };
    const double left = precision.rounded(values[j - 1]), right = precision.rounded(values[j]);
    ++pairs;
    equal_data += Index(left == right);
    equal_scores += Index(score(left) == score(right));
  }
  if (pairs == 0 || 2 * equal_scores < pairs) return;
  const std::string share = message({equal_scores, " of ", pairs, " neighbouring numbers"});
  if (2 * equal_data >= pairs)
    throw DataError(message(
        {what, ": of component ", i, " of the data ", share, " are equal in ", precision.name(), ": ", double_data}));
  const FarSample far = farthest();
  throw DataError({what, ": component ", i, " of sample ", far.sample, " of the data is ", far.value,
                   ", so far from the others that ", share, " are equal in ", precision.name(),
                   " once standardised; leave the sample out, or take logarithms first: Chain(log, "
                   "Standardize(transformed(log, X)))"});
}

/// The same for each component of X (d × n).
template <class = void>
[[gnu::cold]] inline void require_told_apart(const std::string& what, const Batch<double>& X,
                                             const ComponentSpread& spread, Precision precision) {
  const Index stride = stride_of_neighbours(X.cols());
  std::vector<double> values(std::size_t((X.cols() + stride - 1) / stride));
  for (Index i = 0; i < X.rows(); ++i) {
    for (std::size_t j = 0; j < values.size(); ++j) values[j] = X(i, Index(j) * stride);
    require_told_apart(what, i, values, spread.mean(i), spread.deviation(i), precision, [&] {
      Index farthest = 0;
      for (Index j = 1; j < X.cols(); ++j)
        if (std::abs(spread.scores(i, j)) > std::abs(spread.scores(i, farthest))) farthest = j;
      return FarSample{farthest, X(i, farthest)};
    });
  }
}

/// Means and deviations to standardise with.
/// \throws DataError as the two functions before it.
template <class = void>
[[nodiscard, gnu::cold]] inline ComponentSpread standard_spread(const std::string& what, const Batch<double>& X,
                                                                Precision precision) {
  ComponentSpread spread = spread_of(what, X, precision);
  require_told_apart(what, X, spread, precision);
  return spread;
}

template <class = void>
[[nodiscard]] inline ComponentSpread known_spread(const Vector<double>& mean, const Vector<double>& deviation) {
  require_rows("Standardize: deviation", deviation.size(), mean.size());
  require_parameter("Standardize: mean", mean);
  require_parameter("Standardize: deviation", deviation, true);
  return {mean, deviation, {}};
}

}  // namespace pathline::detail
