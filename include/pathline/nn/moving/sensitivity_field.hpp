/// \file
/// A vector field together with the derivatives of its path by all of θ: the variational equations of a solve.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace pathline {

/// [z; vec W] ↦ [f(t, z; θ); vec(f_z W + f_θ)], a field of d (1 + p) rows. Where W starts at 0 it is ∂z/∂θ (d × p),
/// column after column (Hairer, Nørsett & Wanner I, section I.14).
///
/// Steps are those of the field alone: z alone enters the error norm, and a batch is cut as for the field. So an
/// explicit solve gives the derivative of the numbers that it computes, steps being constants.
///
/// An evaluation costs one of each sample by itself and d pullbacks of it, which give the rows of both Jacobians; and
/// d² p operations. It is for solves by explicit methods, and for nothing else: it has no Jacobian and no pullback.
template <Field F>
class SensitivityField {
 public:
  using Scalar = typename F::Scalar;

  explicit SensitivityField(F field) : field_(std::move(field)) {}

  [[nodiscard]] Index dim() const { return field_.dim() * (1 + count()); }
  [[nodiscard]] Index error_rows() const {
    if constexpr (requires { field_.error_rows(); })
      return field_.error_rows();
    else
      return field_.dim();
  }
  [[nodiscard]] Index side_rows() const { return field_.side_rows(); }
  [[nodiscard]] Index widest() const { return field_.widest(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return field_.parameters(); }
  [[nodiscard]] decltype(auto) parameters() noexcept { return field_.parameters(); }
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const { return 0; }

  /// \throws Error for tangents, which would take second derivatives.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y,
                 std::span<Scalar> /*tape*/, Workspace<Scalar>& workspace) const {
    if (X.cols() != n)
      throw Error(
          "SensitivityField: it has no tangents, which would take second derivatives; solve it by an explicit "
          "method");
    const Index d = field_.dim(), p = count();
    const View<const Scalar> side(S), x(X);
    const View<Scalar> y(Y);
    typename Workspace<Scalar>::Frame frame(workspace);
    const std::span<Scalar> tape = frame.scalars(field_.tape_size(1, 0));
    const View<Scalar> f_z = frame.batch(d, d), f_theta = frame.batch(p, d), bar = frame.batch(d, 1),
                       side_bar = frame.batch(side.rows(), 1);
    for (Index j = 0; j < n; ++j) {
      const View<const Scalar> s = side.col(side.cols() == 1 ? 0 : j), z = x.col(j).head(d);
      field_.linearize(s, z, 1, y.col(j).head(d), tape, workspace);
      detail::fill<Scalar>(f_theta, 0);
      for (Index i = 0; i < d; ++i) {  // row i of f_z and of f_θ, each as a column
        detail::fill<Scalar>(bar, 0);
        detail::fill<Scalar>(side_bar, 0);
        bar(i) = 1;
        field_.pullback(s, z, 1, tape, bar, f_z.col(i), side_bar, f_theta.col(i), workspace);
      }
      for (Index q = 0; q < p; ++q) {
        const View<const Scalar> w = x.col(j).segment(d * (1 + q), d);
        const View<Scalar> dw = y.col(j).segment(d * (1 + q), d);
        for (Index i = 0; i < d; ++i) {
          Scalar sum = f_theta(q, i);
          for (Index l = 0; l < d; ++l) sum += f_z(l, i) * w(l);
          dw(i) = sum;
        }
      }
    }
  }

  /// \throws Error always.
  void pullback(ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> /*X*/, Index /*n*/, std::span<Scalar> /*tape*/,
                BatchRef<Scalar> /*Y_bar*/, BatchRef<Scalar> /*X_bar*/, BatchRef<Scalar> /*S_bar*/,
                VectorRef<Scalar> /*theta_bar*/, Workspace<Scalar>& /*workspace*/) const {
    throw Error("SensitivityField: it has no pullback, which would take second derivatives by theta; solve it only");
  }

 private:
  [[nodiscard]] Index count() const { return field_.parameters().size(); }

  F field_;
};

}  // namespace pathline
