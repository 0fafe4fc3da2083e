/// \file
/// The multilayer perceptron as a vector field on circles and lines: `Mlp` after `PeriodicFeatures`.
#pragma once

#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/layer/periodic_features.hpp>
#include <pathline/nn/network.hpp>

#include <tuple>
#include <utility>
#include <vector>

namespace pathline {

/// f(t, z) with period 2π in each component that is a circle: a perceptron of [t; context; cos and sin of the circles;
/// the other components], d rows out. Its paths are solved on the covering line, where angles may leave [-π, π).
///
///     const std::vector<Circle> circles{{.component = 0}};   // z_0 is an angle, z_1 a real number
///     PeriodicMlp<double, Tanh> field(2, circles, {64, 64}, rng);
///     Cnf flow(field, PeriodicBase(2, circles), PeriodicTransform(circles, data));
template <Real Scalar, class Sigma>
class PeriodicMlp : public Network<Sequential<PeriodicFeatures<Scalar>, Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>> {
  static_assert(Activation<Sigma, Scalar>,
                "PeriodicMlp: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");

 public:
  using Layers = Sequential<PeriodicFeatures<Scalar>, Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>;

  /// \param dim, hidden, rng, side  As of `Mlp`.
  /// \throws ArgumentError when a width is below 1, or a circle is not among the components, or named twice.
  PeriodicMlp(Index dim, const std::vector<Circle>& circles, const std::vector<Index>& hidden, Rng& rng, Index side = 1)
      : Network<Layers>(layers(dim, circles, hidden, side), rng),
        circles_(detail::circle_components("PeriodicMlp", dim, circles)) {}

  /// Layers with their parameters, such as a file keeps them.
  /// \throws ShapeError when the layers have not as many outputs as inputs, or theta another length.
  PeriodicMlp(Layers layers, const Vector<Scalar>& theta)
      : Network<Layers>(layers, theta), circles_(std::get<0>(layers.layers()).circles()) {}

  /// The layers alone, without parameters: what a `FieldStack` repeats.
  /// \throws ArgumentError as above.
  [[nodiscard]] static Layers layers(Index dim, const std::vector<Circle>& circles, const std::vector<Index>& hidden,
                                     Index side = 1) {
    PeriodicFeatures<Scalar> features(dim, circles);
    std::vector<Dense<Scalar, Sigma>> dense;
    Index in = features.out_rows();
    for (const Index width : hidden) {
      dense.emplace_back(in, width, side);
      in = width;
    }
    Repeat<Dense<Scalar, Sigma>> repeated(features.out_rows(), std::move(dense));
    return Layers{std::move(features), std::move(repeated), Linear<Scalar>(in, dim, side)};
  }

  /// Components on circles, ascending.
  [[nodiscard]] const std::vector<Index>& circles() const noexcept { return circles_; }

 private:
  std::vector<Index> circles_;
};

}  // namespace pathline
