/// \file
/// Products with a small matrix, A B, A Bᵀ and Aᵀ B, that read their factors where they lie.
///
/// A general product copies its factors into an order of its own first, which pays off only when each entry is used
/// often enough. For a layer of 32 rows the copies cost as much as the arithmetic: here tiles of C stay in registers
/// while packs of A's columns meet single entries of B. Above `small_product_limit` Eigen's product is the faster.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/fetch_ahead.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/view_loops.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace pathline {

/// Most entries of the small matrix, A of A B and of A Bᵀ; where there are more, the product is left to Eigen.
inline constexpr Index small_product_limit = 64 * 64;

namespace detail {

/// So few columns are read or written together whatever their length: no copies pay off.
inline constexpr Index few_columns = 8;

/// Most columns of A of which the rows that are left are copied.
inline constexpr Index most_padded_columns = 128;

/// Packs of rows of the tallest tile. AVX-512 has 32 registers: 24 hold sums, and a step waits less often for a sum.
template <Real Scalar>
inline constexpr std::size_t tile_packs = sizeof(Pack<Scalar>) == 64 ? 4 : 2;

/// A as it lies, column by column, or in panels (math/packed_product.hpp), which follow each other by `a_row` scalars
/// for each of their rows; the entry B(k, j) at b + k · b_row + j · b_column: B or its transpose; what the product is
/// added to, C itself, a column for all (start_column = 0) or nothing (null); and what of A is read next.
template <Real Scalar>
struct ProductFactors {
  const Scalar* a;
  Index a_column;
  const Scalar* b;
  Index b_row, b_column;
  const Scalar* start;
  Index start_column;
  Index a_row = 1;
  const Scalar* ahead = nullptr;

  /// Member by member: a copy of the whole waits for what was just written of it in smaller pieces.
  [[nodiscard]] EIGEN_ALWAYS_INLINE ProductFactors from(Index row, Index column) const {
    return {a + row * a_row, a_column, b + column * b_column,
            b_row,           b_column, start ? start + row + column * start_column : nullptr,
            start_column,    a_row};
  }
};

/// Packs of rows of one column of a tile, `Height` their numbers; P is a pack, or a scalar for what is left of the
/// rows. Expansions and not loops, which -O2 would not unroll.
template <class P, class Height>
struct TileColumn;
template <class P, std::size_t... Height>
struct TileColumn<P, std::index_sequence<Height...>> {
  using Scalar = Lane<P>;
  using At = Access<P>;
  static constexpr Index size = Index(sizeof(P) / sizeof(Scalar));
  P packs[sizeof...(Height)];

