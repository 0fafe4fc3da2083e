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

/// C = start + A B for panels of A; f says where B and start lie.
template <Real Scalar>
void packed_product(const Panels<Scalar>& A, const ProductFactors<Scalar>& factors, const View<Scalar>& C) {
  constexpr Index height = panel_rows<Scalar>, tall = Index(tile_packs<Scalar>) * Pack<Scalar>::size;
  // So many rows are multiplied by all columns before the next: 256 KiB of A, which stay in the second-level cache.
  const Index block =
      std::max<Index>((Index(1) << 18) / Index(sizeof(Scalar)) / (std::max<Index>(A.depth, 1) * tall), 1) * tall;
  const Index whole = A.rows / height * height, high = whole / tall * tall;
  const ProductFactors<Scalar> f{
      A.data, height, factors.b, factors.b_row, factors.b_column, factors.start, factors.start_column, A.depth};
  for (Index row = 0; row < high; row += block)
    product_rows<Pack<Scalar>, tile_packs<Scalar>, 6>(std::min(block, high - row), A.depth, C.cols(), f.from(row, 0),
                                                      C.data() + row, C.stride());
  if (high < whole)
    product_rows<Pack<Scalar>, 2, 6>(height, A.depth, C.cols(), f.from(high, 0), C.data() + high, C.stride());
  if (whole < A.rows) {
    ProductFactors<Scalar> last = f.from(whole, 0);
    if (A.rows - whole <= Pack<Scalar>::size) last.a_column = Pack<Scalar>::size;  // a panel of one pack
    product_of_last_rows(A.rows - whole, A.depth, C.cols(), last, C.data() + whole, C.stride());
  }
}

/// C = A B. C does not overlap B.
template <Real Scalar>
void set_panel_product(const Panels<Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(A.depth == B.rows() && C.rows() == A.rows && C.cols() == B.cols());
  packed_product<Scalar>(A, {nullptr, 0, B.data(), 1, B.stride(), nullptr, 0}, C);
}
/// C = A B, and `start` (a column) added to each of its columns. C does not overlap B.
template <Real Scalar>
void set_panel_product(const Panels<Scalar>& A, const View<const Scalar>& B, const View<const Scalar>& start,
                       const View<Scalar>& C) {
  eigen_assert(A.depth == B.rows() && C.rows() == A.rows && C.cols() == B.cols());
  eigen_assert(start.rows() == C.rows() && start.cols() == 1);
  packed_product<Scalar>(A, {nullptr, 0, B.data(), 1, B.stride(), start.data(), 0}, C);
}
/// C += A B. C does not overlap B.
template <Real Scalar>
void add_panel_product(const Panels<Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(A.depth == B.rows() && C.rows() == A.rows && C.cols() == B.cols());
  packed_product<Scalar>(A, {nullptr, 0, B.data(), 1, B.stride(), C.data(), C.stride()}, C);
}

}  // namespace pathline::detail
