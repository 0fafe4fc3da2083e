/// \file
/// Any number of layers of one type, one after another; the number is known at run time.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/compose/chain.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/taylor/taylor.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// Any number of layers of one type; none is the identity.
template <Layer L>
class Repeat {
 public:
  using Scalar = typename L::Scalar;

  /// \param rows  Rows of the input, which an empty list hands through.
  /// \throws ShapeError when a layer's inputs are not the outputs of the layer before it.
  Repeat(Index rows, std::vector<L> layers) : rows_(rows), layers_(std::move(layers)) {
    for (std::size_t i = 0; i < layers_.size(); ++i)
      detail::require_layer_rows("Repeat", i + 1, layers_[i].in_rows(), i == 0 ? rows_ : layers_[i - 1].out_rows());
  }

  [[nodiscard]] const std::vector<L>& layers() const noexcept { return layers_; }
  [[nodiscard]] Index in_rows() const noexcept { return rows_; }
  [[nodiscard]] Index out_rows() const { return layers_.empty() ? rows_ : layers_.back().out_rows(); }
  [[nodiscard]] Index side_rows() const {
    return largest(0, [](const L& layer) { return layer.side_rows(); });
  }
  [[nodiscard]] Index widest() const {
    return largest(rows_, [](const L& layer) { return layer.widest(); });
  }
  [[nodiscard]] Index parameter_count() const {
    return sum([](const L& layer) { return layer.parameter_count(); });
  }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return links_tape_size<detail::LinearizeMode>(n, k, false); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    Index offset = 0;
    for (const L& layer : layers_) {
      layer.initialize(View<Scalar>(theta).segment(offset, layer.parameter_count()), rng);
      offset += layer.parameter_count();
    }
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    if (layers_.empty()) detail::copy<Scalar>(X, Y);
    forward<detail::LinearizeMode>(0, false, theta, S, X, n, Y, Slices<Scalar>(tape), workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    if (layers_.empty()) detail::copy<Scalar>(Y_bar, X_bar);
    backward<detail::LinearizeMode>(0, false, theta, S, X, n, Slices<Scalar>(tape), {nullptr, 0, 0}, Y_bar, X_bar,
                                    S_bar, theta_bar, workspace);
  }

  // Where a chain keeps Y: nn/compose/chain.hpp.
  [[nodiscard]] Index tape_size_beside_output(Index n, Index k) const requires detail::ReadsOutput<L> {
    return links_tape_size<detail::LinearizeMode>(n, k, true);
  }
  void linearize_beside_output(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                               BatchRef<Scalar> Y, std::span<Scalar> tape,
                               Workspace<Scalar>& workspace) const requires detail::ReadsOutput<L> {
    if (layers_.empty()) detail::copy<Scalar>(X, Y);
    forward<detail::LinearizeMode>(0, true, theta, S, X, n, Y, Slices<Scalar>(tape), workspace);
  }
  void pullback_beside_output(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                              std::span<Scalar> tape, ConstBatchRef<Scalar> Y, BatchRef<Scalar> Y_bar,
                              BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                              Workspace<Scalar>& workspace) const requires detail::ReadsOutput<L> {
    if (layers_.empty()) detail::copy<Scalar>(Y_bar, X_bar);
    backward<detail::LinearizeMode>(0, true, theta, S, X, n, Slices<Scalar>(tape), Y, Y_bar, X_bar, S_bar, theta_bar,
                                    workspace);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires TaylorLayer<L> {
    return links_tape_size<detail::TaylorMode>(n, order, false);
  }
  void taylor(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    if (layers_.empty()) detail::copy<Scalar>(X, Y);
    forward<detail::TaylorMode>(0, false, theta, S, X, n, Y, Slices<Scalar>(tape), workspace);
  }
  void taylor_pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    if (layers_.empty()) detail::copy<Scalar>(Y_bar, X_bar);
    backward<detail::TaylorMode>(0, false, theta, S, X, n, Slices<Scalar>(tape), {nullptr, 0, 0}, Y_bar, X_bar, S_bar,
                                 theta_bar, workspace);
  }

 private:
  [[nodiscard]] detail::Place place(std::size_t i, bool kept) const { return {i + 1 == layers_.size(), kept}; }

  template <class Mode>
  [[nodiscard]] Index links_tape_size(Index n, Index k, bool kept) const {
    Index result = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      result += detail::link_tape_size<Mode>(layers_[i], place(i, kept), n, k);
    return result;
  }

  // Layer i and those after it; theta and slices start at layer i. `kept`: whether Y is.
  template <class Mode>
  void forward(std::size_t i, bool kept, View<const Scalar> theta, ConstBatchRef<Scalar> S, View<const Scalar> X,
               Index n, View<Scalar> Y, Slices<Scalar> slices, Workspace<Scalar>& workspace) const {
    if (i == layers_.size()) return;
    detail::linearize_link<Mode>(layers_[i], place(i, kept), theta, S, X, n, Y, slices, workspace,
                                 [&](View<const Scalar> theta_rest, View<const Scalar> middle, Slices<Scalar> rest) {
                                   forward<Mode>(i + 1, kept, theta_rest, S, middle, n, Y, rest, workspace);
                                 });
  }

  template <class Mode>
  void backward(std::size_t i, bool kept, View<const Scalar> theta, ConstBatchRef<Scalar> S, View<const Scalar> X,
                Index n, Slices<Scalar> slices, View<const Scalar> Y, View<Scalar> Y_bar, View<Scalar> X_bar,
                BatchRef<Scalar> S_bar, View<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    if (i == layers_.size()) return;
    detail::pullback_link<Mode>(layers_[i], place(i, kept), theta, S, X, n, slices, Y, Y_bar, X_bar, S_bar, theta_bar,
                                workspace,
                                [&](View<const Scalar> theta_rest, View<const Scalar> middle, Slices<Scalar> rest,
                                    View<Scalar> middle_bar, View<Scalar> theta_bar_rest) {
                                  backward<Mode>(i + 1, kept, theta_rest, S, middle, n, rest, Y, Y_bar, middle_bar,
                                                 S_bar, theta_bar_rest, workspace);
                                });
  }

  template <class Of>
  [[nodiscard]] Index sum(Of&& of) const {
    Index result = 0;
    for (const L& layer : layers_) result += of(layer);
    return result;
  }
  template <class Of>
  [[nodiscard]] Index largest(Index at_least, Of&& of) const {
    for (const L& layer : layers_) at_least = std::max(at_least, Index(of(layer)));
    return at_least;
  }

  Index rows_;
  std::vector<L> layers_;
};

template <Layer L>
inline constexpr bool tape_optional<Repeat<L>> = tape_optional<L>;

}  // namespace pathline
