/// \file
/// The affine layer y = W x + U s + b, without an activation: the last layer of most fields.
#pragma once

#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/taylor_affine.hpp>

#include <algorithm>
#include <span>

namespace pathline {

/// y = W x + U s + b with θ = [U | W | b]; a tangent goes through W, and through U where side inputs move.
/// docs/maths.md, section 9.
template <Real Scalar_>
class Linear {
 public:
  using Scalar = Scalar_;

  /// \param side  Side inputs that it reads: 1 for time, 0 for none, 1 + c with c rows of context.
  /// \throws ArgumentError when a size is out of range.
  Linear(Index in, Index out, Index side = 1) : affine_(in, out, side) {}

  [[nodiscard]] const Affine<Scalar>& affine() const noexcept { return affine_; }
  [[nodiscard]] Index in_rows() const noexcept { return affine_.in_rows(); }
  [[nodiscard]] Index out_rows() const noexcept { return affine_.out_rows(); }
  [[nodiscard]] Index side_rows() const noexcept { return affine_.side_rows(); }
  [[nodiscard]] Index widest() const noexcept { return std::max(in_rows(), out_rows()); }
  [[nodiscard]] Index parameter_count() const noexcept { return affine_.parameter_count(); }
  /// Nothing: the pullback of an affine map reads its input only, which the caller keeps.
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const noexcept { return 0; }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { affine_.initialize(theta, rng); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> /*tape*/, Workspace<Scalar>& workspace) const {
    affine_.apply(theta, S, X, n, Y, workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> /*tape*/, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    affine_.pullback(theta, S, X, n, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index /*n*/, Index /*order*/) const { return 0; }
  void taylor(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> /*tape*/, Workspace<Scalar>& workspace) const {
    detail::taylor_apply<Scalar>(affine_, theta, S, X, n, Y, workspace);
  }
  void taylor_pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> /*tape*/, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar,
                       BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    detail::taylor_apply_pullback<Scalar>(affine_, theta, S, X, n, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  Affine<Scalar> affine_;
};

template <Real Scalar>
inline constexpr bool tape_optional<Linear<Scalar>> = true;

}  // namespace pathline