  [[nodiscard]] static EIGEN_ALWAYS_INLINE TileColumn zero() { return {{(void(Height), P(Scalar(0)))...}}; }
  /// A panel is two packs wide.
  [[nodiscard]] static EIGEN_ALWAYS_INLINE TileColumn rows_of(const Scalar* a, Index a_row) {
    return {{At::load(a + Index(Height / 2) * 2 * size * a_row + Index(Height % 2) * size)...}};
  }
  EIGEN_ALWAYS_INLINE void add(const TileColumn& rows, Scalar factor) {
    const P both(factor);
    ((packs[Height] = madd(rows.packs[Height], both, packs[Height])), ...);
  }
  EIGEN_ALWAYS_INLINE void store(Scalar* to) const { (At::store(packs[Height], to + Index(Height) * size), ...); }
  EIGEN_ALWAYS_INLINE void store_sum(const Scalar* start, Scalar* to) const {
    (At::store(At::load(start + Index(Height) * size) + packs[Height], to + Index(Height) * size), ...);
  }
};

/// One tile of C: a column of packs by Width columns, held in registers, of which A and B start at a and b. For each
/// entry of the depth Ahead bytes more, from `ahead` on, are fetched into the second-level cache.
template <class Column, int Ahead, std::size_t... Width, Real Scalar>
EIGEN_ALWAYS_INLINE void product_tile(std::index_sequence<Width...>, Index depth, const ProductFactors<Scalar>& f,
                                      const Scalar* a, const Scalar* b, const Scalar* start, Scalar* c, Index c_column,
                                      const Scalar* ahead) {
  // Local copies: for all that the compiler knows, a store of packs changes f, which would be read again after each.
  const Index a_row = f.a_row, a_column = f.a_column, b_row = f.b_row, b_column = f.b_column,
              start_column = f.start_column;
  Column sum[sizeof...(Width)]{(void(Width), Column::zero())...};
  for (Index k = 0; k < depth; ++k, a += a_column, b += b_row) {
    const Column rows = Column::rows_of(a, a_row);
    if constexpr (Ahead > 0) __builtin_prefetch(reinterpret_cast<const char*>(ahead) + k * Ahead, 0, 2);
    (sum[Width].add(rows, b[Index(Width) * b_column]), ...);
  }
  if (start)
    (sum[Width].store_sum(start + Index(Width) * start_column, c + Index(Width) * c_column), ...);
  else
    (sum[Width].store(c + Index(Width) * c_column), ...);
}

/// Products of less depth fetch nothing meanwhile: the question alone would cost them something.
inline constexpr Index least_fetching_depth = 32;

/// Whether a tile of this many columns is taken where so many are left.
[[nodiscard]] constexpr bool tile_fits(Index width, Index left) noexcept {
  return left >= width && (width <= 4 || (left != 7 && left != 8));
}

/// Whole tiles of Height rows of P by Width columns, then narrower ones for the columns that are left. Columns outside,
/// rows inside: the small matrix stays in the first cache, a column of B is read once. 8 columns are two tiles of 4 and
/// 7 a 4 and a 3: tiles of 2 or 1 column would do too little with what they read of A. With Ahead the whole tiles fetch
/// what is read next, f.ahead; compiled apart, as small products pay for each instruction.
template <class P, std::size_t Height, std::size_t Width, int Ahead = 0, Real Scalar>
EIGEN_DONT_INLINE void product_rows(Index rows, Index depth, Index columns, const ProductFactors<Scalar>& f, Scalar* c,
                                    Index c_column) {
  using Column = TileColumn<P, std::make_index_sequence<Height>>;
  constexpr Index height = Index(Height) * Column::size, width = Index(Width);
  // Where the caller fetches nothing of its own, the widest tiles fetch what math/fetch_ahead.hpp says: a line for each
  // entry of the depth with AVX-512, and as many bytes an operation with AVX2.
  constexpr bool fetches = Ahead == 0 && Width == 6 && Height == tile_packs<Scalar> && sizeof(P) >= 32;
  constexpr int fetched = sizeof(P) == 64 ? 64 : 16;
  const Scalar *const a = f.a, *b = f.b, *start = f.start, *ahead = f.ahead;
  const Index a_panel = height * f.a_row, b_next = width * f.b_column, start_next = width * f.start_column;
  Index column = 0;
  for (; tile_fits(width, columns - column); column += width, b += b_next, c += width * c_column) {
    const Scalar* a_tile = a;
    for (Index row = 0; row < rows; row += height, a_tile += a_panel) {
      const Scalar* const tile_start = start ? start + row : nullptr;
      if constexpr (fetches)
        if (depth >= least_fetching_depth && fetch_ahead.next < fetch_ahead.end) {
          product_tile<Column, fetched>(std::make_index_sequence<Width>{}, depth, f, a_tile, b, tile_start, c + row,
                                        c_column, reinterpret_cast<const Scalar*>(fetch_ahead.next));
          fetch_ahead.next += std::uintptr_t(depth * fetched);
          continue;
        }
      product_tile<Column, Ahead>(std::make_index_sequence<Width>{}, depth, f, a_tile, b, tile_start, c + row, c_column,
                                  ahead);
      if constexpr (Ahead > 0) ahead += depth * Ahead / Index(sizeof(Scalar));
    }
    if (start) start += start_next;
  }
  if constexpr (Width > 1)
    if (column < columns)
      product_rows<P, Height, Width - 1>(rows, depth, columns - column, f.from(0, column), c, c_column);
}

/// C = start + A B of fewer rows than A has room for, one pack or two: by way of a buffer, of which they are copied.
template <Real Scalar>
void product_of_last_rows(Index rows, Index depth, Index columns, const ProductFactors<Scalar>& factors, Scalar* c,
                          Index c_column) {
  constexpr Index size = Pack<Scalar>::size, most = 24;
  const Index height = rows > size ? 2 * size : size;
  alignas(64) std::array<Scalar, std::size_t(2 * size * most)> buffer;
  for (Index j = 0; j < columns; j += most) {
    const Index count = std::min(most, columns - j);
    const ProductFactors<Scalar> f{
        factors.a, factors.a_column, factors.b + j * factors.b_column, factors.b_row, factors.b_column, nullptr,
        0,         factors.a_row};
    if (height > size)
      product_rows<Pack<Scalar>, 2, 6>(height, depth, count, f, buffer.data(), height);
    else
      product_rows<Pack<Scalar>, 1, 6>(height, depth, count, f, buffer.data(), height);
    for (Index l = 0; l < count; ++l) {
      const Scalar *const product = buffer.data() + l * height, *const start =
                                                                    factors.start
                                                                        ? factors.start + (j + l) * factors.start_column
                                                                        : nullptr;
      Scalar* const to = c + (j + l) * c_column;
      for (Index i = 0; i < rows; ++i) to[i] = start ? start[i] + product[i] : product[i];
    }
  }
}

/// The same for an A that has no room beyond its last row, less than a pack of rows: a copy of them has.
template <Real Scalar>
void product_of_padded_rows(Index rows, Index depth, Index columns, const ProductFactors<Scalar>& f, Scalar* c,
                            Index c_column) {
  constexpr Index size = Pack<Scalar>::size;
  alignas(64) std::array<Scalar, std::size_t(size * most_padded_columns)> padded;
  for (Index k = 0; k < depth; ++k) {
    const Scalar* const from = f.a + k * f.a_column;
    Scalar* const to = padded.data() + k * size;
    for (Index i = 0; i < size; ++i) to[i] = i < rows ? from[i] : Scalar(0);
  }
  product_of_last_rows(rows, depth, columns, {padded.data(), size, f.b, f.b_row, f.b_column, f.start, f.start_column},
                       c, c_column);
}

/// C = start + A B. Tiles of 2 packs by 6 columns hold 12 sums, which leaves four of AVX2's 16 registers for 2 packs of
/// A and an entry of B. Tiles of 4 by 3 are as fast with AVX2, but half as fast with AVX-512: a pack of A is a cache
/// line there, two if it is not aligned, and they load four for every three columns. The last rows, fewer than a pack,
/// are padded to one where that is faster: computed singly, 8 rows of 128 columns took a quarter of a training
/// iteration.
template <Real Scalar>
void small_product(Index rows, Index depth, Index columns, const ProductFactors<Scalar>& f, Scalar* c, Index c_column) {
  constexpr Index size = Pack<Scalar>::size;
  Index row = 0;
  const auto take_rows = [&](Index height, auto product) {
    const Index whole = (rows - row) / height * height;
    if (whole == 0) return;
    product(whole, depth, columns, f.from(row, 0), c + row, c_column);
    row += whole;
  };
  if constexpr (tile_packs < Scalar >> 2) take_rows(4 * size, product_rows<Pack<Scalar>, 4, 6, 0, Scalar>);
  take_rows(2 * size, product_rows<Pack<Scalar>, 2, 6, 0, Scalar>);
  if constexpr (size > 1) {
    take_rows(size, product_rows<Pack<Scalar>, 1, 6, 0, Scalar>);
    if (row < rows && columns >= 4 && depth <= most_padded_columns)
      return product_of_padded_rows(rows - row, depth, columns, f.from(row, 0), c + row, c_column);
  }
  take_rows(1, product_rows<Scalar, 1, 6, 0, Scalar>);
}

/// A few columns of `rows` scalars, `next` apart.
template <Real Scalar>
struct Columns {
  const Scalar* first;
  Index next;
};

/// c(i, j) += aᵢᵀ bⱼ for the numbered columns of a and `count` columns of b; c(i, j) is at c + i · c_a + j · c_b.
template <Real Scalar, std::size_t... Column>
void add_column_products(std::index_sequence<Column...>, Index rows, Columns<Scalar> of_a, Columns<Scalar> of_b,
                         Index count, Scalar* c, Index c_a, Index c_b) {
  using P = Pack<Scalar>;
  const Scalar *const a = of_a.first, *b = of_b.first;
  const Index a_column = of_a.next;
  for (Index j = 0; j < count; ++j, b += of_b.next, c += c_b) {
    std::array<P, sizeof...(Column)> sum{(void(Column), P(Scalar(0)))...};
    Index row = 0;
    for (; row + P::size <= rows; row += P::size) {
      const P factor = P::load(b + row);
      ((sum[Column] = madd(P::load(a + Index(Column) * a_column + row), factor, sum[Column])), ...);
    }
    std::array<Scalar, sizeof...(Column)> total{Eigen::internal::predux(sum[Column].data())...};
    for (; row < rows; ++row) ((total[Column] = madd(a[Index(Column) * a_column + row], b[row], total[Column])), ...);
    ((c[Index(Column) * c_a] += total[Column]), ...);
  }
}

/// The same for few columns of a, by groups of up to 4: so many sums read a column of b together.
template <Real Scalar>
void add_products_of_few(Index rows, Columns<Scalar> a, Index a_count, Columns<Scalar> b, Index b_count, Scalar* c,
                         Index c_a, Index c_b) {
  const auto take = [&](auto group) {
    add_column_products(group, rows, a, b, b_count, c, c_a, c_b);
    const auto taken = Index(group.size());
    a.first += taken * a.next;
    c += taken * c_a;
    a_count -= taken;
  };
  while (a_count >= 4) take(std::make_index_sequence<4>{});
  if (a_count == 3) take(std::make_index_sequence<3>{});
  if (a_count == 2) take(std::make_index_sequence<2>{});
  if (a_count == 1) take(std::make_index_sequence<1>{});
}

}  // namespace detail

