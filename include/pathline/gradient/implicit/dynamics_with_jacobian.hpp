/// \file
/// A `Dynamics` as the way back over implicit steps sees it: with the Jacobians of its path rows.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/math/view_loops.hpp>

#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

/// Refers to a `Dynamics` of this scalar, which must outlive it.
template <Real S>
class DynamicsWithJacobian : public DynamicsView<S> {
 public:
  using Scalar = S;

  /// Refers to nothing; for members that are assigned later.
  DynamicsWithJacobian() = default;
  template <Dynamics G>
  requires(std::same_as<typename G::Scalar, Scalar> &&
           !std::same_as<G, DynamicsWithJacobian>) explicit DynamicsWithJacobian(const G& g)
      : DynamicsWithJacobian(g, detail::WholeDynamics()) {}
  /// Looks at `Part::of(whole)`, as DynamicsView does.
  template <class Whole, class Part>
  DynamicsWithJacobian(const Whole& whole, Part which)
      : DynamicsView<S>(whole, which), dynamics_(&whole), jacobian_(&jacobian_of<Whole, Part>) {
    if constexpr (requires(std::vector<double> & room) { Part::of(whole).copies(room, room); })
      if (Part::of(whole).has_copies()) with_copies_ = &with_copies_of<Whole, Part>;
  }

  /// The Jacobians of the path rows at (t, y), sample after sample: J (path_rows × path_rows · n, contiguous), by the
  /// dynamics' own `jacobian`, or row by row by pullbacks where it has none.
  /// \param y  rows × columns, contiguous.
  void jacobian(double t, View<const Scalar> y, View<Scalar> J, Workspace<Scalar>& workspace) const {
    eigen_assert(J.rows() == this->path_rows() && J.cols() == J.rows() * this->columns() && J.contiguous());
    jacobian_(dynamics_, *this, t, y, J, workspace);
  }

  /// Whether with_copies() may be called.
  [[nodiscard]] bool has_copies() const noexcept { return with_copies_ != nullptr; }
  /// Calls `use(dynamics)` with those of a copy of all samples for each of some times, as FieldDynamics::copies.
  template <class Use>
  void with_copies(std::span<const double> times, std::vector<double>& room, Use&& use) const {
    with_copies_(dynamics_, times, room, &use, [](void* to, const DynamicsWithJacobian& copies) {
      (*static_cast<std::remove_reference_t<Use>*>(to))(copies);
    });
  }

 private:
  using UseCopies = void (*)(void*, const DynamicsWithJacobian&);

  template <class Whole, class Part>
  static void with_copies_of(const void* dynamics, std::span<const double> times, std::vector<double>& room, void* to,
                             UseCopies use) {
    const auto copies = Part::of(*static_cast<const Whole*>(dynamics)).copies(times, room);
    use(to, DynamicsWithJacobian(copies));
  }

  template <class Whole, class Part>
  static void jacobian_of(const void* dynamics, [[maybe_unused]] const DynamicsView<S>& any, double t,
                          const View<const Scalar>& y, const View<Scalar>& J, Workspace<Scalar>& workspace) {
    const auto& g = Part::of(*static_cast<const Whole*>(dynamics));
    if constexpr (requires(const Eigen::Ref<const Batch<Scalar>> state, Eigen::Ref<Batch<Scalar>> to) {
                    g.jacobian(t, state, to, workspace);
                  }) {
      const Eigen::Ref<const Batch<Scalar>> state = y;
      Eigen::Ref<Batch<Scalar>> to = J;
      g.jacobian(t, state, to, workspace);
    } else {
      by_pullbacks(any, t, y, J, workspace);
    }
  }

  static void by_pullbacks(const DynamicsView<S>& any, double t, const View<const Scalar>& y, const View<Scalar>& J,
                           Workspace<Scalar>& workspace) {
    const Index d = any.path_rows(), n = any.columns();
    typename Workspace<Scalar>::Frame frame(workspace);
    const std::span<Scalar> tape = frame.scalars(any.tape_size());
    const View<Scalar> dy = frame.batch(any.rows(), n), row = frame.batch(d, n),
                       no_theta = frame.vector(any.parameter_count());
    Scalar no_time(0);
    any.evaluate(t, y, dy, tape, workspace);
    detail::fill<Scalar>(dy, 0);
    detail::fill<Scalar>(no_theta, 0);
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < n; ++j) dy(i, j) = Scalar(1);
      any.pullback(t, tape, dy, row, no_theta, no_time, workspace);
      for (Index j = 0; j < n; ++j) {
        dy(i, j) = Scalar(0);
        for (Index k = 0; k < d; ++k) J(i, j * d + k) = row(k, j);
      }
    }
  }

  const void* dynamics_ = nullptr;
  void (*jacobian_)(const void*, const DynamicsView<S>&, double, const View<const Scalar>&, const View<Scalar>&,
                    Workspace<Scalar>&) = nullptr;
  void (*with_copies_)(const void*, std::span<const double>, std::vector<double>&, void*, UseCopies) = nullptr;
};

}  // namespace pathline
