/// \file
/// A layer that owns its parameters and maps d rows to d rows: a vector field.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_operations.hpp>
#include <pathline/nn/parameters.hpp>

#include <utility>

namespace pathline {

/// The vector field f(t, z; θ) of a layer, with θ in one flat vector. A plain value; meets `Field`, and `TracedField`,
/// `PotentialField` or `TaylorField` where its layer does. Its operations: nn/layer_operations.hpp.
template <Layer L>
class Network : public detail::LayerOperations<Network<L>, L> {
  static_assert(InitializableLayer<L>, "Network: the layer needs initialize(theta, rng); see nn/layer.hpp");

 public:
  using Scalar = typename L::Scalar;

  /// Draws θ by the layers' own rules; the same seed and draw give the same parameters.
  /// \throws ShapeError when the layer has not as many outputs as inputs.
  Network(L layer, Rng& rng) : layer_(std::move(layer)), parameters_(layer_.parameter_count()) {
    require_rows("Network: output of the last layer", layer_.out_rows(), layer_.in_rows());
    layer_.initialize(View<Scalar>(*parameters_), rng);
  }

  /// Takes θ as it is.
  /// \throws ShapeError when the layer has not as many outputs as inputs, or theta another length than its parameters.
  Network(L layer, const Vector<Scalar>& theta) : layer_(std::move(layer)), parameters_(layer_.parameter_count()) {
    require_rows("Network: output of the last layer", layer_.out_rows(), layer_.in_rows());
    *parameters_ = theta;
  }

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return *parameters_; }
  [[nodiscard]] Parameters<Scalar>& parameters() noexcept { return *parameters_; }

 private:
  friend class detail::LayerOperations<Network, L>;
  [[nodiscard]] Eigen::Ref<const Vector<Scalar>> theta() const { return View<const Scalar>((*parameters_).checked()); }

  L layer_;
  detail::OwnParameters<Scalar> parameters_;
};

template <Layer L>
inline constexpr bool tape_optional<Network<L>> = tape_optional<L>;

}  // namespace pathline
