/// \file
/// What pathline throws. Every message says where, what was got, what was expected and, where it is known, what can be
/// done. Input is checked at the door, before anything is changed; inside loops there are only `eigen_assert`s.
#pragma once

#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>

#include <concepts>
#include <cstdio>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pathline {

namespace detail {

/// A number in a message: nine digits, whatever its size.
[[gnu::cold]] inline std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

}  // namespace detail

/// Base of all that pathline throws.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  /// A message of parts: `throw DataError({what, " is empty"})` makes no string where it stands.
  [[gnu::cold]] explicit Error(std::initializer_list<detail::MessagePart> parts)
      : std::runtime_error(detail::message(parts)) {}
};

/// An argument outside of what a function accepts: `fit: learning_rate is -1, expected a positive number`.
struct ArgumentError : Error {
  /// Texts, or numbers as they are.
  [[gnu::cold]] ArgumentError(const detail::MessagePart& what, const detail::MessagePart& got,
                              const detail::MessagePart& expected)
      : Error({what, " is ", got, ", expected ", expected}) {}
};

/// A matrix of the wrong shape: `Cnf::log_prob: data has 3 rows, expected 2`. `advice`, where there is any, follows
/// after a semicolon.
struct ShapeError : Error {
  [[gnu::cold]] ShapeError(const detail::MessagePart& what, std::string_view kind, Index got_count,
                           Index expected_count, std::string_view advice = "")
      : Error({what, " has ", got_count, " ", kind, ", expected ", expected_count, advice.empty() ? "" : "; ", advice}),
        got(got_count),
        expected(expected_count) {}
  Index got, expected;
};

/// Data that cannot be used: empty, not finite, a constant column, text where a number should stand.
struct DataError : Error {
  using Error::Error;
};

/// A file that cannot be opened, read or written. Nothing is half-written when it is thrown.
struct FileError : Error {
  using Error::Error;
};

namespace detail {

/// Apart from its callers, which are many and compiled into many more.
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_count(const char* what, const char* kind, Index count,
                                                                Index expected) {
  throw ShapeError(what, kind, count, expected);
}

}  // namespace detail

/// Throws ShapeError unless `rows == expected`.
inline void require_rows(const char* what, Index rows, Index expected) {
  if (rows != expected) detail::refuse_count(what, "rows", rows, expected);
}

/// Throws ShapeError unless `columns == expected`.
inline void require_columns(const char* what, Index columns, Index expected) {
  if (columns != expected) detail::refuse_count(what, "columns", columns, expected);
}

/// Throws ShapeError unless a batch of `rows` × `columns` has `expected` rows, and advises to transpose one that was
/// given with a row per sample.
[[gnu::noinline]] inline void require_batch_rows(const char* what, Index rows, Index columns, Index expected) {
  if (rows == expected) return;
  const bool a_row_per_sample = columns == expected || (rows > columns && columns > 1);
  throw ShapeError(
      what, "rows", rows, expected,
      a_row_per_sample ? "a batch has a column per sample: data with a row per sample need transpose()" : "");
}

namespace detail {

template <Real Scalar>
void require_finite_entries(const char* what, View<const Scalar> X) {
  if (X.size() == 0) throw DataError({what, " is empty, expected at least one sample and one component"});
  for (Index j = 0; j < X.cols(); ++j)
    for (Index i = 0; i < X.rows(); ++i)
      if (!(X(i, j) - X(i, j) == 0))
        throw DataError(message(
            {what, " is ", double(X(i, j)), " at component ", i, " of sample ", j, ", expected a finite number"}));
}

}  // namespace detail

/// Throws DataError when a batch is empty or holds a NaN or an infinity; names the first sample and component.
template <class Derived>
void require_finite(const char* what, const Eigen::MatrixBase<Derived>& X) {
  using Scalar = typename Derived::Scalar;
  if constexpr (std::constructible_from<View<const Scalar>, const Derived&>) {
    detail::require_finite_entries<Scalar>(what, X.derived());
  } else {
    const Batch<Scalar> values = X;
    detail::require_finite_entries<Scalar>(what, values);
  }
}

}  // namespace pathline
