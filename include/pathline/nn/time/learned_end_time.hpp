/// \file
/// A field on a time interval whose length is learned.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/traced.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace pathline {

/// f̃(s, z) = T f(t₀ + s T, z) on 0 ≤ s ≤ 1 with T = e^τ and θ = [θ_f | τ]: solved over [0, 1] it is f solved over
/// [t₀, t₀ + T]. The end time is a parameter like any other, and no gradient method need know. docs/maths.md,
/// (6.4).
///
///     Network field(LearnedEndTime(layers, 2.0), rng);   // ends at 2 to begin with; solve it from 0 to 1
///     field.layer().end_time(field.parameters());
template <Layer L>
class LearnedEndTime {
 public:
  using Scalar = typename L::Scalar;

  /// \throws ArgumentError unless initial_end - start is positive and finite.
  explicit LearnedEndTime(L layer, double initial_end = 1, double start = 0)
      : layer_(std::move(layer)), start_(start), initial_end_(initial_end) {
    if (!(initial_end > start && std::isfinite(initial_end - start)))
      throw ArgumentError("LearnedEndTime: initial end", initial_end,
                          "a finite time after the start, " + detail::number(start));
  }

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] double start() const noexcept { return start_; }              ///< t₀.
  [[nodiscard]] double initial_end() const noexcept { return initial_end_; }  ///< Where training begins.
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count() + 1; }
  /// t₀ + T in the time of f.
  /// \throws ShapeError unless theta has parameter_count() numbers.
  [[nodiscard]] double end_time(ConstVectorRef<Scalar> theta) const {
    require_rows("LearnedEndTime::end_time: theta", theta.size(), parameter_count());
    return start_ + double(length(theta));
  }
  /// That of the layer, its output and its side inputs.
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return Slices<Scalar>::size(layer_.tape_size(n, k)) + Slices<Scalar>::size(out_rows() * n * (1 + k)) +
           Slices<Scalar>::size(side_rows() * n * (1 + k));
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    layer_.initialize(theta.head(layer_.parameter_count()), rng);
    theta(theta.size() - 1) = Scalar(std::log(initial_end_ - start_));
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    const Parts parts(*this, layer_.tape_size(n, X.cols() / n - 1), out_rows(), X.cols(), tape, S);
    BatchMap<Scalar> F = parts.F, inner_S = parts.S;
    move(theta, S, n, inner_S);
    layer_.linearize(inner(theta), inner_S, X, n, F, parts.layer, workspace);
    Y = length(theta) * F;
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parts parts(*this, layer_.tape_size(n, X.cols() / n - 1), out_rows(), X.cols(), tape, S);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> inner_S_bar = frame.batch(side_rows(), S.cols());
    inner_S_bar.setZero();
    scale_back(theta, parts.F, Y_bar, theta_bar);
    layer_.pullback(inner(theta), parts.S, X, n, parts.layer, Y_bar, X_bar, inner_S_bar,
                    theta_bar.head(theta_bar.size() - 1), workspace);
    move_back(theta, S, inner_S_bar, S_bar, theta_bar);
  }

  /// What the layer offers to regularizers is in the time of f, and is not handed on.
  [[nodiscard]] Index offered_rows() const requires TracedLayer<L> { return 0; }
  [[nodiscard]] Index trace_tape_size(Index n) const requires TracedLayer<L> {
    return Slices<Scalar>::size(layer_.trace_tape_size(n)) + Slices<Scalar>::size(traced_rows() * n) +
           Slices<Scalar>::size(side_rows() * n);
  }

  /// Z (d × n) to Y ((d + 1) × n): values and trace, both T times those of f.
  void evaluate_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           BatchRef<Scalar> Y, std::span<Scalar> tape,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    const Parts parts(*this, layer_.trace_tape_size(Z.cols()), traced_rows(), Z.cols(), tape, S);
    BatchMap<Scalar> F = parts.F, inner_S = parts.S;
    move(theta, S, Z.cols(), inner_S);
    layer_.evaluate_with_trace(inner(theta), inner_S, Z, F, parts.layer, workspace);
    Y = length(theta) * F.topRows(Y.rows());
  }

  /// Y_bar has Y's shape and is scratch afterwards; overwrites Z_bar, adds to S_bar and theta_bar.
  void pullback_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar,
                           BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    const Parts parts(*this, layer_.trace_tape_size(Z.cols()), traced_rows(), Z.cols(), tape, S);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> inner_S_bar = frame.batch(side_rows(), S.cols()), F_bar = frame.batch(traced_rows(), Z.cols());
    inner_S_bar.setZero();
    scale_back(theta, parts.F.topRows(Y_bar.rows()), Y_bar, theta_bar);
    F_bar.topRows(Y_bar.rows()) = Y_bar;
    F_bar.bottomRows(F_bar.rows() - Y_bar.rows()).setZero();
    layer_.pullback_with_trace(inner(theta), parts.S, Z, parts.layer, F_bar, Z_bar, inner_S_bar,
                               theta_bar.head(theta_bar.size() - 1), workspace);
    move_back(theta, S, inner_S_bar, S_bar, theta_bar);
  }

 private:
  /// What the tape holds: that of the layer, its output and its side inputs.
  struct Parts {
    Parts(const LearnedEndTime& self, Index layer_size, Index rows, Index columns, std::span<Scalar> tape,
          ConstBatchRef<Scalar> side)
        : Parts(self.side_rows(), layer_size, rows, columns, Slices<Scalar>(tape), side.cols()) {}
    std::span<Scalar> layer;
    BatchMap<Scalar> F, S;

   private:
    Parts(Index side_rows, Index layer_size, Index rows, Index columns, Slices<Scalar> slices, Index side_columns)
        : layer(slices.scalars(layer_size)), F(slices.batch(rows, columns)), S(slices.batch(side_rows, side_columns)) {}
  };

  [[nodiscard]] Index traced_rows() const requires TracedLayer<L> { return out_rows() + 1 + layer_.offered_rows(); }
  [[nodiscard]] static Scalar length(ConstVectorRef<Scalar> theta) { return std::exp(theta(theta.size() - 1)); }
  [[nodiscard]] static auto inner(ConstVectorRef<Scalar> theta) { return theta.head(theta.size() - 1); }

  /// t = t₀ + s T, ṫ = ṡ T; context as it is.
  void move(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, Index n, BatchRef<Scalar> inner_S) const {
    if (side_rows() == 0) return;
    inner_S = S.topRows(side_rows());
    inner_S.row(0) *= length(theta);
    inner_S.row(0).head(std::min(n, S.cols())).array() += Scalar(start_);
  }
  /// s̄ = T t̄, and T̄ = Σ s t̄ + ṡ ṫ̄, which reaches τ by dT/dτ = T.
  void move_back(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, BatchRef<Scalar> inner_S_bar,
                 BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar) const {
    if (side_rows() == 0) return;
    inner_S_bar.row(0) *= length(theta);
    theta_bar(theta.size() - 1) += S.row(0).dot(inner_S_bar.row(0));
    S_bar.topRows(side_rows()) += inner_S_bar;
  }
  /// Y = T F: Y_bar becomes the cotangent of F, and ⟨Y_bar, T F⟩ is that of τ.
  static void scale_back(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> F, BatchRef<Scalar> Y_bar,
                         VectorRef<Scalar> theta_bar) {
    Y_bar *= length(theta);
    theta_bar(theta.size() - 1) += Y_bar.cwiseProduct(F).sum();
  }

  L layer_;
  double start_, initial_end_;
};

}  // namespace pathline
