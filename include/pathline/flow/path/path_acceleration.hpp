/// \file
/// The acceleration of a path, z'' = ∂f/∂t + J f: one directional derivative along (1, f), which depends on f and so
/// takes a sweep of its own through the field. docs/maths.md, (9.8).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
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
  void evaluate(double t, View<const Scalar> Z, View<const Scalar> velocity, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    const Parts parts(*this, tape);
    detail::copy<Scalar>(Z, parts.X.leftCols(n_));
    detail::copy<Scalar>(velocity, parts.X.rightCols(n_));
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<const Scalar> S = side_.with_derivative(t, n_, frame);
    field_.linearize(S, parts.X, n_, parts.FA, parts.field, workspace);
  }

  /// d × n.
  [[nodiscard]] ConstBatchMap<Scalar> value(std::span<Scalar> tape) const {
    return ConstBatchMap<Scalar>(Parts(*this, tape).FA.data() + field_.dim() * n_, field_.dim(), n_);
  }

  /// Given A_bar (d × n): adds to Z_bar, velocity_bar, t_bar and the cotangents of θ and context.
  void pullback(double t, std::span<Scalar> tape, View<const Scalar> A_bar, View<Scalar> Z_bar,
                View<Scalar> velocity_bar, View<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> FA_bar = frame.batch(d, 2 * n_), X_bar = frame.batch(d, 2 * n_);
    const View<Scalar> S_bar = frame.batch(side_.rows(), 2 * n_);
    const View<const Scalar> S = side_.with_derivative(t, n_, frame);
    detail::fill<Scalar>(FA_bar.leftCols(n_), 0);
    detail::copy<Scalar>(A_bar, FA_bar.rightCols(n_));
    detail::fill<Scalar>(S_bar, 0);
    field_.pullback(S, parts.X, n_, parts.field, FA_bar, X_bar, S_bar, theta_bar.head(detail::parameter_count(field_)),
                    workspace);
    detail::add<Scalar>(X_bar.leftCols(n_), Z_bar);
    detail::add<Scalar>(X_bar.rightCols(n_), velocity_bar);
    side_.pullback(S_bar.leftCols(n_), theta_bar, t_bar);
  }

 private:
  struct Parts {
    Parts(const PathAcceleration& at, std::span<Scalar> tape) : Parts(at, Slices<Scalar>(tape)) {}
    Parts(const PathAcceleration& at, Slices<Scalar> slices)
        : X(slices.batch(at.field_.dim(), 2 * at.n_)),
          FA(slices.batch(at.field_.dim(), 2 * at.n_)),
          field(slices.scalars(at.field_.tape_size(at.n_, 1))) {}
    View<Scalar> X, FA;
    std::span<Scalar> field;
  };

  const F& field_;
  SideInputs<Scalar> side_;
  Index n_;
};

}  // namespace pathline
