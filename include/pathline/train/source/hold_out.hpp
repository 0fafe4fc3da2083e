/// \file
/// Rows to train on and rows to validate with, of more rows than memory holds: one at random of each stratum of
/// neighbours, so that no list of rows is kept and training rows are still read in runs.
///
///     const auto [rest, held_out] = hold_out(rows, 10'000, rng);
///     fit(flow, ShuffledSource(rest), all_of(held_out), {.epochs = 10}, rng);
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/source/row_set.hpp>

#include <algorithm>
#include <cstdint>

namespace pathline {
namespace detail {

/// h strata of n rows, as equal as whole numbers can be: stratum q has the rows ⌊q n / h⌋, …, ⌊(q + 1) n / h⌋ - 1.
class Strata {
 public:
  Strata(Index rows, Index strata, const Draw& draw) : rows_(rows), strata_(strata), draw_(draw) {}

  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index count() const { return strata_; }
  [[nodiscard]] Index first(Index q) const { return q * (rows_ / strata_) + q * (rows_ % strata_) / strata_; }
  /// The row of stratum q that is held out.
  [[nodiscard]] Index held_out(Index q) const {
    return first(q) + Index(below(draw_, std::uint64_t(first(q + 1) - first(q)), q));
  }
  /// The stratum of the i-th row that is not.
  [[nodiscard]] Index stratum_of_rest(Index i) const {
    Index q = std::min(strata_ - 1, Index(double(i) * double(strata_) / double(rows_ - strata_)));
    while (q > 0 && first(q) - q > i) --q;  // at most a step or two: the quotient is rounded, and so are the strata
    while (q + 1 < strata_ && first(q + 1) - (q + 1) <= i) ++q;
    return q;
  }
  /// The i-th row that is not held out, whose stratum is q.
  [[nodiscard]] Index rest(Index i, Index q) const {
    const Index row = i + q;
    return row < held_out(q) ? row : row + 1;
  }

 private:
  Index rows_, strata_;
  Draw draw_;
};

}  // namespace detail

/// One row of each stratum: a RowSet.
template <class Rows>
class HeldOutRows {
 public:
  using Scalar = typename Rows::Scalar;
  HeldOutRows(const Rows& rows, const detail::Strata& strata) : rows_(&rows), strata_(strata) {}

  [[nodiscard]] Index dim() const { return rows_->dim(); }
  [[nodiscard]] Index size() const { return strata_.count(); }
  [[nodiscard]] Index number_of(Index i) const { return detail::number_in_data(*rows_, strata_.held_out(i)); }
  void read(Index first, BatchRef<Scalar> X) const {
    for (Index j = 0; j < X.cols(); ++j) rows_->read(strata_.held_out(first + j), X.middleCols(j, 1));
  }

 private:
  const Rows* rows_;
  detail::Strata strata_;
};

/// All others, in their order: a RowSet.
template <class Rows>
class RestOfRows {
 public:
  using Scalar = typename Rows::Scalar;
  RestOfRows(const Rows& rows, const detail::Strata& strata) : rows_(&rows), strata_(strata) {}

  [[nodiscard]] Index dim() const { return rows_->dim(); }
  [[nodiscard]] Index size() const { return strata_.rows() - strata_.count(); }
  [[nodiscard]] Index number_of(Index i) const { return detail::number_in_data(*rows_, row(i)); }
  [[nodiscard]] const Scalar* column(Index i) const requires requires(const Rows& one) { one.column(i); }
  { return rows_->column(row(i)); }
  /// In runs between the rows that are held out.
  void read(Index first, BatchRef<Scalar> X) const {
    for (Index j = 0; j < X.cols();) {
      const Index q = strata_.stratum_of_rest(first + j), start = strata_.rest(first + j, q);
      const Index held_out = strata_.held_out(q), end = start < held_out ? held_out : strata_.first(q + 1);
      // After a held-out row the run goes on to that of the next stratum.
      const Index stop = start < held_out || q + 1 == strata_.count() ? end : strata_.held_out(q + 1);
      const Index count = std::min(stop - start, X.cols() - j);
      rows_->read(start, X.middleCols(j, count));
      j += count;
    }
  }

 private:
  [[nodiscard]] Index row(Index i) const { return strata_.rest(i, strata_.stratum_of_rest(i)); }

  const Rows* rows_;
  detail::Strata strata_;
};

/// What `hold_out` makes. Refers to the rows, which outlive it.
template <class Rows>
struct RowParts {
  RestOfRows<Rows> rest;
  HeldOutRows<Rows> held_out;
};

/// Holds out `count` of n rows: one of each of `count` runs of neighbours, all of them with equal probability (to one
/// row in the length of a run). Of rows that are sorted this is a stratified sample, of others a random one.
/// \throws ArgumentError unless 1 <= count <= n / 2; for larger parts exchange the two. DataError for fewer than 2
///         rows.
template <class Rows>
[[nodiscard]] auto hold_out(const Rows& rows, Index count, Rng& rng) {
  static_assert(RowSet<Rows>, "hold_out: the rows need Scalar, dim(), size() and read(first, X)");
  if constexpr (RowSet<Rows>) {
    const Index n = rows.size();
    if (n < 2)
      throw DataError({"hold_out: data has ", n, n == 1 ? " row" : " rows",
                       ", expected at least 2, one to hold out and one to train on"});
    if (count < 1 || count > n / 2)
      throw ArgumentError("hold_out: count", count, detail::message({"from 1 to ", n / 2, ", half of the rows"}));
    const detail::Strata strata(n, count, rng.draw());
    return RowParts<Rows>{RestOfRows<Rows>(rows, strata), HeldOutRows<Rows>(rows, strata)};
  }
}
template <class Rows>
auto hold_out(const Rows&& rows, Index count, Rng& rng) = delete;

}  // namespace pathline
