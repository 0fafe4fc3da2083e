/// \file
/// The concat-squash layer of FFJORD, without its activation: an affine map that side inputs gate and shift.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/activation_tape.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/gate.hpp>
#include <pathline/nn/layer/side_product.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

namespace pathline {

/// y = (W x + b) ⊙ sigmoid(G s + g) + H s with θ = [W | b | G | g | H], the `ConcatSquashLinear` of the code of
/// Grathwohl et al. 2019 (FFJORD), which has time as its only side input. docs/maths.md, section 9.
///
/// Followed by an `Elementwise` it is the layer of that code's networks; `SquashMlp` is such a network.
template <Real Scalar_>
class ConcatSquash {
 public:
  using Scalar = Scalar_;

  /// \param side  Side inputs that it reads: 1 for time, 1 + c with c rows of context.
  /// \throws ArgumentError when a size is below 1.
  ConcatSquash(Index in, Index out, Index side = 1) : map_(in, out, 0), gate_(checked(side), out, 0) {}

  [[nodiscard]] Index in_rows() const noexcept { return map_.in_rows(); }
  [[nodiscard]] Index out_rows() const noexcept { return map_.out_rows(); }
  [[nodiscard]] Index side_rows() const noexcept { return gate_.in_rows(); }
  [[nodiscard]] Index widest() const noexcept { return std::max(in_rows(), out_rows()); }
  [[nodiscard]] Index parameter_count() const noexcept {
    return map_.parameter_count() + gate_.parameter_count() + out_rows() * side_rows();
  }
  /// The affine map, and the gate, as if side inputs always moved: the bound does not know their shape.
  [[nodiscard]] Index tape_size(Index n, Index k) const noexcept {
    return 2 * Slices<Scalar>::size(out_rows() * n * (1 + k)) + GateTape::size(out_rows(), n, k);
  }
  /// Every weight and bias uniform on ±1/√(fan-in), three draws.
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    map_.initialize(theta.head(map_.parameter_count()), rng);
    gate_.initialize(theta.segment(map_.parameter_count(), gate_.parameter_count()), rng);
    Eigen::Map<Batch<Scalar>> H(theta.data() + shift_at(), out_rows(), side_rows());
    fill<Uniform>(rng.draw(), 0, H);
    H.array() = (Scalar(2) * H.array() - Scalar(1)) / std::sqrt(Scalar(side_rows()));
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    Parts parts(*this, tape, S, X, n);
    const auto s = S.topRows(side_rows());
    map_.apply(theta.head(map_.parameter_count()), S, X, n, parts.P, workspace);
    gate_.apply(theta.segment(map_.parameter_count(), gate_.parameter_count()), S, s, parts.values, parts.gate.pre(),
                workspace);
    parts.gate.linearize(parts.G);
    Y.setZero();
    detail::Gate<Scalar>(parts.G, n).add_product(parts.P, Y);
    detail::add_side_product<Scalar>(H(theta), s, n, Y, workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parts parts(*this, tape, S, X, n);
    const auto s = S.topRows(side_rows());
    const Index map_count = map_.parameter_count(), gate_count = gate_.parameter_count();
    Eigen::Map<Batch<Scalar>> H_bar(theta_bar.data() + shift_at(), out_rows(), side_rows());
    typename Workspace<Scalar>::Frame frame(workspace);
    VectorMap<Scalar> column = frame.vector(out_rows());
    if (S.cols() == 1) detail::row_sums<Scalar>(View<const Scalar>(Y_bar).leftCols(n), column);
    detail::pull_back_side_product<Scalar>(H(theta), s, Y_bar, column, H_bar, S_bar.topRows(side_rows()));
    BatchMap<Scalar> G_bar = frame.batch(out_rows(), S.cols()), s_bar = frame.batch(side_rows(), S.cols());
    detail::Gate<Scalar>(parts.G, n).pullback(parts.P, Y_bar, G_bar);
    parts.gate.pullback(G_bar);
    gate_.pullback(theta.segment(map_count, gate_count), S, s, parts.values, G_bar, s_bar, S_bar,
                   theta_bar.segment(map_count, gate_count), workspace);
    S_bar.topRows(side_rows()) += s_bar;
    map_.pullback(theta.head(map_count), S, X, n, Y_bar, X_bar, S_bar, theta_bar.head(map_count), workspace);
  }

 private:
  using GateTape = detail::ActivationTape<Sigmoid, Scalar>;

  /// What the tape holds: P = W x + b with its tangents, and the gate with those that the side inputs have.
  struct Parts {
    Parts(const ConcatSquash& layer, std::span<Scalar> tape, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n)
        : Parts(layer.out_rows(), Slices<Scalar>(tape), S.cols(), X.cols(), std::min(n, S.cols())) {}

    Index values;  ///< Columns of the gate without their tangents.
    BatchMap<Scalar> P, G;
    GateTape gate;

   private:
    Parts(Index out, Slices<Scalar> slices, Index side_columns, Index columns, Index value_columns)
        : values(value_columns),
          P(slices.batch(out, columns)),
          G(slices.batch(out, side_columns)),
          gate(slices.scalars(GateTape::size(out, value_columns, side_columns / value_columns - 1)), out, value_columns,
               side_columns / value_columns - 1) {}
  };

  static Index checked(Index side) {
    if (side < 1) throw ArgumentError("ConcatSquash: number of side inputs", side, "at least 1");
    return side;
  }
  [[nodiscard]] Index shift_at() const noexcept { return map_.parameter_count() + gate_.parameter_count(); }
  [[nodiscard]] Eigen::Map<const Batch<Scalar>> H(ConstVectorRef<Scalar> theta) const {
    return Eigen::Map<const Batch<Scalar>>(theta.data() + shift_at(), out_rows(), side_rows());
  }

  Affine<Scalar> map_, gate_;
};

}  // namespace pathline
