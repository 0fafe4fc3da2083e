/// \file
/// The jerk of a path, z''', by three sweeps of the field in Taylor mode (nn/taylor/path_derivatives.hpp).
/// docs/maths.md, sections 9 and 11.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/taylor/path_derivatives.hpp>
#include <pathline/nn/taylor/taylor.hpp>

#include <span>

namespace pathline {

template <TaylorField F>
class PathJerk {
 public:
  using Scalar = typename F::Scalar;

  /// Refers to the field and the side inputs' context.
  PathJerk(const F& field, const SideInputs<Scalar>& side, Index columns) : field_(field), side_(side), n_(columns) {}

  [[nodiscard]] Index tape_size() const {
    return Slices<Scalar>::size(field_.dim() * 3 * n_) +
           Slices<Scalar>::size(path_derivatives_tape_size(field_, n_, 3));
  }

  void evaluate(double t, View<const Scalar> Z, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    const View<Scalar> D = slices.batch(field_.dim(), 3 * n_);
    typename Workspace<Scalar>::Frame frame(workspace);
    path_derivatives(field_, View<const Scalar>(side_.at(t, frame)), Z, D, sweeps(slices), workspace);
  }

  /// d × n.
  [[nodiscard]] ConstBatchMap<Scalar> value(std::span<Scalar> tape) const {
    return ConstBatchMap<Scalar>(tape.data() + field_.dim() * 2 * n_, field_.dim(), n_);
  }

  /// Given jerk_bar (d × n): adds to Z_bar, t_bar and the cotangents of θ and context.
  void pullback(double /*t*/, std::span<Scalar> tape, View<const Scalar> jerk_bar, View<Scalar> Z_bar,
                View<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    (void)slices.batch(field_.dim(), 3 * n_);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> D_bar = frame.batch(field_.dim(), 3 * n_), S_bar = side_.zero(frame);
    detail::fill<Scalar>(D_bar.leftCols(2 * n_), 0);
    detail::copy<Scalar>(jerk_bar, D_bar.rightCols(n_));
    pullback_path_derivatives(field_, sweeps(slices), D_bar, Z_bar, S_bar,
                              theta_bar.head(detail::parameter_count(field_)), workspace);
    side_.pullback(S_bar, theta_bar, t_bar);
  }

 private:
  [[nodiscard]] std::span<Scalar> sweeps(Slices<Scalar>& slices) const {
    return slices.scalars(path_derivatives_tape_size(field_, n_, 3));
  }

  const F& field_;
  SideInputs<Scalar> side_;
  Index n_;
};

}  // namespace pathline
