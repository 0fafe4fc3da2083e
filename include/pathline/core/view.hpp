/// \file
/// The operand of the library's own loops: a matrix in memory that another object owns.
///
/// Eigen has a type for each way to look at a matrix (`Block`, `Map`, `Ref`, and blocks of them), and a compiler makes
/// its code anew for each combination of them. A `View` is one type for them all: a loop over views is compiled once a
/// scalar, and so is the conversion to the `Ref` of a public function.
#pragma once

#include <pathline/core/types.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace pathline {

/// rows × cols scalars, column after column, `stride` apart; as cheap to copy as a pointer. `View<const Scalar>` does
/// not write. Its slices are named as Eigen's and are views again.
///
/// Any matrix, map, `Ref` or block with contiguous columns converts to it, and a row as one with columns of one entry.
/// It converts to `BatchRef`, `VectorRef`, `RowRef` and their constant kinds. It owns nothing: what it looks at
/// outlives it.
///
/// Functions that a compiler does not inline take it by `const View&`: by value its 32 bytes go to the stack, written
/// in other pieces than they are read, and the processor waits (1.2 of 9.2 us in a solve of one sample).
template <class T>
class View {
  static constexpr bool writes = !std::is_const_v<T>;
  template <class Matrix>
  using Map = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
  template <class Dense>
  static constexpr bool is_row = Dense::RowsAtCompileTime == 1 && Dense::ColsAtCompileTime != 1;
  template <class Dense>
  static constexpr bool has_columns = is_row<Dense> || (!Dense::IsRowMajor && Dense::InnerStrideAtCompileTime == 1);

 public:
  using Scalar = std::remove_const_t<T>;

  View(T* data, Index rows, Index cols, Index stride) : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  View(T* data, Index rows, Index cols) : View(data, rows, cols, rows) {}
  /// One column.
  View(std::span<T> column) : View(column.data(), Index(column.size()), 1) {}  // NOLINT(google-explicit-constructor)
  /// A matrix, map, `Ref` or block. A transposed or row-major matrix must be copied first.
  template <class Dense>
  requires requires(Dense& X) {
    { X.data() } -> std::convertible_to<T*>;
    X.innerStride();
    requires has_columns<std::remove_cvref_t<Dense>>;
  }
  View(Dense&& X) : data_(X.data()), rows_(X.rows()), cols_(X.cols()) {  // NOLINT(google-explicit-constructor)
    using Matrix = std::remove_cvref_t<Dense>;
    stride_ = is_row<Matrix> ? X.innerStride() : Matrix::ColsAtCompileTime == 1 ? rows_ : X.outerStride();
  }
  /// A view that writes, as one that does not.
  template <class Other>
  requires(std::same_as<const Other, T>) View(const View<Other>& other)  // NOLINT(google-explicit-constructor)
      : View(other.data(), other.rows(), other.cols(), other.stride()) {}

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] Index rows() const noexcept { return rows_; }
  [[nodiscard]] Index cols() const noexcept { return cols_; }
  [[nodiscard]] Index size() const noexcept { return rows_ * cols_; }
  /// Scalars from a column to the next.
  [[nodiscard]] Index stride() const noexcept { return stride_; }
  /// Whether its columns are one run of scalars.
  [[nodiscard]] bool contiguous() const noexcept { return stride_ == rows_ || cols_ <= 1; }
  [[nodiscard]] T& operator()(Index i, Index j) const noexcept {
    eigen_assert(within(i, rows_) && within(j, cols_));
    return data_[i + j * stride_];
  }
  /// Entry i of a column.
  [[nodiscard]] T& operator()(Index i) const noexcept {
    eigen_assert(within(i, rows_) && cols_ == 1);
    return data_[i];
  }
  [[nodiscard]] T& operator[](Index i) const noexcept { return (*this)(i); }

  [[nodiscard]] View block(Index i, Index j, Index rows, Index cols) const noexcept {
    eigen_assert(within(i, rows, rows_) && within(j, cols, cols_));
    return {data_ + i + j * stride_, rows, cols, stride_};
  }
  [[nodiscard]] View middleCols(Index j, Index n) const noexcept {
    eigen_assert(within(j, n, cols_));
    return {data_ + j * stride_, rows_, n, stride_};
  }
  [[nodiscard]] View leftCols(Index n) const noexcept { return middleCols(0, n); }
  [[nodiscard]] View rightCols(Index n) const noexcept { return middleCols(cols_ - n, n); }
  [[nodiscard]] View col(Index j) const noexcept { return middleCols(j, 1); }
  [[nodiscard]] View middleRows(Index i, Index n) const noexcept {
    eigen_assert(within(i, n, rows_));
    return {data_ + i, n, cols_, stride_};
  }
  [[nodiscard]] View topRows(Index n) const noexcept { return middleRows(0, n); }
  [[nodiscard]] View bottomRows(Index n) const noexcept { return middleRows(rows_ - n, n); }
  [[nodiscard]] View row(Index i) const noexcept { return middleRows(i, 1); }
  // The parts of a vector of parameters.
  [[nodiscard]] View segment(Index i, Index n) const noexcept { return middleRows(i, n); }
  [[nodiscard]] View head(Index n) const noexcept { return topRows(n); }
  [[nodiscard]] View tail(Index n) const noexcept { return bottomRows(n); }

  /// What it looks at as a matrix of Eigen.
  [[nodiscard]] auto map() const {
    return Map<std::conditional_t<writes, Batch<Scalar>, const Batch<Scalar>>>(data_, rows_, cols_,
                                                                               Eigen::OuterStride<>(stride_));
  }
  /// A column as a vector of Eigen.
  [[nodiscard]] auto vector() const {
    eigen_assert(cols_ == 1);
    return Eigen::Map<std::conditional_t<writes, Vector<Scalar>, const Vector<Scalar>>>(data_, rows_);
  }

  // What the aliases of core/types.hpp refer to. A reference that does not write is made by a map that does not: Eigen
  // compiles a copy for each kind that it may be made of.
  // NOLINTBEGIN(google-explicit-constructor)
  operator Eigen::Ref<Batch<Scalar>>() const requires writes { return map(); }
  operator Eigen::Ref<Vector<Scalar>>() const requires writes { return vector(); }
  operator Eigen::Ref<Row<Scalar>, 0, Eigen::InnerStride<>>() const requires writes { return as_row<Row<Scalar>>(); }
  operator Eigen::Ref<const Batch<Scalar>>() const { return View<const Scalar>(*this).map(); }
  operator Eigen::Ref<const Vector<Scalar>>() const { return View<const Scalar>(*this).vector(); }
  operator Eigen::Ref<const Row<Scalar>, 0, Eigen::InnerStride<>>() const { return as_row<const Row<Scalar>>(); }
  // NOLINTEND(google-explicit-constructor)

 private:
  template <class Matrix>
  [[nodiscard]] auto as_row() const {
    eigen_assert(rows_ == 1);
    return Eigen::Map<Matrix, 0, Eigen::InnerStride<>>(data_, cols_, Eigen::InnerStride<>(stride_));
  }

  // Whether i, or n from i on, are among `count`: a comparison each, for there are many slices.
  [[nodiscard]] static bool within(Index i, Index count) noexcept { return std::size_t(i) < std::size_t(count); }
  [[nodiscard]] static bool within(Index i, Index n, Index count) noexcept {
    return std::size_t(i) <= std::size_t(count) && std::size_t(n) <= std::size_t(count) - std::size_t(i);
  }

  T* data_;
  Index rows_, cols_, stride_;
};

}  // namespace pathline
