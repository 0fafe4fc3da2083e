/// \file
/// The right-hand side of a flow's samples with their score: along a path from the base density to the data,
///
///     y = [ z ; ℓ ; s ; c_1 … c_r ],   z' = f(t, z),   ℓ' = tr ∂f/∂z,   s' = -∂(sᵀf + tr ∂f/∂z)/∂z
///
/// where s = ∂ log q/∂z is the score of the density at (t, z): docs/maths.md, (15.3). Vaitl, Nicoli, Nakajima & Kessel
/// 2022, "Path-gradient estimators for continuous normalizing flows".
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

#include <span>
#include <tuple>
#include <type_traits>

namespace pathline::detail {

/// Meets `Dynamics` for a loss that does not depend on ℓ, and on s as a constant: the way back goes through z and the
/// costs alone. Without costs it needs no trace: it evaluates the field again, at the z that the way out kept.
/// \tparam Augmented  `AugmentedDynamics` of the field, its trace and its regularizers.
template <class Augmented, class Field>
class ScoreDynamics {
 public:
  using Scalar = typename Augmented::Scalar;

  template <class OnPath, class... Regularizers>
  ScoreDynamics(const OnPath& on_path, const std::tuple<Regularizers...>& regularizers, const SideInputs<Scalar>& side)
      : augmented_(on_path, regularizers, side), field_(on_path.field(), on_path.columns(), side) {}

  [[nodiscard]] Index rows() const { return path_rows() + costs(); }
  [[nodiscard]] Index columns() const { return augmented_.columns(); }
  [[nodiscard]] Index path_rows() const { return 2 * dim() + 1; }
  [[nodiscard]] Index error_rows() const { return path_rows(); }
  [[nodiscard]] Index parameter_count() const { return augmented_.parameter_count(); }
  [[nodiscard]] Index tape_size() const { return Slices<Scalar>::size(dim() * columns()); }

  /// y, dy: rows × columns.
  void evaluate(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    const Index d = dim(), n = columns();
    const View<const Scalar> at(y);
    const View<Scalar> slopes(dy);
    copy<Scalar>(at.topRows(d), Slices<Scalar>(tape).batch(d, n));
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> inner = frame.batch(d + 1 + costs(), n), bar = frame.batch(d + 1 + costs(), n),
                       Z_bar = frame.batch(d, n), theta_bar = frame.scalars(parameter_count());
    const std::span<Scalar> of_field = frame.scalars(augmented_.tape_size());
    augmented_.evaluate(t, at.topRows(d), inner, of_field, workspace);
    copy<Scalar>(inner.topRows(d + 1), slopes.topRows(d + 1));
    copy<Scalar>(inner.bottomRows(costs()), slopes.bottomRows(costs()));
    copy<Scalar>(at.middleRows(d + 1, d), bar.topRows(d));
    fill<Scalar>(bar.row(d), 1);
    fill<Scalar>(bar.bottomRows(costs()), 0);
    fill<Scalar>(theta_bar, 0);  // nobody reads it
    Scalar t_bar(0);
    augmented_.pullback(t, of_field, bar, Z_bar, theta_bar, t_bar, workspace);
    set_scaled<Scalar>(-1, Z_bar, slopes.middleRows(d + 1, d));
  }

  /// dy_bar: rows × columns, 0 for ℓ and s; overwrites path_bar (path_rows × columns), adds to theta_bar and t_bar.
  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    const Index d = dim(), n = columns();
    const View<const Scalar> slopes_bar(dy_bar);
    const View<Scalar> y_bar(path_bar), Z = Slices<Scalar>(tape).batch(d, n);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> slopes = frame.batch(d + 1 + costs(), n), bar = frame.batch(d + 1 + costs(), n),
                       Z_bar = frame.batch(d, n);
    if (costs() == 0) {
      const std::span<Scalar> of_field = frame.scalars(field_.tape_size());
      field_.evaluate(t, Z, slopes.topRows(d), of_field, workspace);
      field_.pullback(t, of_field, slopes_bar.topRows(d), Z_bar, theta_bar, t_bar, workspace);
    } else {
      const std::span<Scalar> of_field = frame.scalars(augmented_.tape_size());
      augmented_.evaluate(t, Z, slopes, of_field, workspace);
      copy<Scalar>(slopes_bar.topRows(d), bar.topRows(d));
      fill<Scalar>(bar.row(d), 0);
      copy<Scalar>(slopes_bar.bottomRows(costs()), bar.bottomRows(costs()));
      augmented_.pullback(t, of_field, bar, Z_bar, theta_bar, t_bar, workspace);
    }
    copy<Scalar>(Z_bar, y_bar.topRows(d));
    fill<Scalar>(y_bar.bottomRows(d + 1), 0);
  }

 private:
  [[nodiscard]] Index dim() const { return augmented_.path_rows(); }
  [[nodiscard]] static constexpr Index costs() { return Augmented::cost_rows(); }

  Augmented augmented_;
  FieldDynamics<Field> field_;
};

}  // namespace pathline::detail
