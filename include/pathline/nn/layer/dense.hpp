/// \file
/// The dense layer y = σ(W x + U s + b), the work-horse of every field.
#pragma once

#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/activation_tape.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/taylor_affine.hpp>
#include <pathline/nn/taylor/taylor_tape.hpp>

#include <algorithm>
#include <span>

namespace pathline {

/// y = σ(W x + U s + b) with θ = [U | W | b]; tangents are σ'(A) ⊙ (W v + U ṡ). docs/maths.md, (9.1) to (9.3).
template <Real Scalar_, class Sigma>
class Dense {
  static_assert(Activation<Sigma, Scalar_>,
                "Dense: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");

  static constexpr bool of_value = detail::derivatives_of_value<Sigma, Scalar_>;

 public:
  using Scalar = Scalar_;

  /// \param side  Side inputs that it reads: 1 for time, 0 for none, 1 + c with c rows of context.
  /// \throws ArgumentError when a size is out of range.
  Dense(Index in, Index out, Index side = 1) : affine_(in, out, side) {}

  [[nodiscard]] const Affine<Scalar>& affine() const noexcept { return affine_; }
  [[nodiscard]] Index in_rows() const noexcept { return affine_.in_rows(); }
  [[nodiscard]] Index out_rows() const noexcept { return affine_.out_rows(); }
  [[nodiscard]] Index side_rows() const noexcept { return affine_.side_rows(); }
  [[nodiscard]] Index widest() const noexcept { return std::max(in_rows(), out_rows()); }
  [[nodiscard]] Index parameter_count() const noexcept { return affine_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const noexcept { return Tape::size(out_rows(), n, k); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { affine_.initialize(theta, rng); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    if (tape.empty()) {
      affine_.apply(theta, S, X, n, Y, workspace);
      return Tape::apply(Y, n);
    }
    Tape activation(tape, out_rows(), n, X.cols() / n - 1);
    affine_.apply(theta, S, X, n, activation.pre(), workspace);
    activation.linearize(Y);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    Tape(tape, out_rows(), n, X.cols() / n - 1).pullback(Y_bar);
    affine_.pullback(theta, S, X, n, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // Where a chain keeps Y: nn/compose/chain.hpp.
  [[nodiscard]] Index tape_size_beside_output(Index n, Index k) const noexcept requires(of_value) {
    return TangentTape::size(out_rows(), n, k);
  }
  void linearize_beside_output(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                               BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const
      requires(of_value) {
    affine_.apply(theta, S, X, n, Y, workspace);
    TangentTape(tape, out_rows(), n, X.cols() / n - 1).linearize(Y, n);
  }
  void pullback_beside_output(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                              std::span<Scalar> tape, ConstBatchRef<Scalar> Y, BatchRef<Scalar> Y_bar,
                              BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                              Workspace<Scalar>& workspace) const requires(of_value) {
    TangentTape(tape, out_rows(), n, X.cols() / n - 1).pullback(Y, n, Y_bar);
    affine_.pullback(theta, S, X, n, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires(ThriceDifferentiable<Sigma, Scalar>) {
    return detail::TaylorTape<Sigma, Scalar>::size(out_rows(), n, order);
  }
  void taylor(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const
      requires(ThriceDifferentiable<Sigma, Scalar>) {
    detail::TaylorTape<Sigma, Scalar> activation(tape, out_rows(), n, X.cols() / n - 1);
    detail::taylor_apply<Scalar>(affine_, theta, S, X, n, activation.pre(), workspace);
    activation.evaluate(Y);
  }
  void taylor_pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const
      requires(ThriceDifferentiable<Sigma, Scalar>) {
    detail::TaylorTape<Sigma, Scalar>(tape, out_rows(), n, X.cols() / n - 1).pullback(Y_bar);
    detail::taylor_apply_pullback<Scalar>(affine_, theta, S, X, n, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  using Tape = detail::ActivationTape<Sigma, Scalar>;
  using TangentTape = detail::TangentTape<Sigma, Scalar>;
  Affine<Scalar> affine_;
};

template <Real Scalar, class Sigma>
inline constexpr bool tape_optional<Dense<Scalar, Sigma>> = true;

}  // namespace pathline
