/// \file
/// A vector field together with its derivative along a direction of the state and of θ.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/moving/moving_compose.hpp>
#include <pathline/nn/moving/moving_function.hpp>
#include <pathline/nn/moving/moving_layer.hpp>
#include <pathline/nn/moving/moving_linear.hpp>

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// A field whose layers all have a `MovingRule`.
template <class F>
concept MovableField = Field<F> && MovableLayer<detail::LayerOf<F>>;

/// [z; ż] ↦ [f(t, z; θ); f_z ż + f_θ θ̇], a field of 2d rows, with θ and θ̇ as its parameters in an order of its own:
/// give them by set(), and tell their cotangents apart by split(). Batches have no tangents.
///
/// Steps are those of the field alone: the upper half enters the error norm, and a batch is cut as for the field.
template <MovableField F>
class MovingField {
  using Layer = detail::MovingOf<detail::LayerOf<F>>;

 public:
  using Scalar = typename F::Scalar;

  /// \throws ArgumentError for a field of the program's own with parameters.
  explicit MovingField(const F& field) : MovingField(field, detail::layer_of("MovingField", field)) {}

  [[nodiscard]] Index dim() const { return 2 * layer_.in_rows(); }
  [[nodiscard]] Index error_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return widest_; }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return parameters_; }
  [[nodiscard]] Vector<Scalar>& parameters() noexcept { return parameters_; }
  [[nodiscard]] Index tape_size(Index n, Index /*k*/) const {
    return Slices<Scalar>::size(layer_.in_rows() * 2 * n) + Slices<Scalar>::size(layer_.tape_size(n, 1));
  }

  /// \param theta      θ.
  /// \param direction  θ̇; of length 0: zeros.
  void set(View<const Scalar> theta, View<const Scalar> direction) {
    Scalar* to = parameters_.data();
    Index from = 0;
    for (const Index count : counts_) {
      to = std::copy_n(theta.data() + from, count, to);
      to = direction.size() == 0 ? std::fill_n(to, count, Scalar(0)) : std::copy_n(direction.data() + from, count, to);
      from += count;
    }
  }
  /// What is by θ, and what is by θ̇, of a cotangent of the parameters.
  void split(View<const Scalar> bar, View<Scalar> by_theta, View<Scalar> by_direction) const {
    const Scalar* at = bar.data();
    Index to = 0;
    for (const Index count : counts_) {
      std::copy_n(at, count, by_theta.data() + to);
      std::copy_n(at + count, count, by_direction.data() + to);
      at += 2 * count;
      to += count;
    }
  }

  /// X = [z; ż] (2d × n). The side inputs do not move.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    eigen_assert(X.cols() == n);
    Slices<Scalar> slices(tape);
    const View<Scalar> packed = slices.batch(layer_.in_rows(), 2 * n);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> result = frame.batch(layer_.in_rows(), 2 * n);
    detail::unstack<Scalar>(X, packed);
    layer_.linearize(theta(), S, packed, n, result, slices.scalars(layer_.tape_size(n, 1)), workspace);
    detail::stack<Scalar>(result, Y);
  }

  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> /*X*/, Index n, std::span<Scalar> tape,
                BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    const View<Scalar> packed = slices.batch(layer_.in_rows(), 2 * n);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> result_bar = frame.batch(layer_.in_rows(), 2 * n),
                       packed_bar = frame.batch(layer_.in_rows(), 2 * n);
    detail::unstack<Scalar>(Y_bar, result_bar);
    layer_.pullback(theta(), S, packed, n, slices.scalars(layer_.tape_size(n, 1)), result_bar, packed_bar, S_bar,
                    theta_bar, workspace);
    detail::stack<Scalar>(packed_bar, X_bar);
  }

 private:
  MovingField(const F& field, const detail::LayerOf<F>& layer)
      : layer_(detail::moving(layer)), widest_(field.widest()) {
    detail::add_moving_counts(layer, counts_);
    const Index count = std::accumulate(counts_.begin(), counts_.end(), Index(0));
    // What StillRule was told of a layer that has parameters would count as constant.
    if (count != field.parameters().size())
      throw ArgumentError("MovingField: parameters that the rules of its layers move", count,
                          std::to_string(field.parameters().size()) +
                              ", those of the field; a StillRule is for layers "
                              "without parameters");
    parameters_.resize(2 * count);
    set(field.parameters(), View<const Scalar>(nullptr, 0, 1));
  }

  [[nodiscard]] Eigen::Ref<const Vector<Scalar>> theta() const { return View<const Scalar>(parameters_); }

  Layer layer_;
  Index widest_;
  std::vector<Index> counts_;
  Vector<Scalar> parameters_;
};

}  // namespace pathline
