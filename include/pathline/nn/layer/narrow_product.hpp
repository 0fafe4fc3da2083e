/// \file
/// Products with a matrix of two or three rows, which the first and the last layer of a planar field have.
///
/// Eigen's matrix kernel works on panels of 24 × 4 (float, AVX); with two rows most of a panel is padding. A product
/// with a vector for each row is faster up to three rows: at 2 × 64 by 64 × 120 in float by 2.4 to 7, with four rows it
/// is even. Where the depth is whole packs all rows go in one pass, by the same sums. Which way is taken depends on the
/// layer's sizes alone, but for a single column, which is summed in another order.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/view_loops.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <utility>

namespace pathline::detail {

constexpr Index narrow_rows = 3;

#if defined(EIGEN_VECTORIZE_AVX) && (!defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_AVX512DQ))
/// The sums over the lanes of eight packs, in order: each adds halves, then halves of those, as `predux` does, and has
/// its bits; but two, four and eight packs share the additions. (Without AVX-512DQ `predux` adds quarters.)
[[nodiscard]] EIGEN_ALWAYS_INLINE __m256 sums_over_lanes(const std::array<Pack<float>, 8>& x) {
  const auto eight_lanes = [](const auto& packet) {
#if defined(EIGEN_VECTORIZE_AVX512)
    const __m512d bits = _mm512_castps_pd(packet);
    return _mm256_add_ps(_mm512_castps512_ps256(packet), _mm256_castpd_ps(_mm512_extractf64x4_pd(bits, 1)));
#else
    return packet;
#endif
  };
  const auto by_fours = [&](std::size_t i, std::size_t j) {  // four lanes of x_i, four of x_j
    const __m256 a = eight_lanes(x[i].data()), b = eight_lanes(x[j].data());
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  };
  const auto by_twos = [&](std::size_t i) {  // two lanes of x_i, x_i+1, x_i+4, x_i+5
    const __m256d a = _mm256_castps_pd(by_fours(i, i + 4)), b = _mm256_castps_pd(by_fours(i + 1, i + 5));
    return _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
  };
  const __m256 first = by_twos(0), second = by_twos(2);
  return _mm256_add_ps(_mm256_shuffle_ps(first, second, 0x88), _mm256_shuffle_ps(first, second, 0xDD));
}
#endif

/// The numbered columns c_j = start + [a_i · b_j]_i of C for the numbered rows a_i, `next` apart; `start` may be null
/// for zero.
template <std::size_t... Row, std::size_t... Column, Real Scalar>
EIGEN_ALWAYS_INLINE void set_columns_of_row_products(std::index_sequence<Row...>, std::index_sequence<Column...>,
                                                     const Scalar* a, Index next, const View<const Scalar>& B,
                                                     const Scalar* start, const View<Scalar>& C) {
  using P = Pack<Scalar>;
  using Rows = std::array<P, sizeof...(Row)>;
  const Scalar* const b = B.data();
  const Index depth = B.rows(), b_column = B.stride(), c_column = C.stride();
  const auto zeros = [](auto) { return Rows{(void(Row), P(Scalar(0)))...}; };
  std::array<Rows, sizeof...(Column)> sum{zeros(Column)...};
  for (Index k = 0; k < depth; k += P::size) {
    const Rows factor{P::load(a + Index(Row) * next + k)...};
    const auto add = [&](Rows& of_column, const P& entry) {
      ((of_column[Row] = madd(entry, factor[Row], of_column[Row])), ...);
    };
    (add(sum[Column], P::load(b + Index(Column) * b_column + k)), ...);
  }
#if defined(EIGEN_VECTORIZE_AVX) && (!defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_AVX512DQ))
  if constexpr (std::same_as<Scalar, float> && sizeof...(Row) == 2 && sizeof...(Column) == 4) {
    if (c_column == 2) {
      const __m256 sums =
          sums_over_lanes({sum[0][0], sum[0][1], sum[1][0], sum[1][1], sum[2][0], sum[2][1], sum[3][0], sum[3][1]});
      const float first = start ? start[0] : 0, second = start ? start[1] : 0;
      const __m256 starts = _mm256_setr_ps(first, second, first, second, first, second, first, second);
      return _mm256_storeu_ps(C.data(), _mm256_add_ps(starts, sums));
    }
  }
#endif
  const auto store = [&](const Rows& of_column, Scalar* c) {
    ((c[Row] = (start ? start[Row] : Scalar(0)) + Eigen::internal::predux(of_column[Row].data())), ...);
  };
  (store(sum[Column], C.data() + Index(Column) * c_column), ...);
}

/// All columns of C as above. Each entry is summed as Eigen's product of a row-major matrix with a vector sums it where
/// the depth is whole packs, and so has its bits; but each column of B is read once for all rows, and four columns go
/// together.
template <class Rows, Real Scalar>
EIGEN_DONT_INLINE void set_row_products(Rows rows, const Scalar* a, Index next, const View<const Scalar>& B,
                                        const Scalar* start, const View<Scalar>& C) {
  const auto take = [&](auto columns, Index j) {
    const auto count = Index(columns.size());
    set_columns_of_row_products(rows, columns, a, next, View<const Scalar>(B.middleCols(j, count)), start,
                                View<Scalar>(C.middleCols(j, count)));
  };
  Index j = 0;
  for (; j + 4 <= B.cols(); j += 4) take(std::make_index_sequence<4>{}, j);
  for (; j < B.cols(); ++j) take(std::make_index_sequence<1>{}, j);
}

/// Whether set_row_products() takes a product of so many columns; a single one is summed in another order.
template <Real Scalar>
[[nodiscard]] constexpr bool by_row_products(Index depth, Index columns) {
  return depth % Pack<Scalar>::size == 0 && columns > 1;
}

/// The same for `rows` of them, at most narrow_rows.
template <Real Scalar>
void set_row_products(Index rows, const Scalar* a, Index next, const View<const Scalar>& B, const Scalar* start,
                      const View<Scalar>& C) {
  eigen_assert(rows <= narrow_rows && C.rows() == rows && C.cols() == B.cols());
  if (rows == 1) set_row_products<std::make_index_sequence<1>, Scalar>({}, a, next, B, start, C);
  if (rows == 2) set_row_products<std::make_index_sequence<2>, Scalar>({}, a, next, B, start, C);
  if (rows == 3) set_row_products<std::make_index_sequence<3>, Scalar>({}, a, next, B, start, C);
}

/// C += A B, or A Bᵀ, row by row if C has few rows.
template <Factor Right, Real Scalar>
void add_narrow_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  if (C.rows() > narrow_rows) return add_matrix_product<Factor::plain, Right, Scalar>(A, B, C);
  for (Index i = 0; i < C.rows(); ++i) add_matrix_vector<opposite(Right), Scalar>(B, A.row(i), C.row(i));
}

