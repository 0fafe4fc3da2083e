/// \file
/// What policies read and write at one evaluation of the augmented dynamics.
///
/// The dynamics call the field once per evaluation and hand the same *path point* to every policy; on the way back each
/// policy adds its cotangents to the same place. So policies share the field's work and know nothing of each other.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline {

/// n samples at time t with k tangents each: F = f(t, Z) and JV, the directional derivatives along V. Tangent j of all
/// samples is the block of columns jn … (j+1)n - 1. Σ_j w v_j v_jᵀ = I, exactly or in expectation.
template <Real Scalar>
struct PathPoint {
  using Block = Eigen::Map<const Batch<Scalar>>;

  double t;
  Block Z;        ///< d × n
  Block V;        ///< d × kn
  Block F;        ///< d × n
  Block JV;       ///< d × kn
  Scalar weight;  ///< w

  [[nodiscard]] Index dim() const noexcept { return Z.rows(); }
  [[nodiscard]] Index samples() const noexcept { return Z.cols(); }
  [[nodiscard]] Index tangents() const noexcept { return V.cols() / Z.cols(); }
};

/// Cotangents of a path point; policies add to them.
template <Real Scalar>
struct PathPointBar {
  BatchMap<Scalar> Z;   ///< d × n
  BatchMap<Scalar> F;   ///< d × n
  BatchMap<Scalar> JV;  ///< d × kn
};

}  // namespace pathline
