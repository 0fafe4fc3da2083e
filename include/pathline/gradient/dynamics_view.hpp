/// \file
/// Any `Dynamics` of a scalar as one type, for compile time: solvers and gradient methods are compiled once for a
/// scalar and a method, and not once more for each field, trace and set of regularizers. The price is one call by
/// pointer for each evaluation of a chunk.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>

#include <concepts>
#include <span>

namespace pathline {

namespace detail {
/// A `Dynamics` as it is, where a view may also look at a part of one: gradient/parts/part_dynamics.hpp.
struct WholeDynamics {
  template <class G>
  [[nodiscard]] static const G& of(const G& g) {
    return g;
  }
};
/// The dynamics of its path rows alone.
struct PathPart {
  template <HasPathDynamics G>
  [[nodiscard]] static auto of(const G& g) {
    return g.path_dynamics();
  }
};
}  // namespace detail

/// Refers to a `Dynamics` of this scalar, which must outlive it, and is a `Dynamics` itself.
template <Real S>
class DynamicsView {
 public:
  using Scalar = S;

  /// Refers to nothing; for members that are assigned later.
  DynamicsView() = default;
  template <Dynamics G>
  requires(std::same_as<typename G::Scalar, Scalar> && !std::same_as<G, DynamicsView>) explicit DynamicsView(const G& g)
      : DynamicsView(g, detail::WholeDynamics()) {}
  /// Looks at `Part::of(whole)`, which is made anew for each call.
  template <class Whole, class Part>
  DynamicsView(const Whole& whole, Part /*which*/)
      : DynamicsView(&whole, Part::of(whole), &evaluate_of<Whole, Part>, &pullback_of<Whole, Part>) {
    if constexpr (HasPathDynamics<Whole> && std::same_as<Part, detail::WholeDynamics>) path_ = &path_of<Whole>;
  }

  [[nodiscard]] Index rows() const noexcept { return rows_; }
  [[nodiscard]] Index columns() const noexcept { return columns_; }
  [[nodiscard]] Index path_rows() const noexcept { return path_rows_; }
  [[nodiscard]] Index error_rows() const noexcept { return error_rows_; }
  [[nodiscard]] Index parameter_count() const noexcept { return parameter_count_; }
  [[nodiscard]] Index tape_size() const noexcept { return tape_size_; }
  [[nodiscard]] Index evaluation_tape_size() const noexcept { return evaluation_tape_size_; }
  /// Whether there is path_dynamics(), a view of the path rows alone.
  [[nodiscard]] bool has_path_dynamics() const noexcept { return path_ != nullptr; }
  [[nodiscard]] DynamicsView path_dynamics() const { return path_(dynamics_); }

  /// y, dy: rows × columns, contiguous.
  void evaluate(double t, View<const Scalar> y, View<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    eigen_assert(y.rows() == rows_ && y.cols() == columns_ && dy.rows() == rows_ && dy.cols() == columns_);
    eigen_assert(y.contiguous() && dy.contiguous());
    evaluate_(dynamics_, t, y.data(), dy.data(), tape, workspace);
  }
  /// dy_bar (rows × columns), path_bar (path_rows × columns): contiguous.
  void pullback(double t, std::span<Scalar> tape, View<const Scalar> dy_bar, View<Scalar> path_bar,
                View<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    eigen_assert(dy_bar.rows() == rows_ && dy_bar.cols() == columns_ && dy_bar.contiguous());
    eigen_assert(path_bar.rows() == path_rows_ && path_bar.contiguous() && theta_bar.size() == parameter_count_);
    pullback_(dynamics_, t, tape, dy_bar.data(), path_bar.data(), theta_bar.data(), t_bar, workspace);
  }

 private:
  using Evaluate = void (*)(const void*, double, const Scalar*, Scalar*, std::span<Scalar>, Workspace<Scalar>&);
  using Pullback = void (*)(const void*, double, std::span<Scalar>, const Scalar*, Scalar*, Scalar*, Scalar&,
                            Workspace<Scalar>&);

  template <class G>
  DynamicsView(const void* dynamics, const G& g, Evaluate evaluate_it, Pullback pull_it_back)
      : dynamics_(dynamics),
        evaluate_(evaluate_it),
        pullback_(pull_it_back),
        rows_(g.rows()),
        columns_(g.columns()),
        path_rows_(g.path_rows()),
        error_rows_(g.error_rows()),
        parameter_count_(g.parameter_count()),
        tape_size_(g.tape_size()),
        evaluation_tape_size_(detail::evaluation_tape_size(g)) {}

  template <class Whole, class Part>
  static void evaluate_of(const void* dynamics, double t, const Scalar* y, Scalar* dy, std::span<Scalar> tape,
                          Workspace<Scalar>& workspace) {
    const auto& g = Part::of(*static_cast<const Whole*>(dynamics));
    const Eigen::Ref<const Batch<Scalar>> state = View<const Scalar>(y, g.rows(), g.columns());
    Eigen::Ref<Batch<Scalar>> slope = View<Scalar>(dy, g.rows(), g.columns());
    g.evaluate(t, state, slope, tape, workspace);
  }
  template <class Whole>
  static DynamicsView path_of(const void* dynamics) {
    return DynamicsView(*static_cast<const Whole*>(dynamics), detail::PathPart());
  }
  template <class Whole, class Part>
  static void pullback_of(const void* dynamics, double t, std::span<Scalar> tape, const Scalar* dy_bar,
                          Scalar* path_bar, Scalar* theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) {
    const auto& g = Part::of(*static_cast<const Whole*>(dynamics));
    const Eigen::Ref<const Batch<Scalar>> slope = View<const Scalar>(dy_bar, g.rows(), g.columns());
    Eigen::Ref<Batch<Scalar>> path = View<Scalar>(path_bar, g.path_rows(), g.columns());
    Eigen::Ref<Vector<Scalar>> theta = View<Scalar>(theta_bar, g.parameter_count(), 1);
    g.pullback(t, tape, slope, path, theta, t_bar, workspace);
  }

  const void* dynamics_ = nullptr;
  Evaluate evaluate_ = nullptr;
  Pullback pullback_ = nullptr;
  DynamicsView (*path_)(const void*) = nullptr;
  Index rows_ = 0, columns_ = 0, path_rows_ = 0, error_rows_ = 0, parameter_count_ = 0, tape_size_ = 0,
        evaluation_tape_size_ = 0;
};

}  // namespace pathline
