/// \file
/// The one right-hand side of a continuous normalizing flow: sample, log-determinant and running costs in one state.
///
///     y = [ z ; ℓ ; c_1 … c_r ],   z' = f(t, z),   ℓ' = tr ∂f/∂z = w Σ_j v_jᵀ J v_j,   c_i' = the i-th regularizer
///
/// At each evaluation the field is linearized once, along the tangents V of the trace estimator, and every row is
/// filled from the result. V is fixed for the solve: noise drawn anew at each evaluation would make g no function of t
/// and y, and step control would chase it. docs/maths.md, sections 7 and 8.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/path_point.hpp>
#include <pathline/flow/regularizers.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>

#include <span>
#include <tuple>

namespace pathline {

/// Meets `Dynamics`. Refers to the field, the tangents and the regularizers, which must outlive it.
template <Field F, class... Regularizers>
class AugmentedDynamics {
 public:
  using Scalar = typename F::Scalar;

  /// \param V       Tangents, d × kn, contiguous. \param weight  w of the trace estimator.
  AugmentedDynamics(const F& field, const std::tuple<Regularizers...>& regularizers, const BatchMap<Scalar>& V,
                    Scalar weight, Index columns)
      : field_(field), regularizers_(regularizers), V_(V), weight_(weight), n_(columns), k_(V.cols() / columns) {}

  [[nodiscard]] static constexpr Index cost_rows() noexcept { return Index(sizeof...(Regularizers)); }
  [[nodiscard]] Index rows() const { return field_.dim() + 1 + cost_rows(); }
  [[nodiscard]] Index columns() const noexcept { return n_; }
  [[nodiscard]] Index path_rows() const { return field_.dim(); }
  /// z and ℓ steer the steps, costs do not.
  [[nodiscard]] Index error_rows() const { return field_.dim() + 1; }
  [[nodiscard]] Index parameter_count() const { return field_.parameters().size(); }
  [[nodiscard]] Index tape_size() const {
    return 2 * Slices<Scalar>::size(field_.dim() * n_ * (1 + k_)) + Slices<Scalar>::size(field_.tape_size(n_, k_));
  }

  /// y, dy: rows × columns.
  void evaluate(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    BatchMap<Scalar> X = parts.X, FJ = parts.FJ;
    X.leftCols(n_) = y.topRows(d);
    X.rightCols(k_ * n_) = V_;
    field_.linearize(Eigen::Matrix<Scalar, 1, 1>(Scalar(t)), X, n_, FJ, parts.field, workspace);
    dy.topRows(d) = FJ.leftCols(n_);
    auto divergence = dy.row(d);
    divergence.setZero();
    for (Index j = 0; j < k_; ++j)
      divergence += X.middleCols((1 + j) * n_, n_).cwiseProduct(FJ.middleCols((1 + j) * n_, n_)).colwise().sum();
    divergence *= weight_;
    const PathPoint<Scalar> at = point(t, parts);
    Index row = d + 1;
    std::apply([&](const auto&... regularizer) { (regularizer.evaluate(at, RowRef<Scalar>(dy.row(row++))), ...); },
               regularizers_);
  }

  /// dy_bar: rows × columns; overwrites path_bar (d × columns), adds to theta_bar and t_bar.
  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> FJ_bar = frame.batch(d, n_ * (1 + k_)), X_bar = frame.batch(d, n_ * (1 + k_));
    FJ_bar.leftCols(n_) = dy_bar.topRows(d);
    for (Index j = 0; j < k_; ++j)  // column by column: a row-wise product of an expression would allocate
      for (Index i = 0; i < n_; ++i) FJ_bar.col((1 + j) * n_ + i) = (weight_ * dy_bar(d, i)) * V_.col(j * n_ + i);
    Eigen::Matrix<Scalar, 1, 1> S_bar(Scalar(0));
    const Eigen::Matrix<Scalar, 1, 1> S{Scalar(t)};
    if constexpr (sizeof...(Regularizers) > 0) {
      PathPointBar<Scalar> bar{frame.batch(d, n_), BatchMap<Scalar>(FJ_bar.data(), d, n_),
                               BatchMap<Scalar>(FJ_bar.data() + d * n_, d, n_ * k_)};
      bar.Z.setZero();
      const PathPoint<Scalar> at = point(t, parts);
      Index row = d + 1;
      std::apply([&](const auto&... regularizer) { (regularizer.pullback(at, dy_bar.row(row++), bar), ...); },
                 regularizers_);
      field_.pullback(S, parts.X, n_, parts.field, FJ_bar, X_bar, S_bar, theta_bar, workspace);
      path_bar = X_bar.leftCols(n_) + bar.Z;
    } else {
      field_.pullback(S, parts.X, n_, parts.field, FJ_bar, X_bar, S_bar, theta_bar, workspace);
      path_bar = X_bar.leftCols(n_);
    }
    t_bar += S_bar(0);
  }

  /// Of the path rows: J (d × dn), sample after sample.
  void jacobian(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> J, Workspace<Scalar>& workspace) const {
    field_jacobian(field_, t, y.topRows(field_.dim()), J, workspace);
  }

 private:
  // The tape: the packed input [Z V], the packed output [F JV], and the field's own.
  struct Parts {
    Parts(const AugmentedDynamics& g, std::span<Scalar> tape) : Parts(g, Slices<Scalar>(tape)) {}
    Parts(const AugmentedDynamics& g, Slices<Scalar> slices)
        : X(slices.batch(g.field_.dim(), g.n_ * (1 + g.k_))),
          FJ(slices.batch(g.field_.dim(), g.n_ * (1 + g.k_))),
          field(slices.scalars(g.field_.tape_size(g.n_, g.k_))) {}
    BatchMap<Scalar> X, FJ;
    std::span<Scalar> field;
  };

  [[nodiscard]] PathPoint<Scalar> point(double t, const Parts& parts) const {
    const Index d = field_.dim();
    using Block = typename PathPoint<Scalar>::Block;
    return {t,
            Block(parts.X.data(), d, n_),
            Block(parts.X.data() + d * n_, d, n_ * k_),
            Block(parts.FJ.data(), d, n_),
            Block(parts.FJ.data() + d * n_, d, n_ * k_),
            weight_};
  }

  const F& field_;
  const std::tuple<Regularizers...>& regularizers_;
  BatchMap<Scalar> V_;
  Scalar weight_;
  Index n_, k_;
};

}  // namespace pathline
