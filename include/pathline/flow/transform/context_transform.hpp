/// \file
/// Context transforms: maps of raw context to what a conditional field reads beside time. A density of x given c does
/// not change when c is written in other units, so they have no log-determinant.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/component_spread.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace pathline {

/// - `check(c)`: throws ShapeError unless the transform fits c rows of context.
/// - `apply(C, S)`: raw context C (c × n) to S (c × n).
/// - `pullback(C, S_bar)`: turns the cotangent of S at raw context C into that of C, in place.
///
/// The last two map each column by itself, run in every training iteration, and allocate nothing.
template <class T, class Scalar = double>
concept ContextTransform = requires(const T transform, const Batch<Scalar>& C, Batch<Scalar>& S, Index c) {
  transform.check(c);
  transform.apply(C, S);
  transform.apply(C.topRows(c), S);  // context is below the data in one batch
  transform.pullback(C.topRows(c), S);
};

/// The default: the field reads raw context. For context that is of order 1 already.
struct NoContextTransform {
  void check(Index /*c*/) const {}
  template <class C, class S>
  void apply(const C& raw, S&& read) const {
    read = raw;
  }
  template <class C, class S>
  void pullback(const C& /*raw*/, S&& /*read_bar*/) const {}
};

namespace detail {

/// Row i of a batch.
template <class = void>
[[nodiscard]] inline std::vector<double> component_of(const Batch<double>& X, Index i) {
  std::vector<double> result(std::size_t(X.cols()));
  for (std::size_t j = 0; j < result.size(); ++j) result[j] = X(i, Index(j));
  return result;
}
template <class = void>
[[nodiscard]] inline bool is_constant(const std::vector<double>& x) {
  for (const double number : x)
    if (!(number == x[0])) return false;
  return true;
}
template <class = void>
[[nodiscard]] inline bool is_indicator(const std::vector<double>& x) {
  for (const double number : x)
    if (!(number == 0 || number == 1)) return false;
  return true;
}

}  // namespace detail

/// (c - mean) / deviation, component by component; both are of the batch that it is made from, in double whatever the
/// scalar of the flow. Networks start as if their inputs were of order 1: years, metres or volts as they come saturate
/// them, and the flow learns the density of x alone.
///
///     Cnf flow(field, Standardize(X), StandardizeContext(C));   // the field reads side = 1 + c inputs
///
/// A component that is 0 or 1 everywhere, as in a one-hot code, is left as it is: a rare class would else become a
/// large number. A constant component becomes 0.
class StandardizeContext {
 public:
  /// \param context  c × n, raw: the training rows'.
  /// \throws DataError when it is empty, not finite, or of one sample only, when a component varies by little more than
  ///         the rounding of its scalar, or when some samples are so far out that half of all look alike beside them.
  template <class Derived>
  explicit StandardizeContext(const Eigen::MatrixBase<Derived>& context) {
    measure(context.template cast<double>(), double(std::numeric_limits<typename Derived::Scalar>::epsilon()));
  }

  /// From stored numbers, c each.
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite, or a deviation that is not
  ///         positive.
  template <class A, class B>
  StandardizeContext(const Eigen::MatrixBase<A>& mean, const Eigen::MatrixBase<B>& deviation)
      : mean_(detail::stored_numbers("StandardizeContext: mean", mean)),
        deviation_(detail::stored_numbers("StandardizeContext: deviation", deviation)) {
    require_rows("StandardizeContext: deviation", deviation_.size(), mean_.size());
    detail::require_parameter("StandardizeContext: mean", mean_);
    detail::require_parameter("StandardizeContext: deviation", deviation_, true);
  }

  /// c.
  [[nodiscard]] Index context_rows() const noexcept { return mean_.size(); }
  [[nodiscard]] const Vector<double>& mean() const noexcept { return mean_; }
  [[nodiscard]] const Vector<double>& deviation() const noexcept { return deviation_; }

  void check(Index c) const {
    if (c != mean_.size())
      throw ShapeError("StandardizeContext: the context that the field reads", "rows", c, mean_.size(),
                       detail::message({"give the field side = ", 1 + mean_.size(),
                                        " (time and context), and context a column per sample"}));
  }
  template <class C, class S>
  void apply(const C& raw, S&& read) const {
    using Scalar = typename C::Scalar;
    for (Index j = 0; j < raw.cols(); ++j)
      for (Index i = 0; i < raw.rows(); ++i) read(i, j) = Scalar((double(raw(i, j)) - mean_(i)) / deviation_(i));
  }
  template <class C, class S>
  void pullback(const C& /*raw*/, S&& read_bar) const {
    using Scalar = typename C::Scalar;
    for (Index j = 0; j < read_bar.cols(); ++j)
      for (Index i = 0; i < read_bar.rows(); ++i) read_bar(i, j) = Scalar(double(read_bar(i, j)) / deviation_(i));
  }