/// C += A B; C overlaps neither factor. Allocates nothing while A is small or C has few columns. A single column is
/// left to Eigen's product with a vector, which has nothing to pack either.
template <Real Scalar>
void add_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(A.cols() == B.rows() && C.rows() == A.rows() && C.cols() == B.cols());
  if (B.cols() == 1)
    detail::add_matrix_vector<detail::Factor::plain, Scalar>(A, B, C);
  else if (A.size() > small_product_limit && C.cols() > detail::few_columns)
    detail::add_matrix_product<detail::Factor::plain, detail::Factor::plain, Scalar>(A, B, C);
  else
    detail::small_product<Scalar>(A.rows(), A.cols(), B.cols(),
                                  {A.data(), A.stride(), B.data(), 1, B.stride(), C.data(), C.stride()}, C.data(),
                                  C.stride());
}

/// C = A B, as add_product.
template <Real Scalar>
void set_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(A.cols() == B.rows() && C.rows() == A.rows() && C.cols() == B.cols());
  if (B.cols() == 1 || (A.size() > small_product_limit && C.cols() > detail::few_columns)) {
    detail::fill<Scalar>(C, 0);
    add_product<Scalar>(A, B, C);
  } else {
    detail::small_product<Scalar>(A.rows(), A.cols(), B.cols(),
                                  {A.data(), A.stride(), B.data(), 1, B.stride(), nullptr, 0}, C.data(), C.stride());
  }
}

