/// \file
/// The right-hand side of the adjoint's way back, docs/maths.md (6.3), whatever the solver keeps as its state.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/adjoint/kept_path.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/math/view_loops.hpp>

#include <cstdint>
#include <span>

namespace pathline {

/// Which rows of the backward state steer its steps: the path and its adjoint alone, or the parameters' cotangent too.
enum class AdjointNorm : std::uint8_t { seminorm, full };

namespace detail {

/// z' = f, a' = -Jᵀ a, θ̄' = -f_θᵀ a, where z is solved again or read from a path that was kept.
template <Real Scalar>
struct AdjointField {
  const DynamicsView<Scalar>& dynamics;
  Workspace<Scalar>& workspace;
  View<Scalar> y_bar;                ///< Its quadrature rows, which are constant in time, are read.
  KeptPath<Scalar>* path = nullptr;  ///< None: z is solved again.

  [[nodiscard]] Index path_rows() const noexcept { return dynamics.path_rows(); }
  [[nodiscard]] Index columns() const noexcept { return dynamics.columns(); }
  /// Blocks of path rows in the state of the way back: z and a, or a alone.
  [[nodiscard]] Index blocks() const noexcept { return path == nullptr ? 2 : 1; }

  /// At z, or on the path at t, overwrites f (all rows × columns) and a_bar = factor · Jᵀ a, and adds factor · f_θᵀ a
  /// to theta_bar. a (path rows × columns) may have a stride; what is written is contiguous.
  void pull_back(double t, View<const Scalar> z, View<const Scalar> a, Scalar factor, View<Scalar> f,
                 View<Scalar> a_bar, View<Scalar> theta_bar) const {
    const Index d = path_rows(), n = columns(), rows = dynamics.rows();
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> y = frame.batch(rows, n), dy_bar = frame.batch(rows, n);
    if (path == nullptr) {
      detail::copy<Scalar>(z, y.topRows(d));
    } else if (rows == d) {
      path->evaluate(t, y);
    } else {
      const View<Scalar> on_path = frame.batch(d, n);
      path->evaluate(t, on_path);
      detail::copy<Scalar>(on_path, y.topRows(d));
    }
    detail::fill<Scalar>(y.bottomRows(rows - d), 0);
    detail::set_scaled<Scalar>(factor, a, dy_bar.topRows(d));
    detail::set_scaled<Scalar>(factor, y_bar.bottomRows(rows - d), dy_bar.bottomRows(rows - d));
    const std::span<Scalar> tape = frame.scalars(dynamics.tape_size());
    Scalar t_bar(0);
    dynamics.evaluate(t, y, f, tape, workspace);
    dynamics.pullback(t, tape, dy_bar, a_bar, theta_bar, t_bar, workspace);
  }
};

}  // namespace detail
}  // namespace pathline
