/// \file
/// Time as sines and cosines of several frequencies, for layers that must resolve time finely.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/time/time_features.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// Hands a layer the side inputs [sin ω₁t, …, sin ω_m t, cos ω₁t, …, cos ω_m t; context] instead of [t; context], with
/// frequencies in geometric progression, ωᵢ = lowest · ratioⁱ⁻¹, which are not learned. Vaswani et al. 2017, section
/// 3.5; with lowest π and ratio 2 it is the encoding of Mildenhall et al. 2020, equation 4.
///
///     TimeEmbedding(Linear<float>(2, 64, 2 * 6), 6)   // Linear reads six sines and six cosines
template <Layer L>
class TimeEmbedding {
 public:
  using Scalar = typename L::Scalar;

  /// \param layer        Reads 2m side inputs, and c more where there is context.
  /// \param frequencies  Their number m.
  /// \throws ArgumentError when m is below 1, the layer reads fewer than 2m side inputs, or lowest or ratio is not a
  ///         positive number.
  TimeEmbedding(L layer, Index frequencies, double lowest = 1, double ratio = 2)
      : layer_(std::move(layer)), lowest_(lowest), ratio_(ratio) {
    if (frequencies < 1) throw ArgumentError("TimeEmbedding: number of frequencies", frequencies, "at least 1");
    if (layer_.side_rows() < 2 * frequencies)
      throw ArgumentError("TimeEmbedding: number of side inputs of the layer", layer_.side_rows(),
                          "at least " + std::to_string(2 * frequencies) + ", a sine and a cosine for each frequency");
    check_positive("TimeEmbedding: lowest", lowest);
    check_positive("TimeEmbedding: ratio", ratio);
    for (Index i = 0; i < frequencies; ++i) frequencies_.push_back(Scalar(lowest * std::pow(ratio, double(i))));
  }

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index frequencies() const noexcept { return Index(frequencies_.size()); }  ///< Their number.
  [[nodiscard]] double lowest() const noexcept { return lowest_; }
  [[nodiscard]] double ratio() const noexcept { return ratio_; }
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  /// Time, and the context that the layer reads.
  [[nodiscard]] Index side_rows() const { return 1 + layer_.side_rows() - features(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return detail::TimeFeatures<Scalar>::size(features(), side_rows(), n, k) +
           Slices<Scalar>::size(layer_.tape_size(n, k));
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { layer_.initialize(theta, rng); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    const auto jet = [this](Scalar t, VectorRef<Scalar> value, VectorRef<Scalar> first, VectorRef<Scalar> second) {
      const Index m = features() / 2;
      for (Index i = 0; i < m; ++i) {
        const Scalar w = frequencies_[static_cast<std::size_t>(i)];
        const Jet<Scalar> sine = Sine::jet(w * t);
        value(i) = sine.value;
        first(i) = w * sine.first;
        second(i) = w * w * sine.second;
        value(m + i) = sine.first;
        first(m + i) = -w * sine.value;
        second(m + i) = -w * w * sine.first;
      }
    };
    detail::linearize_with_features(layer_, place, features(), side_rows(), jet, theta, S, X, n, Y, tape, workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    detail::pull_back_with_features(layer_, place, features(), side_rows(), theta, S, X, n, tape, Y_bar, X_bar, S_bar,
                                    theta_bar, workspace);
  }

 private:
  static constexpr auto place = detail::FeaturePlace::instead_of_time;

  static void check_positive(const char* what, double x) {
    if (!(x > 0 && std::isfinite(x))) throw ArgumentError(what, x, "a positive number");
  }
  [[nodiscard]] Index features() const noexcept { return 2 * Index(frequencies_.size()); }

  L layer_;
  double lowest_, ratio_;
  std::vector<Scalar> frequencies_;
};

}  // namespace pathline
