/// \file
/// Products of a matrix that is copied into panels once and then multiplied by many batches, as the weights of a layer
/// are in every stage of a solve.
///
/// A panel is two packs of rows (one, of what is left at the end), column after column: a tile of the product reads it
/// in one run. The other factor is read where it lies. Eigen's products copy both factors every time: beside them these
/// take 0.75 to 0.9 of the time from 64 rows on (benchmarks/math).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/math/write_transposed.hpp>

#include <algorithm>
#include <cstddef>

namespace pathline::detail {

/// Rows of a whole panel.
template <Real Scalar>
inline constexpr Index panel_rows = 2 * Pack<Scalar>::size;

/// Scalars that the panels of a rows × depth matrix take: its rows rounded up to whole packs.
template <Real Scalar>
[[nodiscard]] constexpr Index packed_size(Index rows, Index depth) {
  constexpr Index size = Pack<Scalar>::size;
  return (rows + size - 1) / size * size * depth;
}

/// A matrix in panels, which another object owns. Rows beyond the last are zeros.
template <Real Scalar>
struct Panels {
  const Scalar* data;
  Index rows, depth;
};

/// Writes A, or its transpose, into panels at `to`, which has room for packed_size(…) scalars.
template <Factor Which, Real Scalar>
void write_panels(const View<const Scalar>& A, Scalar* to) {
  constexpr Index size = Pack<Scalar>::size;
  const Index rows = Which == Factor::plain ? A.rows() : A.cols(), depth = Which == Factor::plain ? A.cols() : A.rows();
  for (Index row = 0; row < rows; row += panel_rows<Scalar>) {
    const Index height = std::min(panel_rows<Scalar>, (rows - row + size - 1) / size * size);
    const View<Scalar> panel(to + row * depth, height, depth), used = panel.topRows(std::min(height, rows - row));
    if (used.rows() < height) fill<Scalar>(panel.bottomRows(height - used.rows()), 0);
    if constexpr (Which == Factor::plain)
      copy<Scalar>(A.middleRows(row, used.rows()), used);
    else
      write_transposed<Scalar>(A.middleCols(row, used.rows()), used);
  }
}

/// A, or its transpose, in panels: kept with the workspace while A is part of parameters that do not change.
template <Factor Which, Real Scalar>
[[nodiscard]] Panels<Scalar> panels(const View<const Scalar>& A, typename Workspace<Scalar>::Frame& frame) {
  const bool plain = Which == Factor::plain;
  const Index rows = plain ? A.rows() : A.cols(), depth = plain ? A.cols() : A.rows();
  const auto write = [&](Scalar* to) { write_panels<Which, Scalar>(A, to); };
  return {frame.derived(A, int(Which), packed_size<Scalar>(rows, depth), write), rows, depth};
}

/// C = A B for panels of A, and the start added to the first `started` columns. `factors` says where B and the start
/// lie; `factors.ahead`, if not null, is the contiguous start of the next product, of the same size, to be fetched
/// meanwhile.
/// The start is added after the product, as everywhere: to whole tiles by the tile, and to started columns that share
/// a tile with those that follow, a column at a time.
template <Real Scalar>
void packed_product(const Panels<Scalar>& A, const ProductFactors<Scalar>& factors, Index started,
                    const View<Scalar>& C) {
  constexpr Index size = Pack<Scalar>::size, height = panel_rows<Scalar>, tall = Index(tile_packs<Scalar>) * size;
  // So many rows are multiplied by all columns before the next: 256 KiB of A, which stay in the second-level cache.
  const Index block =
      std::max<Index>((Index(1) << 18) / Index(sizeof(Scalar)) / (std::max<Index>(A.depth, 1) * tall), 1) * tall;
  // Bytes to fetch for each entry of the depth: eight of A, and twelve of C, which are as many of its columns as are
  // multiplied where the depth is 128.
  constexpr bool fetches = (tile_packs < Scalar >> 2);
  constexpr int of_weights = fetches ? 8 : 0, of_start = fetches ? 12 : 0;
  const Index whole = A.rows / height * height, high = whole / tall * tall;
  const Index first = started < C.cols() ? started / 6 * 6 : started;
  const auto multiply = [&](auto product, Index row, Index rows, Index a_column, const Scalar* ahead) {
    product(rows, A.depth, first,
            {A.data + row * A.depth, a_column, factors.b, factors.b_row, factors.b_column,
             factors.start ? factors.start + row : nullptr, factors.start_column, A.depth, ahead},
            C.data() + row, C.stride());
    if (first == C.cols()) return;
    if (ahead)  // the first columns' tiles fetched so much
      ahead += first / 6 * (rows / tall) * A.depth * of_weights / Index(sizeof(Scalar));
    product(rows, A.depth, C.cols() - first,
            {A.data + row * A.depth, a_column, factors.b + first * factors.b_column, factors.b_row, factors.b_column,
             nullptr, 0, A.depth, ahead},
            C.data() + row + first * C.stride(), C.stride());
  };
  using Product = void (*)(Index, Index, Index, const ProductFactors<Scalar>&, Scalar*, Index);
  constexpr Product tiles = product_rows<Pack<Scalar>, tile_packs<Scalar>, 6, 0, Scalar>,
                    tiles_ahead = product_rows<Pack<Scalar>, tile_packs<Scalar>, 6, of_weights, Scalar>,
                    tiles_ahead_of_start = product_rows<Pack<Scalar>, tile_packs<Scalar>, 6, of_start, Scalar>,
                    panel = product_rows<Pack<Scalar>, 2, 6, 0, Scalar>, rest = product_of_last_rows<Scalar>;
  // With AVX-512 the next rows of A are fetched meanwhile, where enough is done meanwhile. With AVX2, half as fast, it
  // was no gain.
  for (Index row = 0; row < high; row += block) {
    const Index rows = std::min(block, high - row);
    if (factors.ahead)
      multiply(tiles_ahead_of_start, row, rows, height, factors.ahead + row * C.cols());
    else if (row + block < high && C.cols() >= 96)
      multiply(tiles_ahead, row, rows, height, A.data + (row + block) * A.depth);
    else
      multiply(tiles, row, rows, height, nullptr);
  }
  if (high < whole) multiply(panel, high, height, height, nullptr);
  if (whole < A.rows)  // a panel of two packs or one
    multiply(rest, whole, A.rows - whole, A.rows - whole > size ? height : size, nullptr);
  for (Index j = first; j < started; ++j) add<Scalar>(View<const Scalar>(factors.start, C.rows(), 1), C.col(j));
}

/// C = A B. C does not overlap B.
template <Real Scalar>
void set_panel_product(const Panels<Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(A.depth == B.rows() && C.rows() == A.rows && C.cols() == B.cols());
  packed_product<Scalar>(A, {nullptr, 0, B.data(), 1, B.stride(), nullptr, 0}, C.cols(), C);
}
/// C = A B, and `start` (a column) added to each of its first `started` columns. C does not overlap B.
template <Real Scalar>
void set_panel_product(const Panels<Scalar>& A, const View<const Scalar>& B, const View<const Scalar>& start,
                       Index started, const View<Scalar>& C) {
  eigen_assert(A.depth == B.rows() && C.rows() == A.rows && C.cols() == B.cols());
  eigen_assert(start.rows() == C.rows() && start.cols() == 1 && started <= C.cols());
  packed_product<Scalar>(A, {nullptr, 0, B.data(), 1, B.stride(), start.data(), 0}, started, C);
}
/// C += A B. C does not overlap B.
template <Real Scalar>
void add_panel_product(const Panels<Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(A.depth == B.rows() && C.rows() == A.rows && C.cols() == B.cols());
  packed_product<Scalar>(A, {nullptr, 0, B.data(), 1, B.stride(), C.data(), C.stride()}, C.cols(), C);
}

}  // namespace pathline::detail
