/// \file
/// Moving layers of layers that are linear in their parameters, of dense layers, and of those without parameters.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/hyper_linear.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/layer/periodic_features.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/moving/moving_layer.hpp>

#include <span>
#include <utility>
#include <vector>

namespace pathline {

/// Of a layer y(s, x; θ) that is linear in θ, y_θ θ̇ is the layer itself with θ̇ in place of θ: θ of this layer is
/// [θ | θ̇]. Batches are packed with one tangent.
template <Layer L>
class MovingLinear {
 public:
  using Scalar = typename L::Scalar;

  explicit MovingLinear(L layer) : layer_(std::move(layer)) {}

  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return 2 * layer_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return Slices<Scalar>::size(layer_.tape_size(n, k)) + Slices<Scalar>::size(layer_.tape_size(n, 0));
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    eigen_assert(X.cols() == 2 * n);
    const Index count = layer_.parameter_count();
    Slices<Scalar> slices(tape);
    layer_.linearize(theta.head(count), S, X, n, Y, slices.scalars(layer_.tape_size(n, 1)), workspace);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> by_theta = frame.batch(out_rows(), n);
    layer_.linearize(theta.tail(count), S.leftCols(value_columns(S.cols(), n)), X.leftCols(n), n, by_theta,
                     slices.scalars(layer_.tape_size(n, 0)), workspace);
    detail::add<Scalar>(by_theta, View<Scalar>(Y).rightCols(n));
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index count = layer_.parameter_count(), columns = value_columns(S.cols(), n);
    Slices<Scalar> slices(tape);
    const std::span<Scalar> first = slices.scalars(layer_.tape_size(n, 1));
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> bar = frame.batch(out_rows(), n), more = frame.batch(in_rows(), n);
    detail::copy<Scalar>(View<Scalar>(Y_bar).rightCols(n), bar);
    layer_.pullback(theta.tail(count), S.leftCols(columns), X.leftCols(n), n, slices.scalars(layer_.tape_size(n, 0)),
                    bar, more, S_bar.leftCols(columns), theta_bar.tail(count), workspace);
    layer_.pullback(theta.head(count), S, X, n, first, Y_bar, X_bar, S_bar, theta_bar.head(count), workspace);
    detail::add<Scalar>(more, View<Scalar>(X_bar).leftCols(n));
  }

 private:
  /// Columns of S that are values and no tangents.
  [[nodiscard]] static Index value_columns(Index columns, Index n) { return columns == 2 * n ? n : columns; }

  L layer_;
};

namespace detail {

/// The rule for layers that are linear in θ.
template <Layer L>
struct LinearRule {
  using type = MovingLinear<L>;
  [[nodiscard]] static type of(const L& layer) { return type(layer); }
  static void add_counts(const L& layer, std::vector<Index>& counts) { counts.push_back(layer.parameter_count()); }
};

}  // namespace detail

template <Real Scalar>
struct MovingRule<Linear<Scalar>> : detail::LinearRule<Linear<Scalar>> {};
template <Real Scalar>
struct MovingRule<HyperLinear<Scalar>> : detail::LinearRule<HyperLinear<Scalar>> {};

/// σ after a linear layer.
template <Real Scalar, class Sigma>
struct MovingRule<Dense<Scalar, Sigma>> {
  using type = Sequential<MovingLinear<Linear<Scalar>>, Elementwise<Scalar, Sigma>>;
  [[nodiscard]] static type of(const Dense<Scalar, Sigma>& layer) {
    return type(MovingLinear(Linear<Scalar>(layer.in_rows(), layer.out_rows(), layer.side_rows())),
                Elementwise<Scalar, Sigma>(layer.out_rows()));
  }
  static void add_counts(const Dense<Scalar, Sigma>& layer, std::vector<Index>& counts) {
    counts.push_back(layer.parameter_count());
  }
};

template <Real Scalar, class Sigma>
struct MovingRule<Elementwise<Scalar, Sigma>> : StillRule<Elementwise<Scalar, Sigma>> {};
template <Real Scalar>
struct MovingRule<PeriodicFeatures<Scalar>> : StillRule<PeriodicFeatures<Scalar>> {};
template <class F>
struct MovingRule<detail::FieldWithoutParameters<F>> : StillRule<detail::FieldWithoutParameters<F>> {};

}  // namespace pathline
