/// \file
/// Sums over samples, C += A Bᵀ, of any size, as the gradients of weights are.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/small_product.hpp>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace pathline {

/// Most entries of C for which both factors are read where they lie: beyond, columns of B that are a page apart push
/// each other out of the first cache.
template <Real Scalar>
inline constexpr Index outer_product_limit = sizeof(Pack<Scalar>) == 64 ? (1 << 20) / int(sizeof(Scalar)) : 256 * 256;

namespace detail {

/// Copies the rows of B by sixes, of each six column after column, as a tile of the product reads them. The last may be
/// fewer: their columns are six scalars apart nevertheless.
template <Real Scalar>
void write_sixes(const View<const Scalar>& B, Scalar* to) {
  constexpr Index together = 8;  // columns: each six of them is written in one run
  const Index rows = B.rows() / 6 * 6, left = B.rows() - rows;
  const auto take = [&](Index k, auto columns) {
    const Scalar* const from = B.data() + k * B.stride();
    Scalar* at = to + k * 6;
    for (Index row = 0; row < rows; row += 6, at += B.cols() * 6)
      for (Index l = 0; l < columns; ++l) std::memcpy(at + l * 6, from + row + l * B.stride(), 6 * sizeof(Scalar));
    for (Index l = 0; l < columns; ++l) std::copy_n(from + rows + l * B.stride(), left, at + l * 6);
  };
  Index k = 0;
  for (; k + together <= B.cols(); k += together) take(k, std::integral_constant<Index, together>{});
  for (; k < B.cols(); ++k) take(k, std::integral_constant<Index, 1>{});
}

/// C += A Bᵀ by copies of both factors, A in panels.
template <Real Scalar>
void add_copied_outer_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C,
                              Workspace<Scalar>& workspace) {
  constexpr Index widest = 128;  // columns of A and B at a time: a tile's rows of A stay in the first cache
  typename Workspace<Scalar>::Frame frame(workspace);
  Scalar* const panels = frame.scalars(packed_size<Scalar>(A.rows(), widest)).data();
  Scalar* const sixes = frame.scalars((B.rows() + 5) / 6 * 6 * widest).data();
  const Index blocks = (A.cols() + widest - 1) / widest;
  for (Index block = 0, k = 0; block < blocks; ++block) {
    const Index depth = (A.cols() - k) / (blocks - block);  // of one size, give or take a column
    write_panels<Factor::plain, Scalar>(A.middleCols(k, depth), panels);
    write_sixes<Scalar>(B.middleCols(k, depth), sixes);
    for (Index j = 0; j < B.rows(); j += 6) {
      const View<Scalar> columns = C.middleCols(j, std::min<Index>(6, B.rows() - j));
      ProductFactors<Scalar> factors{nullptr, 0, sixes + j * depth, 6, 1, columns.data(), columns.stride()};
      // The next columns of C are in no near cache, and each tile would wait for them before it stores.
      if (C.contiguous() && j + 12 <= B.rows()) factors.ahead = C.col(j + 6).data();
      packed_product<Scalar>({panels, A.rows(), depth}, factors, columns.cols(), columns);
    }
    k += depth;
  }
}

}  // namespace detail

/// C += A Bᵀ; C overlaps neither factor. Which way is taken depends on the size of C alone.
template <Real Scalar>
void add_outer_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C,
                       Workspace<Scalar>& workspace) {
  eigen_assert(A.cols() == B.cols() && C.rows() == A.rows() && C.cols() == B.rows());
  if (C.size() > outer_product_limit<Scalar>)
    detail::add_copied_outer_product<Scalar>(A, B, C, workspace);
  else
    add_outer_product<Scalar>(A, B, C);
}

}  // namespace pathline
