/// \file
/// A field of positions and momenta, or velocities, in two parts: mechanics, with forces that are known, learned or
/// both.
/// ```
/// const auto velocity = differentiable(per_mass, 2, masses);  // q' of p
/// Mlp<double, Tanh> force(2, {32}, rng);                      // p' of q
/// NeuralOde ode(SeparableField{velocity, force}, Yoshida4{}, FixedSteps(100));
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer_field.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/network.hpp>

#include <algorithm>
#include <concepts>
#include <span>
#include <utility>

namespace pathline {

/// [q; p] to [v(p); f(q)], θ = [θ_v | θ_f]. Where one of them reads fewer side inputs, it reads the first of them.
template <Layer Velocity, Layer Force>
class SeparableLayer {
 public:
  using Scalar = typename Velocity::Scalar;
  static_assert(std::same_as<Scalar, typename Force::Scalar>,
                "SeparableField: velocity and force must share one scalar type, float or double");

  /// \throws ShapeError unless both have as many outputs as inputs, and the same number.
  SeparableLayer(Velocity velocity, Force force) : velocity_(std::move(velocity)), force_(std::move(force)) {
    require_rows("SeparableField: output of the velocity", velocity_.out_rows(), velocity_.in_rows());
    require_rows("SeparableField: input of the force", force_.in_rows(), velocity_.in_rows());
    require_rows("SeparableField: output of the force", force_.out_rows(), velocity_.in_rows());
  }

  [[nodiscard]] const Velocity& velocity() const noexcept { return velocity_; }
  [[nodiscard]] const Force& force() const noexcept { return force_; }
  [[nodiscard]] Index in_rows() const { return 2 * half(); }
  [[nodiscard]] Index out_rows() const { return 2 * half(); }
  [[nodiscard]] Index side_rows() const { return std::max<Index>(velocity_.side_rows(), force_.side_rows()); }
  [[nodiscard]] Index widest() const { return std::max<Index>({in_rows(), velocity_.widest(), force_.widest()}); }
  [[nodiscard]] Index parameter_count() const { return velocity_.parameter_count() + force_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return Slices<Scalar>::size(velocity_.tape_size(n, k)) + Slices<Scalar>::size(force_.tape_size(n, k));
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const
      requires(InitializableLayer<Velocity>&& InitializableLayer<Force>) {
    velocity_.initialize(theta.head(velocity_.parameter_count()), rng);
    force_.initialize(theta.tail(force_.parameter_count()), rng);
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    const Index d = half(), k = X.cols() / n - 1;
    Slices<Scalar> slices(tape);
    velocity_.linearize(theta.head(velocity_.parameter_count()), S, X.bottomRows(d), n, Y.topRows(d),
                        slices.scalars(velocity_.tape_size(n, k)), workspace);
    force_.linearize(theta.tail(force_.parameter_count()), S, X.topRows(d), n, Y.bottomRows(d),
                     slices.scalars(force_.tape_size(n, k)), workspace);
  }
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index d = half(), k = X.cols() / n - 1;
    Slices<Scalar> slices(tape);
    velocity_.pullback(theta.head(velocity_.parameter_count()), S, X.bottomRows(d), n,
                       slices.scalars(velocity_.tape_size(n, k)), Y_bar.topRows(d), X_bar.bottomRows(d), S_bar,
                       theta_bar.head(velocity_.parameter_count()), workspace);
    force_.pullback(theta.tail(force_.parameter_count()), S, X.topRows(d), n, slices.scalars(force_.tape_size(n, k)),
                    Y_bar.bottomRows(d), X_bar.topRows(d), S_bar, theta_bar.tail(force_.parameter_count()), workspace);
  }

 private:
  [[nodiscard]] Index half() const { return velocity_.in_rows(); }

  Velocity velocity_;
  Force force_;
};

namespace detail {

template <class Velocity, class Force>
struct SeparableOf {
  using type = Network<Elementwise<Double<SeparableOf>, Identity>>;  // once an assertion has refused the parts
};
template <Field Velocity, Field Force>
struct SeparableOf<Velocity, Force> {
  using type = Network<SeparableLayer<LayerOf<Velocity>, LayerOf<Force>>>;
};

}  // namespace detail

/// q' = v(t, p; θ_v), p' = f(t, q; θ_f) of two fields of d rows, itself a field of z = [q; p], 2d rows. Symplectic
/// methods (Verlet, Yoshida4, Yoshida6) take it apart; all others see the whole.
///
/// A part is what may be a term of a `Sum`. Where the mass is 1, the velocity is `Network(Elementwise<double,
/// Identity>(d), rng)`, which has no parameters.
template <class Velocity, class Force>
class SeparableField : public detail::SeparableOf<Velocity, Force>::type {
  static constexpr bool of_fields = Field<Velocity> && Field<Force>;
  static_assert(of_fields, "SeparableField: both parts must be Fields (linearize and pullback, nn/layer.hpp)");
  using Base = typename detail::SeparableOf<Velocity, Force>::type;

 public:
  /// \throws ShapeError when the fields have not the same number of rows; ArgumentError for another field with
  ///         parameters.
  SeparableField(const Velocity& velocity, const Force& force) : Base(make(velocity, force)) {}

  /// The field as a layer, with its parameters.
  /// \throws ShapeError when theta has another length than its parameters.
  template <class L>
  [[nodiscard]] static SeparableField from_layer(L layer, const Vector<typename L::Scalar>& theta) {
    return SeparableField(Base(std::move(layer), theta));
  }

  /// Views of the parts; the field must outlive them.
  [[nodiscard]] auto velocity() const { return LayerField(this->layer().velocity(), this->parameters().data()); }
  [[nodiscard]] auto force() const {
    return LayerField(this->layer().force(), this->parameters().data() + this->layer().velocity().parameter_count());
  }

 private:
  explicit SeparableField(Base base) : Base(std::move(base)) {}
  static Base make([[maybe_unused]] const Velocity& velocity, [[maybe_unused]] const Force& force) {
    if constexpr (of_fields) {
      return Base(SeparableLayer<detail::LayerOf<Velocity>, detail::LayerOf<Force>>(
                      detail::layer_of("SeparableField", velocity), detail::layer_of("SeparableField", force)),
                  detail::joined_parameters<typename Base::Scalar>(
                      {&std::as_const(velocity).parameters(), &std::as_const(force).parameters()}));
    } else {
      Rng rng(0);
      return Base(Elementwise<double, Identity>(1), rng);
    }
  }
};

namespace detail {

template <class Velocity, class Force>
struct LayerOfField<SeparableField<Velocity, Force>> {
  using type = SeparableLayer<LayerOf<Velocity>, LayerOf<Force>>;
};

}  // namespace detail
}  // namespace pathline
