/// \file
/// Observed paths: what a neural ODE is trained on.
///
///     std::vector<Sequence<double>> paths;
///     paths.push_back({.times = {0, 0.4, 1.1}, .states = observed});  // d × 3, NaN where nothing was observed
///
/// Each sequence has times of its own, as many as it likes, and its own start. docs/maths.md, (6.5).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// One observed path. It starts at times[0].
template <Real Scalar>
struct Sequence {
  std::vector<double> times;  ///< Increasing, m of them, in the field's unit of time.
  Batch<Scalar> states;       ///< d × m: column k is what was observed at times[k], NaN where an entry was not.
  Vector<Scalar> initial{};   ///< State at times[0], d. None: states.col(0), which then must be complete.
  Vector<Scalar> context{};   ///< c, for a field that reads context beside time.

  /// The first column that counts in a loss: an observation that serves as the initial state is met by every model.
  [[nodiscard]] Index first_scored() const { return initial.size() == 0 ? 1 : 0; }
  /// Entries that count in a loss.
  [[nodiscard]] Index observed() const {
    Index count = 0;
    for (Index k = first_scored(); k < states.cols(); ++k)
      for (Index i = 0; i < states.rows(); ++i) count += std::isnan(states(i, k)) ? 0 : 1;
    return count;
  }
};

namespace detail {

/// Calls visit(i, k) for each entry that counts in a loss.
template <Real Scalar, class Visit>
void for_each_observed(const Sequence<Scalar>& sequence, const Visit& visit) {
  for (Index k = sequence.first_scored(); k < sequence.states.cols(); ++k)
    for (Index i = 0; i < sequence.states.rows(); ++i)
      if (!std::isnan(sequence.states(i, k))) visit(i, k);
}

/// The mean square of prediction (d × m) minus observation over the entries that count; 0 where there are none.
template <Real Scalar>
[[nodiscard]] double mean_square(const Sequence<Scalar>& sequence, const Batch<Scalar>& prediction) {
  double sum = 0;
  for_each_observed(sequence, [&](Index i, Index k) {
    const double residual = double(prediction(i, k) - sequence.states(i, k));
    sum += residual * residual;
  });
  const Index observed = sequence.observed();
  return observed == 0 ? 0 : sum / double(observed);
}

[[nodiscard]] inline std::string sequence_name(const std::string& front, Index number) {
  return front + ": sequence " + std::to_string(number);
}

/// \throws ArgumentError unless there are times and they increase.
inline void require_sequence_times(const char* front, Index number, const std::vector<double>& times) {
  if (times.empty()) throw ArgumentError(sequence_name(front, number) + ": times", "empty", "at least one");
  for (std::size_t k = 0; k < times.size(); ++k) {
    const bool holds = std::isfinite(times[k]) && (k == 0 || times[k] > times[k - 1]);
    if (!holds)
      throw ArgumentError(sequence_name(front, number) + ": times[" + std::to_string(k) + "]", times[k],
                          k == 0 ? "a finite number"
                                 : "a finite number above times[" + std::to_string(k - 1) + "], which is " +
                                       detail::number(times[k - 1]));
  }
}

/// \throws ShapeError unless a vector has this many entries; DataError when one is not finite.
template <Real Scalar>
void require_sequence_vector(const std::string& what, const Vector<Scalar>& vector, Index expected) {
  if (vector.size() != expected) throw ShapeError(what, "rows", vector.size(), expected);
  for (Index i = 0; i < expected; ++i)
    if (!std::isfinite(vector(i)))
      throw DataError({what, " is ", double(vector(i)), " at component ", i, ", expected a finite number"});
}

/// \param d, c  Rows of the state, and of the context that the field reads.
/// \throws ArgumentError, ShapeError or DataError, with the number of the sequence.
template <Real Scalar>
void require_sequence(const char* front, Index number, const Sequence<Scalar>& sequence, Index d, Index c) {
  require_sequence_times(front, number, sequence.times);
  const std::string name = sequence_name(front, number);
  const Batch<Scalar>& Y = sequence.states;
  if (Y.rows() != d)
    throw ShapeError(name + ": states", "rows", Y.rows(), d, Y.cols() == d ? "they have a column for each time" : "");
  if (Y.cols() != Index(sequence.times.size()))
    throw ShapeError(name + ": states", "columns", Y.cols(), Index(sequence.times.size()), "one for each time");
  for (Index k = 0; k < Y.cols(); ++k)
    for (Index i = 0; i < d; ++i)
      if (std::isinf(Y(i, k)))
        throw DataError({name, ": states is ", double(Y(i, k)), " at component ", i, " of time ", k,
                         ", expected a finite number, or NaN where nothing was observed"});
  if (sequence.initial.size() > 0) {
    require_sequence_vector(name + ": initial", sequence.initial, d);
  } else {
    for (Index i = 0; i < d; ++i)
      if (std::isnan(Y(i, 0)))
        throw DataError({name, " starts at its first observation, whose component ", i,
                         " is missing; give `initial`, the state at times[0]"});
  }
  require_sequence_vector(name + ": context", sequence.context, c);
}

template <Real Scalar>
void require_sequences(const char* front, std::span<const Sequence<Scalar>> sequences, Index d, Index c) {
  if (sequences.empty()) throw DataError({std::string(front), ": there is no sequence"});
  for (std::size_t j = 0; j < sequences.size(); ++j) require_sequence(front, Index(j), sequences[j], d, c);
}

/// \throws DataError where none is chosen; ArgumentError for a number that is none; ShapeError for weights of another
///         length.
inline void require_chosen_sequences(const char* front, std::size_t count, std::span<const Index> which,
                                     Index weights) {
  if (which.empty()) throw DataError({std::string(front), ": there is no sequence"});
  for (const Index j : which)
    if (j < 0 || j >= Index(count))
      throw ArgumentError(std::string(front) + ": number of a sequence", j, "0 to " + std::to_string(Index(count) - 1));
  if (weights > 0 && weights != Index(which.size()))
    throw ShapeError(std::string(front) + ": weights", "rows", weights, Index(which.size()));
}

/// The times at which one solve of several sequences is wanted. Where they start at different times, the solve runs in
/// the time since the start of each.
struct SequenceTimes {
  std::vector<double> starts;      ///< Of each sequence where they differ; else empty.
  std::vector<double> times;       ///< Increasing; the first is the start.
  std::vector<std::size_t> at;     ///< Positions in `times` of the times of the first sequence, then of the second, …
  std::vector<std::size_t> first;  ///< Where those of each sequence begin in `at`.

