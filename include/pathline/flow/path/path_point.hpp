/// \file
/// What policies read and write at one evaluation of the augmented dynamics.
///
/// The dynamics call the field once per evaluation and hand the same *path point* to every policy; on the way back each
/// policy adds its cotangents to the same place. So policies share the field's work and know nothing of each other.
/// A policy names by its `needs` what is not in every path point. It is computed once for all policies that read it.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline {

/// What a regularizer needs beyond t, Z and F. It says so by `static constexpr PathQuantities needs{.tangents =
/// true};`.
struct PathQuantities {
  bool tangents = false;        ///< V and JV: the trace must be one by tangents.
  bool acceleration = false;    ///< z'' = ∂f/∂t + J f, one more directional derivative.
  bool jerk = false;            ///< z''', by sweeps in Taylor mode: the field must be a `TaylorField`.
  bool potential_rate = false;  ///< ∂Φ/∂t: the field must be a `PotentialField`, its trace `ClosedFormTrace`.
};

namespace detail {

template <class R>
inline constexpr PathQuantities needs_of{};
template <class R>
requires requires { PathQuantities{R::needs}; }
inline constexpr PathQuantities needs_of<R> = R::needs;

/// What any of the regularizers needs.
template <class... R>
inline constexpr PathQuantities all_needs{.tangents = (needs_of<R>.tangents || ...),
                                          .acceleration = (needs_of<R>.acceleration || ...),
                                          .jerk = (needs_of<R>.jerk || ...),
                                          .potential_rate = (needs_of<R>.potential_rate || ...)};

}  // namespace detail

/// n samples at time t with k tangents each: F = f(t, Z) and JV, the directional derivatives along V. Tangent j of all
/// samples is the block of columns jn … (j+1)n - 1. Σ_j w_j v_j v_jᵀ = I, exactly or in expectation.
template <Real Scalar>
struct PathPoint {
  /// A block of rows of a larger buffer.
  using Block = Eigen::Map<const Batch<Scalar>, 0, Eigen::OuterStride<>>;

  double t;                      ///< NaN with PerSample, whose columns are at different times.
  Block Z;                       ///< d × n
  Block F;                       ///< d × n
  Block V;                       ///< d × kn; empty where the trace has a closed form.
  Block JV;                      ///< d × kn; as V.
  const Scalar* weights;         ///< w_1 … w_k.
  Block acceleration{none()};    ///< d × n where someone reads it, else empty.
  Block jerk{none()};            ///< The same.
  Block potential_rate{none()};  ///< 1 × n where someone reads it, else empty.

  [[nodiscard]] Index dim() const noexcept { return Z.rows(); }
  [[nodiscard]] Index samples() const noexcept { return Z.cols(); }
  /// k. Policies that read them must say `needs{.tangents = true}`: a trace in closed form leaves none.
  [[nodiscard]] Index tangents() const noexcept {
    eigen_assert(weights != nullptr);
    return V.cols() / Z.cols();
  }
  /// Directional derivatives along tangent j, d × n.
  [[nodiscard]] Block JV_of(Index j) const {
    return Block(JV.data() + j * samples() * JV.outerStride(), dim(), samples(),
                 Eigen::OuterStride<>(JV.outerStride()));
  }
  [[nodiscard]] static Block none() { return Block(nullptr, 0, 0, Eigen::OuterStride<>(0)); }
};

/// Cotangents of a path point; policies add to them.
template <Real Scalar>
struct PathPointBar {
  using Block = Eigen::Map<Batch<Scalar>, 0, Eigen::OuterStride<>>;

  Block Z;                       ///< d × n
  Block F;                       ///< d × n
  Block JV;                      ///< d × kn
  Block acceleration{none()};    ///< d × n
  Block jerk{none()};            ///< d × n
  Block potential_rate{none()};  ///< 1 × n

  /// Cotangent of JV_of(j), d × n.
  [[nodiscard]] Block JV_of(Index j) {
    return Block(JV.data() + j * Z.cols() * JV.outerStride(), Z.rows(), Z.cols(),
                 Eigen::OuterStride<>(JV.outerStride()));
  }
  [[nodiscard]] static Block none() { return Block(nullptr, 0, 0, Eigen::OuterStride<>(0)); }
};

}  // namespace pathline
