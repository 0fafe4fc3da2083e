/// \file
/// Rows of data that are read by their number, some neighbours at a time: in memory, in a file (io/npy_rows.hpp), or
/// whatever a function of the user's gives. A row of a table is a column of a batch here as everywhere.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/optimizer.hpp>

#include <algorithm>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

namespace pathline {

/// - `dim()`: d, the numbers of a row.
/// - `size()`: n, the rows.
/// - `read(first, X)`: overwrites X (d × m) with the rows first, …, first + m - 1, which are below n. The same rows
///   give the same numbers whenever they are read.
/// - `column(i)`, where all rows are in memory: a pointer to the d numbers of row i.
/// - `number_of(i)`, where row i has another number in the user's data: for messages.
template <class R>
concept RowSet = requires(const R& rows, Index i, Batch<typename R::Scalar>& X) {
  requires Real<typename R::Scalar>;
  { rows.dim() } -> std::convertible_to<Index>;
  { rows.size() } -> std::convertible_to<Index>;
  rows.read(i, BatchRef<typename R::Scalar>(X));
};

/// The columns of a batch, which outlives this.
template <Real S>
class RowsInMemory {
 public:
  using Scalar = S;
  explicit RowsInMemory(const Batch<Scalar>& X) : X_(X) {}
  explicit RowsInMemory(Batch<Scalar>&&) = delete;

  [[nodiscard]] Index dim() const noexcept { return X_.rows(); }
  [[nodiscard]] Index size() const noexcept { return X_.cols(); }
  [[nodiscard]] const Scalar* column(Index i) const { return X_.data() + i * X_.rows(); }
  void read(Index first, BatchRef<Scalar> X) const {
    for (Index j = 0; j < X.cols(); ++j) std::copy_n(column(first + j), dim(), &X.coeffRef(0, j));
  }

 private:
  const Batch<Scalar>& X_;
};
template <class Derived>
RowsInMemory(const Eigen::MatrixBase<Derived>&) -> RowsInMemory<typename Derived::Scalar>;

/// What a function gives for numbers of rows: a data base, a file of another kind, rows that are computed.
template <Real S, class Read>
class RowsByFunction {
  static_assert(std::is_invocable_v<const Read&, Index, BatchRef<S>>,
                "rows_by_function: the function is called as read(first, X), with a pathline::Index and a "
                "pathline::BatchRef of this scalar, whose columns it overwrites with the rows from the first on");

 public:
  using Scalar = S;
  RowsByFunction(Index dim, Index size, Read read) : dim_(dim), size_(size), read_(std::move(read)) {
    detail::require_setting(dim >= 1, "rows_by_function: dim", double(dim), "at least 1");
    detail::require_setting(size >= 1, "rows_by_function: size", double(size), "at least 1");
  }

  [[nodiscard]] Index dim() const noexcept { return dim_; }
  [[nodiscard]] Index size() const noexcept { return size_; }
  void read(Index first, BatchRef<Scalar> X) const {
    detail::fill<Scalar>(X, std::numeric_limits<Scalar>::quiet_NaN());  // what is not written is found
    read_(first, X);
  }

 private:
  Index dim_, size_;
  Read read_;
};

/// \param read  read(first, X) overwrites X (d × m) with the rows first, …, first + m - 1, always alike.
/// \throws ArgumentError unless there are components and rows.
template <Real Scalar, class Read>
[[nodiscard]] RowsByFunction<Scalar, Read> rows_by_function(Index dim, Index size, Read read) {
  return {dim, size, std::move(read)};
}

/// All of them as a batch, d × n: rows to validate with.
template <class Rows>
[[nodiscard]] auto all_of(const Rows& rows) {
  static_assert(RowSet<Rows>, "all_of: the rows need Scalar, dim(), size() and read(first, X)");
  if constexpr (RowSet<Rows>) {
    Batch<typename Rows::Scalar> X(rows.dim(), rows.size());
    rows.read(0, X);
    return X;
  }
}

namespace detail {

/// What stands for rows that are none, once an assertion has said so.
template <class Rows>
using RowsOrNone = std::conditional_t<RowSet<Rows>, Rows, RowsInMemory<double>>;

/// The number that row i has in the user's data.
template <class Rows>
[[nodiscard]] Index number_in_data([[maybe_unused]] const Rows& rows, Index i) {
  if constexpr (requires { rows.number_of(i); })
    return rows.number_of(i);
  else
    return i;
}

/// Throws DataError, which names the first number that is not finite, of rows first, … (d × m).
template <class Rows>
void require_finite_rows(const char* what, const Rows& rows, Index first, View<const typename Rows::Scalar> X) {
  using Scalar = typename Rows::Scalar;
  for (Index j = 0; j < X.cols(); ++j) {
    Scalar sum = 0;  // of zeros, unless one is not finite
    for (Index i = 0; i < X.rows(); ++i) sum += X(i, j) - X(i, j);
    if (sum == 0) continue;
    for (Index i = 0; i < X.rows(); ++i)
      if (!(X(i, j) - X(i, j) == 0))
        throw DataError(message({what, ": component ", i, " of row ", number_in_data(rows, first + j), " is ",
                                 double(X(i, j)), ", expected a finite number; leave the row out of the data"}));
  }
}

}  // namespace detail
}  // namespace pathline