  /// \param count    Number of sequences. \param times_of  The times of the j-th of them.
  template <class TimesOf>
  void set(std::size_t count, const TimesOf& times_of) {
    starts.clear();
    times.clear();
    at.clear();
    first.clear();
    bool one_start = true;
    for (std::size_t j = 1; j < count; ++j) one_start = one_start && times_of(j).front() == times_of(0).front();
    if (!one_start)
      for (std::size_t j = 0; j < count; ++j) starts.push_back(times_of(j).front());
    const auto since = [&](std::size_t j, double t) { return one_start ? t : t - starts[j]; };
    double largest = 0;
    for (std::size_t j = 0; j < count; ++j)
      for (const double t : times_of(j)) {
        times.push_back(since(j, t));
        largest = std::max(largest, std::abs(t));
      }
    std::sort(times.begin(), times.end());
    // Differences of times round: what lies closer than that is one time.
    const double rounding = one_start ? 0 : 4 * std::numeric_limits<double>::epsilon() * largest;
    std::size_t kept = 1;
    for (std::size_t i = 1; i < times.size(); ++i)
      if (times[i] - times[kept - 1] > rounding) times[kept++] = times[i];
    times.resize(kept);
    for (std::size_t j = 0; j < count; ++j) {
      first.push_back(at.size());
      for (const double t : times_of(j)) {
        const auto after = std::upper_bound(times.begin(), times.end(), since(j, t));
        at.push_back(std::size_t(after - times.begin()) - 1);
      }
    }
  }
};

}  // namespace detail
}  // namespace pathline
