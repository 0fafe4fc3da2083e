/// \file
/// What one core of this machine can do, measured in the run that is compared with it: the peak of its multiply-adds,
/// and the rate of Eigen's matrix product in the shapes of a network's layers. Both with the flags of this build.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline::machine {

/// Floating-point operations per second of one core: independent fused multiply-adds between registers, memory never
/// touched. Two operations each. Without fused instructions in this build, of a product and a sum. Measured by the
/// first call (about 0.1 s), the fastest of many short bursts.
template <Real Scalar>
[[nodiscard]] double fma_peak();

/// The three products of a dense layer with `rows` inputs and outputs on a packed batch.
enum class Product {
  forward,     ///< W X
  to_input,    ///< Wᵀ Y_bar
  to_weights,  ///< += Y_bar Xᵀ
};

/// Operations per second of Eigen's product of a rows × rows matrix W and packed batches rows × columns that lie in the
/// caches. Measured by the first call for its arguments, the fastest of many.
template <Real Scalar>
[[nodiscard]] double gemm_rate(Product product, Index rows, Index columns);

}  // namespace pathline::machine
