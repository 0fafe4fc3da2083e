/// \file
/// Fields added up: known physics and a network that learns the rest, a drift and a correction, a potential and a
/// swirl.
///
///     Network known(Elementwise<double, Tanh>(2), rng);       // tanh z, without parameters
///     Mlp<double, Tanh> rest(2, {32}, rng);
///     Cnf flow(Sum{Scaled{known, -1}, rest}, Hutchinson<>{});  // z' = -tanh z + network(t, z)
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/chain.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/nn/traced.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>

namespace pathline {

/// y = Σ_i y_i(x), each layer with its own slice of θ = [θ_1 | θ_2 | …]. Layers that read fewer side inputs than others
/// read the first of them. Its divergence is in closed form, it sends paths through, and it is the gradient of a
/// potential, where all of its layers do or are.
template <Layer First, Layer... Rest>
class SumLayer : public detail::PotentialTagIf<PotentialLayer<First> && (PotentialLayer<Rest> && ...)> {
  static constexpr bool potential_of_all = PotentialLayer<First> && (PotentialLayer<Rest> && ...);
  static constexpr bool traced = TracedLayer<First> && (TracedLayer<Rest> && ...);
  static constexpr bool taylored = TaylorLayer<First> && (TaylorLayer<Rest> && ...);

 public:
  using Scalar = typename First::Scalar;
  static_assert((std::same_as<Scalar, typename Rest::Scalar> && ...),
                "Sum: the terms must share one scalar type, float or double");

  /// \throws ShapeError when the layers have not the same inputs and outputs.
  explicit SumLayer(First first, Rest... rest) : layers_(std::move(first), std::move(rest)...) {
    Index term = 0;
    for_each([&](const auto& layer, std::size_t /*i*/) {
      const std::string name = "Sum: term " + std::to_string(++term);
      require_rows((name + "'s input").c_str(), layer.in_rows(), in_rows());
      require_rows((name + "'s output").c_str(), layer.out_rows(), out_rows());
    });
  }

