/// \file
/// Products with a small matrix, A B, A Bᵀ and Aᵀ B, that read their factors where they lie.
///
/// A general product copies its factors into an order of its own first, which pays off only when each entry is used
/// often enough. For a layer of 32 rows the copies cost as much as the arithmetic: here tiles of C stay in registers
/// while packs of A's columns meet single entries of B. Above `small_product_limit` Eigen's product is the faster.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/pack.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace pathline {

/// Most entries of the small matrix, A of A B and C of A Bᵀ; where there are more, the product is left to Eigen.
inline constexpr Index small_product_limit = 64 * 64;

namespace detail {

/// A as it lies, column by column, and the entry B(k, j) at b + k · b_row + j · b_column: B or its transpose.
template <Real Scalar>
struct ProductFactors {
  bool add;  // C += A B, or C = A B
  const Scalar* a;
  Index a_column;
  const Scalar* b;
  Index b_row, b_column;
};

/// One tile of C: Height packs by Width columns, held in registers. P is a pack, or a scalar for what is left of
/// the rows. Expansions and not loops, which -O2 would not unroll.
template <class P, std::size_t... Height, std::size_t... Width, Real Scalar>
EIGEN_ALWAYS_INLINE void product_tile(std::index_sequence<Height...>, std::index_sequence<Width...>, Index depth,
                                      const ProductFactors<Scalar>& f, Scalar* c, Index c_column) {
  constexpr std::size_t height = sizeof...(Height);
  constexpr Index size = Index(sizeof(P) / sizeof(Scalar));
  using At = Access<P>;
  const auto column_of_tile = [&](auto) { return std::array<P, height>{(void(Height), P(Scalar(0)))...}; };
  std::array<std::array<P, height>, sizeof...(Width)> sum{column_of_tile(Width)...};
  const Scalar *a = f.a, *b = f.b;
  for (Index k = 0; k < depth; ++k, a += f.a_column, b += f.b_row) {
    const std::array<P, height> rows{At::load(a + Index(Height) * size)...};
    const auto add = [&](std::array<P, height>& column, Scalar factor) {
      const P both(factor);
      ((column[Height] = madd(rows[Height], both, column[Height])), ...);
    };
    (add(sum[Width], b[Index(Width) * f.b_column]), ...);
  }
  const auto store = [&](const std::array<P, height>& column, Scalar* at) {
    if (f.add)
      (At::add(column[Height], at + Index(Height) * size), ...);
    else
      (At::store(column[Height], at + Index(Height) * size), ...);
  };
  (store(sum[Width], c + Index(Width) * c_column), ...);
}

/// Width columns of C, from the first row to the last.
template <std::size_t Width, Real Scalar>
EIGEN_DONT_INLINE void product_columns(Index rows, Index depth, const ProductFactors<Scalar>& f, Scalar* c,
                                       Index c_column) {
  constexpr Index size = Pack<Scalar>::size;
  constexpr auto width = std::make_index_sequence<Width>{};
  constexpr auto pair = std::make_index_sequence<2>{};
  constexpr auto single = std::make_index_sequence<1>{};
  const auto from = [&](Index row) {
    return ProductFactors<Scalar>{f.add, f.a + row, f.a_column, f.b, f.b_row, f.b_column};
  };
  Index row = 0;
  for (; row + 2 * size <= rows; row += 2 * size)
    product_tile<Pack<Scalar>>(pair, width, depth, from(row), c + row, c_column);
  for (; row + size <= rows; row += size)
    product_tile<Pack<Scalar>>(single, width, depth, from(row), c + row, c_column);
  for (; row < rows; ++row) product_tile<Scalar>(single, width, depth, from(row), c + row, c_column);
}

/// C += A B or C = A B. Columns outside, rows inside: the small matrix stays in the first cache, a column of B is read
/// once.
template <Real Scalar>
void small_product(Index rows, Index depth, Index columns, ProductFactors<Scalar> f, Scalar* c, Index c_column) {
  constexpr Index width = 6;  // with two packs a column 12 sums, 2 packs of A and one entry of B: AVX2's 16 registers
  for (; columns >= width; columns -= width, f.b += width * f.b_column, c += width * c_column)
    product_columns<width>(rows, depth, f, c, c_column);
  switch (columns) {
    case 5:
      return product_columns<5>(rows, depth, f, c, c_column);
    case 4:
      return product_columns<4>(rows, depth, f, c, c_column);
    case 3:
      return product_columns<3>(rows, depth, f, c, c_column);
    case 2:
      return product_columns<2>(rows, depth, f, c, c_column);
    case 1:
      return product_columns<1>(rows, depth, f, c, c_column);
    default:
      return;
  }
}

}  // namespace detail