/// C = start + A B, where `start` is of C's size, and may be C, or a single column that is added to each; as
/// add_product.
template <Real Scalar>
void set_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<const Scalar>& start,
                 const View<Scalar>& C) {
  eigen_assert(start.rows() == C.rows() && (start.cols() == 1 || start.cols() == C.cols()));
  if (B.cols() == 1 || A.size() > small_product_limit) {
    if (start.cols() == 1)
      detail::set_columns<Scalar>(start, C);
    else
      detail::copy<Scalar>(start, C);
    return add_product<Scalar>(A, B, C);
  }
  eigen_assert(A.cols() == B.rows() && C.rows() == A.rows() && C.cols() == B.cols());
  detail::small_product<Scalar>(
      A.rows(), A.cols(), B.cols(),
      {A.data(), A.stride(), B.data(), 1, B.stride(), start.data(), start.cols() == 1 ? 0 : start.stride()}, C.data(),
      C.stride());
}

/// C = A Bᵀ; C overlaps neither factor. Allocates nothing while A is small.
template <Real Scalar>
void set_product_transposed(View<const Scalar> A, View<const Scalar> B, View<Scalar> C) {
  eigen_assert(A.cols() == B.cols() && C.rows() == A.rows() && C.cols() == B.rows());
  if (A.size() > small_product_limit) {
    detail::fill<Scalar>(C, 0);
    detail::add_matrix_product<detail::Factor::plain, detail::Factor::transposed, Scalar>(A, B, C);
  } else {
    detail::small_product<Scalar>(A.rows(), A.cols(), B.rows(),
                                  {A.data(), A.stride(), B.data(), B.stride(), 1, nullptr, 0}, C.data(), C.stride());
  }
}

