/// \file
/// A field at another speed, or backwards: a fixed factor.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/nn/traced.hpp>

#include <cmath>
#include <span>
#include <utility>

namespace pathline {

/// y = w y_0(x) of a layer; θ is the layer's, w a number that stays. Its divergence is in closed form, it sends paths
/// through, and it is the gradient of a potential, where the layer does or is.
template <Layer L>
class ScaledLayer : public detail::PotentialTagIf<PotentialLayer<L>> {
 public:
  using Scalar = typename L::Scalar;

  /// \throws ArgumentError when the weight is not finite in this scalar.
  ScaledLayer(L layer, double weight) : layer_(std::move(layer)), weight_(static_cast<Scalar>(weight)) {
    if (!std::isfinite(weight_)) throw ArgumentError("Scaled: weight", weight, "a finite number");
  }

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count(); }
  [[nodiscard]] double weight() const noexcept { return double(weight_); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const requires InitializableLayer<L> {
    layer_.initialize(theta, rng);
  }

  [[nodiscard]] Index tape_size(Index n, Index k) const { return layer_.tape_size(n, k); }
  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    layer_.linearize(theta, S, X, n, Y, tape, workspace);
    Y *= weight_;
  }
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    Y_bar *= weight_;
    layer_.pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires TaylorLayer<L> {
    return layer_.taylor_tape_size(n, order);
  }
  void taylor(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    layer_.taylor(theta, S, X, n, Y, tape, workspace);
    Y *= weight_;
  }
  void taylor_pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    Y_bar *= weight_;
    layer_.taylor_pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // The divergence: nn/traced.hpp. Whatever a layer offers beside it, the rate of a potential is scaled with the field.
  [[nodiscard]] Index offered_rows() const requires TracedLayer<L> { return layer_.offered_rows(); }
  [[nodiscard]] Index trace_tape_size(Index n) const requires TracedLayer<L> { return layer_.trace_tape_size(n); }
  void evaluate_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           BatchRef<Scalar> Y, std::span<Scalar> tape,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    layer_.evaluate_with_trace(theta, S, Z, Y, tape, workspace);
    Y *= weight_;
  }
  void pullback_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar,
                           BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    Y_bar *= weight_;
    layer_.pullback_with_trace(theta, S, Z, tape, Y_bar, Z_bar, S_bar, theta_bar, workspace);
  }

 private:
  L layer_;
  Scalar weight_;
};

namespace detail {

template <class Term>
struct ScaledOf {
  using type = Network<Elementwise<Double<ScaledOf>, Identity>>;  // once an assertion has refused the term
};
template <Field Term>
struct ScaledOf<Term> {
  using type = Network<ScaledLayer<LayerOf<Term>>>;
};

}  // namespace detail

/// f(t, z; θ) = w f_0(t, z; θ) of a field, itself a field: it starts from the parameters that the field has, and keeps
/// no link to it. What may be a term of a `Sum` may be scaled. A weight that is learned is `TimeGain`.
template <class Term>
class Scaled : public detail::ScaledOf<Term>::type {
  static_assert(Field<Term>, "Scaled: the first argument must be a Field (linearize and pullback, nn/layer.hpp)");
  using Base = typename detail::ScaledOf<Term>::type;

 public:
  /// \throws ArgumentError when the weight is not finite, or for another field with parameters.
  Scaled(const Term& term, double weight) : Base(make(term, weight)) {}
  /// The scaled field as a layer, with its parameters. Not a constructor, whose terms could not be deduced.
  /// \throws ShapeError when theta has another length than its parameters.
  template <class L>
  [[nodiscard]] static Scaled from_layer(L layer, const Vector<typename L::Scalar>& theta) {
    return Scaled(Base(std::move(layer), theta));
  }

 private:
  explicit Scaled(Base base) : Base(std::move(base)) {}
  static Base make(const Term& term, [[maybe_unused]] double weight) {
    if constexpr (Field<Term>) {
      return Base(ScaledLayer<detail::LayerOf<Term>>(detail::layer_of("Scaled", term), weight),
                  std::as_const(term).parameters());
    } else {
      Rng rng(0);
      return Base(Elementwise<double, Identity>(1), rng);
    }
  }
};

namespace detail {

template <class Term>
struct LayerOfField<Scaled<Term>> {
  using type = ScaledLayer<LayerOf<Term>>;
};

}  // namespace detail

}  // namespace pathline
