/// \file
/// A field in two parts, of which one is stiff: additive methods solve equations for that one alone.
/// ```
/// const auto reaction = differentiable(formula, 32, constants);
/// Mlp<double, Tanh> rest(32, {64}, rng);
/// NeuralOde ode(SplitField{rest, reaction}, KennedyCarpenter4{});  // explicit in the network
/// ```
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_field.hpp>
#include <pathline/nn/layer_of_field.hpp>

#include <tuple>
#include <utility>

namespace pathline {

/// f(t, z; θ) = f_1(t, z; θ_1) + f_2(t, z; θ_2): the `Sum` of both, as which all other methods see it. An additive
/// method (KennedyCarpenter3, KennedyCarpenter4) evaluates the first as an explicit method does, and treats the second,
/// the stiff one, implicitly.
template <class Explicit, class Implicit>
class SplitField : public Sum<Explicit, Implicit> {
 public:
  /// \throws ShapeError, ArgumentError as Sum.
  SplitField(const Explicit& explicit_part, const Implicit& implicit_part)
      : Sum<Explicit, Implicit>(explicit_part, implicit_part) {}

  /// The field as a layer, with its parameters.
  /// \throws ShapeError when theta has another length than its parameters.
  template <class L>
  [[nodiscard]] static SplitField from_layer(L layer, const Vector<typename L::Scalar>& theta) {
    return SplitField(Sum<Explicit, Implicit>::from_layer(std::move(layer), theta));
  }

  /// Views of the parts; the field must outlive them.
  [[nodiscard]] auto explicit_part() const {
    return LayerField(std::get<0>(this->layer().layers()), this->parameters().data());
  }
  [[nodiscard]] auto implicit_part() const {
    const auto& [first, second] = this->layer().layers();
    return LayerField(second, this->parameters().data() + first.parameter_count());
  }

 private:
  explicit SplitField(Sum<Explicit, Implicit> sum) : Sum<Explicit, Implicit>(std::move(sum)) {}
};

namespace detail {

template <class Explicit, class Implicit>
struct LayerOfField<SplitField<Explicit, Implicit>> : LayerOfField<Sum<Explicit, Implicit>> {};

}  // namespace detail
}  // namespace pathline