 private:
  /// \param epsilon  Of the scalar that the context was given in.
  template <class = void>
  void measure(const Eigen::MatrixXd& context, double epsilon) {
    require_finite("StandardizeContext: context", context);
    if (context.cols() < 2)
      throw DataError(
          "StandardizeContext: context has 1 sample, expected at least 2 to tell its spread, a column per sample: "
          "transpose() rows");
    mean_.resize(context.rows());
    deviation_.resize(context.rows());
    const detail::ComponentSpread spread = detail::moments_of(context);
    for (Index i = 0; i < context.rows(); ++i) measure_component(i, detail::component_of(context, i), spread, epsilon);
  }

  template <class = void>
  void measure_component(Index i, const std::vector<double>& raw, const detail::ComponentSpread& spread,
                         double epsilon) {
    const char* const of_context = "StandardizeContext: component ";
    mean_(i) = 0;
    deviation_(i) = 1;
    if (detail::is_indicator(raw)) return;
    mean_(i) = raw[0];
    if (detail::is_constant(raw)) return;
    mean_(i) = spread.mean(i);
    deviation_(i) = spread.deviation(i);
    double largest = 0;
    for (const double x : raw) largest = std::max(largest, std::abs(x));
    if (deviation_(i) < 32 * epsilon * largest)
      throw DataError({of_context, i, " of the context varies by ", deviation_(i), " around ", mean_(i),
                       ", where its numbers are rounded to ", epsilon * largest,
                       ": make it from double, and subtract an offset before a float flow takes it; leave out a "
                       "component that varies by rounding alone"});
    // Half of all samples are nearer to the median than this distance.
    std::vector<double> sorted = raw;
    const std::size_t middle = raw.size() / 2;
    const auto middle_of_sorted = [&] {
      std::sort(sorted.begin(), sorted.end());
      return sorted[middle];
    };
    const double median = middle_of_sorted();
    for (std::size_t j = 0; j < raw.size(); ++j) sorted[j] = std::abs(raw[j] - median);
    const double distance = middle_of_sorted();
    Index farthest = 0;
    for (Index j = 1; j < spread.scores.cols(); ++j)
      if (std::abs(spread.scores(i, j)) > std::abs(spread.scores(i, farthest))) farthest = j;
    if (distance > 0 && distance < 1e-3 * deviation_(i))
      throw DataError({of_context, i, " of the context is ", raw[std::size_t(farthest)], " at sample ", farthest,
                       ", while half of all samples are within ", distance, " of ", median,
                       ": beside it they look alike to the network; correct that sample, or take the component's "
                       "logarithm"});
  }

  Vector<double> mean_, deviation_;
};

/// Raw context C (c × n) as the field reads it: what to hand to a `NeuralOde`, which has no policies.
/// \throws ShapeError when the transform is of another number of rows.
template <class T, class Derived>
requires ContextTransform<T, typename Derived::Scalar>
[[nodiscard]] Batch<typename Derived::Scalar> transformed(const T& transform, const Eigen::MatrixBase<Derived>& C) {
  transform.check(C.rows());
  const Batch<typename Derived::Scalar> raw = C;
  Batch<typename Derived::Scalar> read(C.rows(), C.cols());
  transform.apply(raw, read);
  return read;
}

namespace detail {

/// What is doubtful about raw context (c × n) of a precision, and about what a field reads of it (c × n): a sentence
/// for each component that its scalar cannot resolve, or that is read far from order 1.
template <class = void>
[[nodiscard]] inline std::vector<std::string> context_warnings(const Eigen::MatrixXd& raw, Precision precision,
                                                               const Eigen::MatrixXd& read) {
  std::vector<std::string> warnings;
  if (read.size() == 0) return warnings;
  const ComponentSpread of_raw = moments_of(raw), of_read = moments_of(read);
  for (Index i = 0; i < read.rows(); ++i) {
    const double raw_mean = of_raw.mean(i), raw_deviation = of_raw.deviation(i);
    const double spacing = precision.spacing(raw_mean);
    if (raw_deviation < 64 * spacing && !is_constant(component_of(raw, i)))
      warnings.push_back(
          message({"component ", i, " of the context varies by ", raw_deviation, " around ", raw_mean, ", where ",
                   precision.name(), " numbers are ", spacing,
                   " apart: its digits are lost. Subtract an offset before it is rounded to ", precision.name()}));
    const std::vector<double> x = component_of(read, i);
    const double mean = of_read.mean(i), deviation = of_read.deviation(i);
    const bool constant = is_constant(x), indicator = is_indicator(x);
    // Negated, so that what overflows is far as well.
    const bool near = std::abs(mean) <= 10 && (constant || (deviation >= 0.1 && deviation <= 10));
    if (indicator || near) continue;
    warnings.push_back(message(
        {"the field reads component ", i, " of the context with mean ", mean, " and deviation ", deviation,
         ", and networks start as if inputs were of order 1: the flow may learn a density that ignores it. Give the "
         "flow StandardizeContext(C), made from the context of the training rows"}));
  }
  return warnings;
}

}  // namespace detail

}  // namespace pathline
