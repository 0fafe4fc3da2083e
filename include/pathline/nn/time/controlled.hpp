/// \file
/// A field under a control: a signal u(t) that its layers read beside time.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/time/time_features.hpp>

#include <concepts>
#include <span>
#include <string>
#include <utility>

namespace pathline {

/// A control signal u(t) of m numbers that is known beforehand. The interpolants of nn/time/interpolants.hpp are
/// signals.
///
/// - `rows()`: m.
/// - `value(t, u)`, `derivative(t, du)`, `second_derivative(t, ddu)` write m scalars each; t is a double. The gradient
///   of a solve reads u', for t moves; that of a derivative along time reads u'' too.
template <class U, class Scalar>
concept Signal = requires(const U signal, double t, Vector<Scalar>& out) {
  { signal.rows() } -> std::convertible_to<Index>;
  signal.value(t, out);
  signal.derivative(t, out);
  signal.second_derivative(t, out);
};

/// f(t, z, u(t)): hands a layer the side inputs [t; context; u(t)] instead of [t; context].
template <Layer L, class U>
class Controlled {
  static_assert(Signal<U, typename L::Scalar>,
                "Controlled: a signal needs rows(), value(t, u), derivative(t, du) and second_derivative(t, ddu)");

 public:
  using Scalar = typename L::Scalar;

  /// \param layer  Reads 1 + c + m side inputs with c rows of context.
  /// \throws ArgumentError when it reads fewer than 1 + m.
  Controlled(L layer, U signal) : layer_(std::move(layer)), signal_(std::move(signal)) {
    if (layer_.side_rows() < 1 + signal_.rows())
      throw ArgumentError("Controlled: number of side inputs of the layer", layer_.side_rows(),
                          "at least " + std::to_string(1 + signal_.rows()) + ", time and the signal");
  }

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  /// Time and context.
  [[nodiscard]] Index side_rows() const { return layer_.side_rows() - signal_.rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count(); }
  [[nodiscard]] const U& signal() const noexcept { return signal_; }
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return detail::TimeFeatures<Scalar>::size(signal_.rows(), side_rows(), n, k) +
           Slices<Scalar>::size(layer_.tape_size(n, k));
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { layer_.initialize(theta, rng); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    const auto jet = [this](Scalar t, VectorRef<Scalar> u, VectorRef<Scalar> du, VectorRef<Scalar> ddu) {
      signal_.value(double(t), u);
      signal_.derivative(double(t), du);
      signal_.second_derivative(double(t), ddu);
    };
    detail::linearize_with_features(layer_, place, signal_.rows(), side_rows(), jet, theta, S, X, n, Y, tape,
                                    workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    detail::pull_back_with_features(layer_, place, signal_.rows(), side_rows(), theta, S, X, n, tape, Y_bar, X_bar,
                                    S_bar, theta_bar, workspace);
  }

 private:
  static constexpr auto place = detail::FeaturePlace::behind_context;

  L layer_;
  U signal_;
};

}  // namespace pathline
