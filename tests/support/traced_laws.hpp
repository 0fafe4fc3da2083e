/// \file
/// The law of traced layers: what evaluate_with_trace and pullback_with_trace owe to each other and to the layer's
/// tangents. A new traced layer is held to it by one line, `check_traced_laws(MyLayer<double>(3));`.
#pragma once

#include <pathline/nn/traced.hpp>

#include <support/layer_laws.hpp>

namespace pathline::test {

/// A traced layer behind functions, as `AnyLayer`.
struct AnyTracedLayer {
  template <class L>
  requires TracedLayer<L> && std::same_as<typename L::Scalar, double> AnyTracedLayer(
      L layer)  // NOLINT(google-explicit-constructor): a test hands any layer to the law
      : plain(layer), dim(layer.in_rows()), offered(layer.offered_rows()) {
    const auto self = std::make_shared<const L>(std::move(layer));
    tape_size = [self](Index n) { return self->trace_tape_size(n); };
    evaluate = [self](ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> Z,
                      BatchRef<double> Y, std::span<double> tape,
                      Workspace<double>& workspace) { self->evaluate_with_trace(theta, S, Z, Y, tape, workspace); };
    pullback = [self](ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> Z,
                      std::span<double> tape, BatchRef<double> Y_bar, BatchRef<double> Z_bar, BatchRef<double> S_bar,
                      VectorRef<double> theta_bar, Workspace<double>& workspace) {
      self->pullback_with_trace(theta, S, Z, tape, Y_bar, Z_bar, S_bar, theta_bar, workspace);
    };
  }

  AnyLayer plain;
  Index dim, offered;
  std::function<Index(Index)> tape_size;
  std::function<void(ConstVectorRef<double>, ConstBatchRef<double>, ConstBatchRef<double>, BatchRef<double>,
                     std::span<double>, Workspace<double>&)>
      evaluate;
  std::function<void(ConstVectorRef<double>, ConstBatchRef<double>, ConstBatchRef<double>, std::span<double>,
                     BatchRef<double>, BatchRef<double>, BatchRef<double>, VectorRef<double>, Workspace<double>&)>
      pullback;
};

/// The trace form as a layer from d to d + 1 + offered rows that takes no tangents: the law of layers holds for it.
struct TracedAsLayer {
  using Scalar = double;
  AnyTracedLayer traced;

  [[nodiscard]] Index in_rows() const { return traced.dim; }
  [[nodiscard]] Index out_rows() const { return traced.dim + 1 + traced.offered; }
  [[nodiscard]] Index side_rows() const { return traced.plain.side; }
  [[nodiscard]] Index widest() const { return std::max(traced.plain.widest, out_rows()); }
  [[nodiscard]] Index parameter_count() const { return traced.plain.parameters; }
  [[nodiscard]] Index tape_size(Index n, Index /*k*/) const { return traced.tape_size(n); }
  void linearize(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index /*n*/,
                 BatchRef<double> Y, std::span<double> tape, Workspace<double>& workspace) const {
    traced.evaluate(theta, S, X, Y, tape, workspace);
  }
  void pullback(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index /*n*/,
                std::span<double> tape, BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar,
                VectorRef<double> theta_bar, Workspace<double>& workspace) const {
    traced.pullback(theta, S, X, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }
};

/// Values are those of the tangent form and the trace is the sum of its d unit tangents; so are the cotangents.
///
/// Tolerance: two sums of a few hundred products of order one, in different orders.
inline void check_against_tangents(const AnyTracedLayer& layer, Index n, Index side_columns) {
  constexpr double tolerance = 1e-12, pullback_tolerance = 1e-10;
  const Index d = layer.dim;
  LayerProblem traced(TracedAsLayer{layer}, n, 0, side_columns, 0), tangents(layer.plain, n, d, side_columns, 0);
  tangents.theta = traced.theta;
  tangents.S = traced.S;
  tangents.X.setZero();
  tangents.X.leftCols(n) = traced.X;
  for (Index k = 0; k < d; ++k) tangents.X.row(k).segment((1 + k) * n, n).setOnes();

  const Batch<double> with_trace = traced.linearize(), with_tangents = tangents.linearize();
  Row<double> trace = Row<double>::Zero(n);
  for (Index k = 0; k < d; ++k) trace += with_tangents.row(k).segment((1 + k) * n, n);
  const double size = with_tangents.lpNorm<Eigen::Infinity>();
  CHECK((with_trace.topRows(d) - with_tangents.leftCols(n)).lpNorm<Eigen::Infinity>() < tolerance * size);
  CHECK((with_trace.row(d) - trace).lpNorm<Eigen::Infinity>() < tolerance * double(d) * size);

  traced.Y_bar.bottomRows(layer.offered).setZero();
  tangents.Y_bar.setZero();
  tangents.Y_bar.leftCols(n) = traced.Y_bar.topRows(d);
  for (Index k = 0; k < d; ++k) tangents.Y_bar.row(k).segment((1 + k) * n, n) = traced.Y_bar.row(d);
  const LayerGradients got = traced.pullback(traced.zero()), expected = tangents.pullback(tangents.zero());
  const double bar_size = std::max(expected.theta.lpNorm<Eigen::Infinity>(), expected.X.lpNorm<Eigen::Infinity>());
  CHECK((got.X - expected.X.leftCols(n)).lpNorm<Eigen::Infinity>() < pullback_tolerance * bar_size);
  CHECK((got.theta - expected.theta).lpNorm<Eigen::Infinity>() < pullback_tolerance * bar_size);
  if (got.S.size() > 0) CHECK((got.S - expected.S).lpNorm<Eigen::Infinity>() < pullback_tolerance * bar_size);
}

/// All laws: for one sample and several, for side inputs that are shared and a column a sample.
inline void check_traced_laws(const AnyTracedLayer& layer) {
  for (const auto& [n, side_columns] : {std::pair<Index, Index>(1, 1), {3, 1}, {3, 3}}) {
    INFO("traced, n = " << n << ", S has " << side_columns << " columns");
    check_layer_laws(TracedAsLayer{layer}, n, 0, side_columns);
    check_against_tangents(layer, n, side_columns);
  }
}

}  // namespace pathline::test
