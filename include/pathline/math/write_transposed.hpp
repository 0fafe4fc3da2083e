/// \file
/// The transpose of a small matrix, by square tiles of packs, where an expression would gather it scalar by scalar.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/pack.hpp>

namespace pathline::detail {

// GCC warns of every template argument that is a vector type, as Eigen's packets are.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

/// transposed = Aᵀ; the two do not overlap.
template <Real Scalar>
void write_transposed(View<const Scalar> A, View<Scalar> transposed) {
  using Packet = typename Pack<Scalar>::Packet;
  constexpr Index size = Pack<Scalar>::size;
  eigen_assert(transposed.rows() == A.cols() && transposed.cols() == A.rows());
  const Index rows = A.rows() / size * size, columns = A.cols() / size * size;  // in whole tiles
  for (Index j = 0; j < columns; j += size)
    for (Index i = 0; i < rows; i += size) {
      Eigen::internal::PacketBlock<Packet, int(size)> tile;
      for (Index k = 0; k < size; ++k) tile.packet[k] = Eigen::internal::ploadu<Packet>(&A(i, j + k));
      Eigen::internal::ptranspose(tile);
      for (Index k = 0; k < size; ++k) Eigen::internal::pstoreu(&transposed(j, i + k), tile.packet[k]);
    }
  for (Index j = 0; j < A.cols(); ++j)  // what is left: rows below the tiles, and columns beside them
    for (Index i = j < columns ? rows : 0; i < A.rows(); ++i) transposed(j, i) = A(i, j);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace pathline::detail
