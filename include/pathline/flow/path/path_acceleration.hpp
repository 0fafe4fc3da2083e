/// \file
/// The acceleration of a path, z'' = ∂f/∂t + J f: one directional derivative along (1, f), which depends on f and so
/// takes a sweep of its own through the field. docs/maths.md, (9.8).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/nn/layer.hpp>

#include <span>

namespace pathline {

template <VectorField F>
class PathAcceleration {
 public:
  using Scalar = typename F::Scalar;

  /// Refers to the field and the side inputs' context.
  PathAcceleration(const F& field, const SideInputs<Scalar>& side, Index columns)
      : field_(field), side_(side), n_(columns) {}

  [[nodiscard]] Index tape_size() const {
    return 2 * Slices<Scalar>::size(field_.dim() * 2 * n_) + Slices<Scalar>::size(field_.tape_size(n_, 1));
  }

  /// \param velocity  f(t, Z), d × n.
  void evaluate(double t, ConstBatchRef<Scalar> Z, ConstBatchRef<Scalar> velocity, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    Parts parts(*this, tape);
    parts.X.leftCols(n_) = Z;
    parts.X.rightCols(n_) = velocity;
    typename Workspace<Scalar>::Frame frame(workspace);
    field_.linearize(side_.with_derivative(t, n_, frame), parts.X, n_, parts.FA, parts.field, workspace);
  }

  /// d × n.
  [[nodiscard]] ConstBatchMap<Scalar> value(std::span<Scalar> tape) const {
    return ConstBatchMap<Scalar>(Parts(*this, tape).FA.data() + field_.dim() * n_, field_.dim(), n_);
  }

  /// Given A_bar (d × n): adds to Z_bar, velocity_bar, t_bar and the cotangents of θ and context.
  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> A_bar, BatchRef<Scalar> Z_bar,
                BatchRef<Scalar> velocity_bar, VectorRef<Scalar> theta_bar, Scalar& t_bar,
                Workspace<Scalar>& workspace) const {
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> FA_bar = frame.batch(d, 2 * n_), X_bar = frame.batch(d, 2 * n_);
    BatchMap<Scalar> S_bar = frame.batch(side_.rows(), 2 * n_);
    FA_bar.leftCols(n_).setZero();
    FA_bar.rightCols(n_) = A_bar;
    S_bar.setZero();
    field_.pullback(side_.with_derivative(t, n_, frame), parts.X, n_, parts.field, FA_bar, X_bar, S_bar,
                    theta_bar.head(detail::parameter_count(field_)), workspace);
    Z_bar += X_bar.leftCols(n_);
    velocity_bar += X_bar.rightCols(n_);
    side_.pullback(S_bar.leftCols(n_), theta_bar, t_bar);
  }

 private:
  struct Parts {
    Parts(const PathAcceleration& at, std::span<Scalar> tape) : Parts(at, Slices<Scalar>(tape)) {}
    Parts(const PathAcceleration& at, Slices<Scalar> slices)
        : X(slices.batch(at.field_.dim(), 2 * at.n_)),
          FA(slices.batch(at.field_.dim(), 2 * at.n_)),
          field(slices.scalars(at.field_.tape_size(at.n_, 1))) {}
    BatchMap<Scalar> X, FA;
    std::span<Scalar> field;
  };

  const F& field_;
  SideInputs<Scalar> side_;
  Index n_;
};

}  // namespace pathline