/// C = start + A Bᵀ, where `start` is a single column that is added to each; as the one before.
template <Real Scalar>
void set_product_transposed(View<const Scalar> A, View<const Scalar> B, View<const Scalar> start, View<Scalar> C) {
  eigen_assert(A.cols() == B.cols() && C.rows() == A.rows() && C.cols() == B.rows() && start.size() == C.rows());
  if (A.size() > small_product_limit) {
    detail::set_columns<Scalar>(start, C);
    detail::add_matrix_product<detail::Factor::plain, detail::Factor::transposed, Scalar>(A, B, C);
  } else {
    detail::small_product<Scalar>(A.rows(), A.cols(), B.rows(),
                                  {A.data(), A.stride(), B.data(), B.stride(), 1, start.data(), 0}, C.data(),
                                  C.stride());
  }
}

/// C += Aᵀ B; C overlaps neither factor. Where A or B has few columns each entry of C is a scalar product of two
/// columns. Allocates nothing while A is small.
template <Real Scalar>
void add_transposed_product(View<const Scalar> A, View<const Scalar> B, View<Scalar> C) {
  eigen_assert(A.rows() == B.rows() && C.rows() == A.cols() && C.cols() == B.cols());
  const detail::Columns<Scalar> a{A.data(), A.stride()}, b{B.data(), B.stride()};
  if (A.cols() <= detail::few_columns)
    detail::add_products_of_few(A.rows(), a, A.cols(), b, B.cols(), C.data(), Index(1), C.stride());
  else if (B.cols() <= detail::few_columns)
    detail::add_products_of_few(A.rows(), b, B.cols(), a, A.cols(), C.data(), C.stride(), Index(1));
  else
    detail::add_matrix_product<detail::Factor::transposed, detail::Factor::plain, Scalar>(A, B, C);
}

/// C += A Bᵀ, a sum over samples; C overlaps neither factor. Allocates nothing. Where columns of B lie far apart copies
/// of the factors pay off: math/outer_product.hpp.
template <Real Scalar>
void add_outer_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  // Of A so many rows and columns stay in the first cache while all tiles beside them read them.
  constexpr Index height = 64, widest = 96;
  eigen_assert(A.cols() == B.cols() && C.rows() == A.rows() && C.cols() == B.rows());
  const Index blocks = (A.cols() + widest - 1) / widest;
  for (Index block = 0, k = 0; block < blocks; ++block) {
    const Index depth = (A.cols() - k) / (blocks - block);  // of one size, give or take a column
    for (Index row = 0; row < A.rows(); row += height) {
      Scalar* const c = C.data() + row;
      detail::small_product<Scalar>(
          std::min(height, A.rows() - row), depth, B.rows(),
          {A.data() + row + k * A.stride(), A.stride(), B.data() + k * B.stride(), B.stride(), 1, c, C.stride()}, c,
          C.stride());
    }
    k += depth;
  }
}

}  // namespace pathline
