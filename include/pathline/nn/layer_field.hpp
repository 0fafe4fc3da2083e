/// \file
/// A layer and a slice of somebody else's parameters, seen as a vector field.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_operations.hpp>

namespace pathline {

/// A view: meets `VectorField`, and `TracedField` or `PotentialField` where its layer does. Cheap to make and to copy;
/// layer and parameters must outlive it. `Network` is the same with parameters of its own.
template <Layer L>
class LayerField : public detail::LayerOperations<LayerField<L>, L> {
 public:
  using Scalar = typename L::Scalar;

  /// \param theta  The layer's parameter_count() numbers.
  LayerField(const L& layer, const Scalar* theta) : layer_(layer), theta_(theta, layer.parameter_count(), 1) {}

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index parameter_count() const { return theta_.rows(); }
  /// Its parameters, which are another object's.
  [[nodiscard]] const View<const Scalar>& slice() const noexcept { return theta_; }

 private:
  friend class detail::LayerOperations<LayerField, L>;
  [[nodiscard]] Eigen::Ref<const Vector<Scalar>> theta() const { return theta_; }

  const L& layer_;
  View<const Scalar> theta_;
};

template <Layer L>
inline constexpr bool tape_optional<LayerField<L>> = tape_optional<L>;

}  // namespace pathline
