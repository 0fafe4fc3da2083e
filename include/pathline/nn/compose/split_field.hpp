/// \file
/// A field in two parts, of which one is stiff: additive methods solve equations for that one alone.
/// ```
/// const auto reaction = differentiable(formula, 32, constants);
/// Mlp<double, Tanh> rest(32, {64}, rng);
/// NeuralOde ode(SplitField{rest, reaction}, KennedyCarpenter4{});  // explicit in the network
/// ```
#pragma once

#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_field.hpp>
#include <pathline/nn/layer_of_field.hpp>

#include <tuple>

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

  /// Views of the parts; the field must outlive them.
  [[nodiscard]] auto explicit_part() const {
    return LayerField(std::get<0>(this->layer().layers()), this->parameters().data());
  }
  [[nodiscard]] auto implicit_part() const {
    const auto& [first, second] = this->layer().layers();
    return LayerField(second, this->parameters().data() + first.parameter_count());
  }
};

namespace detail {

template <class Explicit, class Implicit>
struct LayerOfField<SplitField<Explicit, Implicit>> : LayerOfField<Sum<Explicit, Implicit>> {};

}  // namespace detail
}  // namespace pathline
