/// \file
/// A `Dynamics` as the way back over a step that reads the Jacobian sees it: with derivatives of its derivatives.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>

#include <concepts>
#include <span>

namespace pathline {

/// Dynamics whose derivatives are computed exactly and can be pulled back, all of whose rows are path rows: that of a
/// field alone. See `FieldDynamics`.
template <class G>
concept TwiceDifferentiableDynamics =
    Dynamics<G> && !may_have_quadratures<G> &&
    requires(const G g, double t, const Batch<typename G::Scalar>& X, Batch<typename G::Scalar>& to,
             std::span<const typename G::Scalar> times, Vector<typename G::Scalar>& theta_bar,
             Workspace<typename G::Scalar>& workspace) {
  g.jacobian(t, X, to, workspace);
  g.time_derivative(t, X, to, workspace);
  g.pullback_along(t, X, times, to, to, theta_bar, workspace);
};

/// Refers to a `Dynamics` of this scalar, which must outlive it.
template <Real S>
class DynamicsWithDirections : public DynamicsWithJacobian<S> {
 public:
  using Scalar = S;

  /// Refers to nothing; for members that are assigned later.
  DynamicsWithDirections() = default;
  template <Dynamics G>
  requires(std::same_as<typename G::Scalar, Scalar> &&
           !std::same_as<G, DynamicsWithDirections>) explicit DynamicsWithDirections(const G& g)
      : DynamicsWithJacobian<S>(g) {
    static_assert(TwiceDifferentiableDynamics<G>,
                  "Backpropagation: a Rosenbrock method needs the derivatives of the Jacobian of all rows, which those "
                  "of a flow do not offer: take a diagonally implicit method such as Kvaerno5");
    if constexpr (TwiceDifferentiableDynamics<G>) {
      dynamics_ = &g;
      time_derivative_ = &time_derivative_of<G>;
      pullback_along_ = &pullback_along_of<G>;
    }
  }

  /// ∂g/∂t at (t, y); all rows × columns, contiguous.
  void time_derivative(double t, View<const Scalar> y, View<Scalar> dgdt, Workspace<Scalar>& workspace) const {
    eigen_assert(y.contiguous() && dgdt.contiguous());
    time_derivative_(dynamics_, t, y, dgdt, workspace);
  }
  /// As FieldDynamics::pullback_along; all contiguous.
  void pullback_along(double t, View<const Scalar> X, std::span<const Scalar> times, View<Scalar> G_bar,
                      View<Scalar> y_bar, View<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    eigen_assert(X.contiguous() && G_bar.contiguous() && y_bar.contiguous());
    pullback_along_(dynamics_, t, X, times, G_bar, y_bar, theta_bar, workspace);
  }

 private:
  template <class G>
  static void time_derivative_of(const void* dynamics, double t, const View<const Scalar>& y, const View<Scalar>& dgdt,
                                 Workspace<Scalar>& workspace) {
    static_cast<const G*>(dynamics)->time_derivative(t, y, dgdt, workspace);
  }
  template <class G>
  static void pullback_along_of(const void* dynamics, double t, const View<const Scalar>& X,
                                std::span<const Scalar> times, const View<Scalar>& G_bar, const View<Scalar>& y_bar,
                                const View<Scalar>& theta_bar, Workspace<Scalar>& workspace) {
    static_cast<const G*>(dynamics)->pullback_along(t, X, times, G_bar, y_bar, theta_bar, workspace);
  }

  const void* dynamics_ = nullptr;
  void (*time_derivative_)(const void*, double, const View<const Scalar>&, const View<Scalar>&,
                           Workspace<Scalar>&) = nullptr;
  void (*pullback_along_)(const void*, double, const View<const Scalar>&, std::span<const Scalar>, const View<Scalar>&,
                          const View<Scalar>&, const View<Scalar>&, Workspace<Scalar>&) = nullptr;
};

}  // namespace pathline
