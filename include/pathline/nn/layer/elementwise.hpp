/// \file
/// An activation as a layer of its own: y = σ(x), element by element.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/activation_tape.hpp>
#include <pathline/nn/taylor/taylor_tape.hpp>

#include <span>
#include <string>

namespace pathline {

/// y = σ(x), element by element, without parameters: an input transform such as z³, or an activation of its own.
template <Real Scalar_, class Sigma>
class Elementwise {
  static_assert(Activation<Sigma, Scalar_>,
                "Elementwise: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");

 public:
  using Scalar = Scalar_;

  explicit Elementwise(Index rows) : rows_(rows) {
    if (rows < 1) throw ArgumentError("Elementwise: number of rows", rows, "at least 1");
  }

  [[nodiscard]] Index in_rows() const noexcept { return rows_; }
  [[nodiscard]] Index out_rows() const noexcept { return rows_; }
  [[nodiscard]] Index side_rows() const noexcept { return 0; }
  [[nodiscard]] Index widest() const noexcept { return rows_; }
  [[nodiscard]] Index parameter_count() const noexcept { return 0; }
  [[nodiscard]] Index tape_size(Index n, Index k) const noexcept { return Tape::size(rows_, n, k); }
  void initialize(VectorRef<Scalar> /*theta*/, Rng& /*rng*/) const {}

  void linearize(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& /*workspace*/) const {
    Tape activation(tape, rows_, n, X.cols() / n - 1);
    detail::copy<Scalar>(X, activation.pre());
    activation.linearize(Y);
  }

  void pullback(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> /*S_bar*/,
                VectorRef<Scalar> /*theta_bar*/, Workspace<Scalar>& /*workspace*/) const {
    Tape(tape, rows_, n, X.cols() / n - 1).pullback(Y_bar);
    detail::copy<Scalar>(Y_bar, X_bar);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires(ThriceDifferentiable<Sigma, Scalar>) {
    return detail::TaylorTape<Sigma, Scalar>::size(rows_, n, order);
  }
  void taylor(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& /*workspace*/) const
      requires(ThriceDifferentiable<Sigma, Scalar>) {
    detail::TaylorTape<Sigma, Scalar> activation(tape, rows_, n, X.cols() / n - 1);
    detail::copy<Scalar>(X, activation.pre());
    activation.evaluate(Y);
  }
  void taylor_pullback(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar,
                       BatchRef<Scalar> /*S_bar*/, VectorRef<Scalar> /*theta_bar*/,
                       Workspace<Scalar>& /*workspace*/) const requires(ThriceDifferentiable<Sigma, Scalar>) {
    detail::TaylorTape<Sigma, Scalar>(tape, rows_, n, X.cols() / n - 1).pullback(Y_bar);
    detail::copy<Scalar>(Y_bar, X_bar);
  }

 private:
  using Tape = detail::ActivationTape<Sigma, Scalar>;
  Index rows_;
};

}  // namespace pathline