/// C = A B, and `start` (a column) added to each of its first `started` columns; C has few rows.
template <Real Scalar>
void set_narrow_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<const Scalar>& start,
                        Index started, const View<Scalar>& C) {
  eigen_assert(C.rows() <= narrow_rows && start.rows() == C.rows() && start.cols() == 1 && started <= C.cols());
  const Index rows = A.rows(), depth = A.cols(), others = C.cols() - started;
  if (!by_row_products<Scalar>(depth, C.cols())) {
    set_columns<Scalar>(start, C.leftCols(started));
    fill<Scalar>(C.rightCols(others), 0);
    return add_narrow_product<Factor::plain, Scalar>(A, B, C);
  }
  namespace internal = Eigen::internal;  // where the macro looks
  ei_declare_aligned_stack_constructed_variable(Scalar, a, std::size_t(rows * depth), nullptr);
  for (Index i = 0; i < rows; ++i)
    for (Index k = 0; k < depth; ++k) a[i * depth + k] = A(i, k);
  set_row_products<Scalar>(rows, a, depth, B.leftCols(started), start.data(), C.leftCols(started));
  if (others > 0) set_row_products<Scalar>(rows, a, depth, B.rightCols(others), nullptr, C.rightCols(others));
}

/// C += A Bᵀ, row by row or column by column if C has few of them.
template <Real Scalar>
void add_narrow_outer_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  if (C.cols() > narrow_rows || C.rows() <= narrow_rows) return add_narrow_product<Factor::transposed, Scalar>(A, B, C);
  for (Index j = 0; j < C.cols(); ++j) add_matrix_vector<Factor::plain, Scalar>(A, B.row(j), C.col(j));
}

/// C = Aᵀ B, row by row: C has few rows.
template <Real Scalar>
void set_narrow_transposed_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(C.rows() <= narrow_rows);
  if (by_row_products<Scalar>(A.rows(), C.cols()))
    return set_row_products<Scalar>(C.rows(), A.data(), A.stride(), B, nullptr, C);
  fill<Scalar>(C, 0);
  for (Index i = 0; i < C.rows(); ++i) add_matrix_vector<Factor::transposed, Scalar>(B, A.col(i), C.row(i));
}

}  // namespace pathline::detail