/// C += A B; C overlaps neither factor. Allocates nothing while A is small. A single column is left to Eigen's product
/// with a vector, which has nothing to pack either.
template <Real Scalar>
void add_product(ConstBatchRef<Scalar> A, ConstBatchRef<Scalar> B, BatchRef<Scalar> C) {
  eigen_assert(A.cols() == B.rows() && C.rows() == A.rows() && C.cols() == B.cols());
  if (B.cols() == 1)
    C.col(0).noalias() += A * B.col(0);
  else if (A.size() > small_product_limit)
    C.noalias() += A * B;
  else
    detail::small_product<Scalar>(A.rows(), A.cols(), B.cols(),
                                  {true, A.data(), A.outerStride(), B.data(), 1, B.outerStride()}, C.data(),
                                  C.outerStride());
}

/// C = A B, as add_product.
template <Real Scalar>
void set_product(ConstBatchRef<Scalar> A, ConstBatchRef<Scalar> B, BatchRef<Scalar> C) {
  eigen_assert(A.cols() == B.rows() && C.rows() == A.rows() && C.cols() == B.cols());
  if (B.cols() == 1)
    C.col(0).noalias() = A * B.col(0);
  else if (A.size() > small_product_limit)
    C.noalias() = A * B;
  else
    detail::small_product<Scalar>(A.rows(), A.cols(), B.cols(),
                                  {false, A.data(), A.outerStride(), B.data(), 1, B.outerStride()}, C.data(),
                                  C.outerStride());
}

/// C += Aᵀ B; C overlaps neither factor. Where A has few columns each entry of C is a scalar product of two columns.
/// Allocates nothing while A is small.
template <Real Scalar>
void add_transposed_product(ConstBatchRef<Scalar> A, ConstBatchRef<Scalar> B, BatchRef<Scalar> C) {
  constexpr Index few = 8;
  eigen_assert(A.rows() == B.rows() && C.rows() == A.cols() && C.cols() == B.cols());
  if (A.cols() > few) {
    C.noalias() += A.transpose() * B;
    return;
  }
  for (Index j = 0; j < B.cols(); ++j)
    for (Index i = 0; i < A.cols(); ++i) {
      const Scalar *a = A.col(i).data(), *b = B.col(j).data();
      C(i, j) += detail::sum_packs<Scalar>(
          A.rows(), [&](auto lanes, Index row) { return lanes.load(a + row) * lanes.load(b + row); });
    }
}

/// C += A Bᵀ, a sum over samples; C overlaps neither factor. Allocates nothing while C is small.
template <Real Scalar>
void add_outer_product(ConstBatchRef<Scalar> A, ConstBatchRef<Scalar> B, BatchRef<Scalar> C) {
  constexpr Index block = 64;  // columns of A and B that stay in the first cache while all tiles of C read them
  eigen_assert(A.cols() == B.cols() && C.rows() == A.rows() && C.cols() == B.rows());
  if (C.size() > small_product_limit)
    C.noalias() += A * B.transpose();
  else
    for (Index k = 0; k < A.cols(); k += block)
      detail::small_product<Scalar>(
          A.rows(), std::min(block, A.cols() - k), B.rows(),
          {true, A.data() + k * A.outerStride(), A.outerStride(), B.data() + k * B.outerStride(), B.outerStride(), 1},
          C.data(), C.outerStride());
}

}  // namespace pathline