  [[nodiscard]] const std::tuple<First, Rest...>& layers() const noexcept { return layers_; }
  [[nodiscard]] Index in_rows() const { return std::get<0>(layers_).in_rows(); }
  [[nodiscard]] Index out_rows() const { return std::get<0>(layers_).out_rows(); }
  [[nodiscard]] Index side_rows() const {
    return std::apply([](const auto&... layer) { return std::max({Index(layer.side_rows())...}); }, layers_);
  }
  [[nodiscard]] Index widest() const {
    return std::apply([](const auto&... layer) { return std::max({Index(layer.widest())...}); }, layers_);
  }
  [[nodiscard]] Index parameter_count() const {
    return total([](const auto& layer) { return layer.parameter_count(); });
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const
      requires(InitializableLayer<First> && (... && InitializableLayer<Rest>)) {
    Index offset = 0;
    for_each([&](const auto& layer, std::size_t /*i*/) {
      layer.initialize(theta.segment(offset, layer.parameter_count()), rng);
      offset += layer.parameter_count();
    });
  }

  [[nodiscard]] Index tape_size(Index n, Index k) const { return mode_tape_size<detail::LinearizeMode>(n, k); }
  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    forward<detail::LinearizeMode>(theta, S, X, n, Y, tape, workspace);
  }
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    backward<detail::LinearizeMode>(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires taylored {
    return mode_tape_size<detail::TaylorMode>(n, order);
  }
  void taylor(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const requires taylored {
    forward<detail::TaylorMode>(theta, S, X, n, Y, tape, workspace);
  }
  void taylor_pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires taylored {
    backward<detail::TaylorMode>(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // The divergence: nn/traced.hpp. The layers' rates of a potential add up; nothing else that they offer is read.
  [[nodiscard]] Index offered_rows() const requires traced { return potential_of_all ? 1 : 0; }
  [[nodiscard]] Index trace_tape_size(Index n) const requires traced {
    return total([n](const auto& layer) { return Slices<Scalar>::size(layer.trace_tape_size(n)); });
  }
  /// Z (d × n) to Y ((d + 1 + offered) × n).
  void evaluate_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           BatchRef<Scalar> Y, std::span<Scalar> tape,
                           Workspace<Scalar>& workspace) const requires traced {
    const Index n = Z.cols();
    Slices<Scalar> slices(tape);
    Index offset = 0;
    Y.setZero();
    for_each([&](const auto& layer, std::size_t /*i*/) {
      typename Workspace<Scalar>::Frame frame(workspace);  // of the rows that this layer offers
      BatchMap<Scalar> one = frame.batch(out_rows() + 1 + layer.offered_rows(), n);
      layer.evaluate_with_trace(theta.segment(offset, layer.parameter_count()), S, Z, one,
                                slices.scalars(layer.trace_tape_size(n)), workspace);
      Y += one.topRows(Y.rows());
      offset += layer.parameter_count();
    });
  }
  /// Y_bar has Y's shape and is scratch afterwards; overwrites Z_bar, adds to S_bar and theta_bar.
  void pullback_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar,
                           BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                           Workspace<Scalar>& workspace) const requires traced {
    const Index n = Z.cols();
    Slices<Scalar> slices(tape);
    Index offset = 0;
    for_each([&](const auto& layer, std::size_t i) {
      typename Workspace<Scalar>::Frame frame(workspace);
      BatchMap<Scalar> bar = frame.batch(out_rows() + 1 + layer.offered_rows(), n), more = frame.batch(in_rows(), n);
      bar.setZero();
      bar.topRows(Y_bar.rows()) = Y_bar;
      layer.pullback_with_trace(theta.segment(offset, layer.parameter_count()), S, Z,
                                slices.scalars(layer.trace_tape_size(n)), bar, i == 0 ? Z_bar : BatchRef<Scalar>(more),
                                S_bar, theta_bar.segment(offset, layer.parameter_count()), workspace);
      if (i > 0) Z_bar += more;
      offset += layer.parameter_count();
    });
  }

 private:
  template <class Function>
  void for_each(Function&& function) const {
    std::size_t i = 0;
    std::apply([&](const auto&... layer) { (function(layer, i++), ...); }, layers_);
  }
  template <class Of>
  [[nodiscard]] Index total(Of&& of) const {
    return std::apply([&](const auto&... layer) { return (Index(of(layer)) + ...); }, layers_);
  }
  template <class Mode>
  [[nodiscard]] Index mode_tape_size(Index n, Index k) const {
    return total([n, k](const auto& layer) { return Slices<Scalar>::size(Mode::tape_size(layer, n, k)); });
  }

  template <class Mode>
  void forward(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
               BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    const Index k = X.cols() / n - 1;
    Slices<Scalar> slices(tape);
    Index offset = 0;
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> one = frame.batch(out_rows(), X.cols());
    for_each([&](const auto& layer, std::size_t i) {
      Mode::forward(layer, theta.segment(offset, layer.parameter_count()), S, X, n, i == 0 ? Y : BatchRef<Scalar>(one),
                    slices.scalars(Mode::tape_size(layer, n, k)), workspace);
      if (i > 0) Y += one;
      offset += layer.parameter_count();
    });
  }

  template <class Mode>
  void backward(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index k = X.cols() / n - 1;
    Slices<Scalar> slices(tape);
    Index offset = 0;
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> bar = frame.batch(out_rows(), X.cols()), more = frame.batch(in_rows(), X.cols());
    for_each([&](const auto& layer, std::size_t i) {
      bar = Y_bar;  // a layer's pullback leaves scratch there
      Mode::backward(layer, theta.segment(offset, layer.parameter_count()), S, X, n,
                     slices.scalars(Mode::tape_size(layer, n, k)), bar, i == 0 ? X_bar : BatchRef<Scalar>(more), S_bar,
                     theta_bar.segment(offset, layer.parameter_count()), workspace);
      if (i > 0) X_bar += more;
      offset += layer.parameter_count();
    });
  }

  std::tuple<First, Rest...> layers_;
};

namespace detail {

template <class... Terms>
struct SumOf {
  using type = Network<Elementwise<Double<SumOf>, Identity>>;  // once an assertion has refused the terms
};
template <Field First, Field... Rest>
struct SumOf<First, Rest...> {
  using type = Network<SumLayer<LayerOf<First>, LayerOf<Rest>...>>;
};
struct FromLayer {};

}  // namespace detail

/// f(t, z; θ) = Σ_i f_i(t, z; θ_i) of fields, itself a field with θ = [θ_1 | θ_2 | …]: it starts from the parameters
/// that the terms have, and keeps no link to them. Terms may be sums and `Scaled` again. Weights are numbers that stay;
/// one that is learned is `TimeGain`.
///
/// A term is a field of the library (`Network`, `Mlp`, `SquashMlp`, `Sum`, `Scaled`), or any other field without
/// parameters.
template <class... Terms>
class Sum : public detail::SumOf<Terms...>::type {
  static constexpr bool of_fields = (Field<Terms> && ...);
  static_assert(of_fields, "Sum: every term must be a Field (linearize and pullback, nn/layer.hpp)");
  using Base = typename detail::SumOf<Terms...>::type;

 public:
  /// \throws ShapeError when the fields have not the same number of rows; ArgumentError for another field with
  ///         parameters.
  explicit Sum(const Terms&... terms) : Base(make(terms...)) {}
  /// The sum as a layer, with its parameters. Not a constructor, whose terms could not be deduced.
  /// \throws ShapeError when theta has another length than its parameters.
  template <class L>
  [[nodiscard]] static Sum from_layer(L layer, const Vector<typename L::Scalar>& theta) {
    return Sum(detail::FromLayer(), Base(std::move(layer), theta));
  }

 private:
  Sum(detail::FromLayer /*by*/, Base base) : Base(std::move(base)) {}
  static Base make(const Terms&... terms) {
    if constexpr (of_fields) {
      return Base(SumLayer<detail::LayerOf<Terms>...>(detail::layer_of("Sum", terms)...),
                  detail::joined_parameters<typename Base::Scalar>({&std::as_const(terms).parameters()...}));
    } else {
      Rng rng(0);
      return Base(Elementwise<double, Identity>(1), rng);
    }
  }
};

namespace detail {

template <class... Terms>
struct LayerOfField<Sum<Terms...>> {
  using type = SumLayer<LayerOf<Terms>...>;
};

}  // namespace detail

}  // namespace pathline
