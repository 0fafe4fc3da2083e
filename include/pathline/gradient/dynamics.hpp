/// \file
/// What a gradient method knows of the thing that it differentiates: g(t, y; θ) on a chunk of columns, its tape, and
/// its pullback. It knows neither networks nor flows.
///
/// *Path rows* (the first `path_rows()` of y) feed back into g; the rows below them are quadratures (log-determinant,
/// running costs): they do not enter g, so that their cotangents are constant in time. docs/maths.md, section 6.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/ode/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// The right-hand side of one chunk, differentiable.
///
/// - `rows()`, `columns()`: shape of y. `path_rows()`: rows that feed back. `error_rows()`: rows that the error norm
///   of the step control sees.
/// - `parameter_count()`: length of θ. `tape_size()`: scalars that one evaluation leaves for its pullback.
///   `evaluation_tape_size()`, if it has that: scalars that evaluate() takes instead where no pullback follows.
/// - `path_dynamics()`, if it has that: the dynamics of the path rows alone, with the same parameters, in a value that
///   refers to no more than this does. Stages whose quadratures nobody reads are evaluated by it (HasPathSlope). A
///   class that derives from such a dynamics and changes evaluate() has to declare its own: it inherits that of its
///   base.
/// - `evaluate(t, y, dy, tape, workspace)`: dy = g(t, y).
/// - `pullback(t, tape, dy_bar, path_bar, theta_bar, t_bar, workspace)`: overwrites path_bar (path_rows × columns),
///   adds to theta_bar and t_bar. A tape may be pulled back any number of times.
template <class G>
concept Dynamics = Real<typename G::Scalar> &&
    requires(const G g, double t, const Batch<typename G::Scalar>& y, Batch<typename G::Scalar>& dy,
             std::span<typename G::Scalar> tape, Workspace<typename G::Scalar>& workspace,
             Vector<typename G::Scalar>& theta_bar, typename G::Scalar& t_bar) {
  { g.rows() } -> std::convertible_to<Index>;
  { g.columns() } -> std::convertible_to<Index>;
  { g.path_rows() } -> std::convertible_to<Index>;
  { g.error_rows() } -> std::convertible_to<Index>;
  { g.parameter_count() } -> std::convertible_to<Index>;
  { g.tape_size() } -> std::convertible_to<Index>;
  g.evaluate(t, y, dy, tape, workspace);
  g.pullback(t, tape, y, dy, theta_bar, t_bar, workspace);
};

template <class G>
concept HasPathDynamics = Dynamics<G> && requires(const G g) {
  { g.path_dynamics() } -> Dynamics;
};

namespace detail {

template <class G>
concept GivesJacobian = requires(const G g, double t, const Batch<typename G::Scalar>& y, Batch<typename G::Scalar>& J,
                                 Workspace<typename G::Scalar>& workspace) {
  g.jacobian(t, y, J, workspace);
};
template <class G>
concept GivesTimeDerivative = requires(const G g, double t, const Batch<typename G::Scalar>& y,
                                       Batch<typename G::Scalar>& dfdt, Workspace<typename G::Scalar>& workspace) {
  g.time_derivative(t, y, dfdt, workspace);
};

/// Scalars that evaluate() needs where no pullback follows: `evaluation_tape_size()` where the dynamics says so.
template <Dynamics G>
[[nodiscard]] Index evaluation_tape_size(const G& g) {
  if constexpr (requires { g.evaluation_tape_size(); })
    return g.evaluation_tape_size();
  else
    return g.tape_size();
}

/// The smallest thing that meets `Dynamics`: lets concepts check gradient methods and record storages
/// before a field is known. Nothing calls it.
struct AnyDynamics {
  using Scalar = double;
  [[nodiscard]] Index rows() const { return 1; }
  [[nodiscard]] Index columns() const { return 1; }
  [[nodiscard]] Index path_rows() const { return 1; }
  [[nodiscard]] Index error_rows() const { return 1; }
  [[nodiscard]] Index parameter_count() const { return 0; }
  [[nodiscard]] Index tape_size() const { return 0; }
  void evaluate(double, ConstBatchRef<double>, BatchRef<double>, std::span<double>, Workspace<double>&) const;
  void pullback(double, std::span<double>, ConstBatchRef<double>, BatchRef<double>, VectorRef<double>, double&,
                Workspace<double>&) const;
};
}  // namespace detail

/// A `Dynamics` as the right-hand side that a solver calls, without a record.
template <Dynamics G>
struct SolverRightHandSide {
  using Scalar = typename G::Scalar;
  const G& dynamics;
  Workspace<Scalar>& workspace;

  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    dynamics.evaluate(t, y, dy, frame.scalars(detail::evaluation_tape_size(dynamics)), workspace);
  }
  void path_slope(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) const requires HasPathDynamics<G> {
    const auto path = dynamics.path_dynamics();
    const Index d = path.rows();
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> slopes(dy);
    path.evaluate(t, View<const Scalar>(y).topRows(d), slopes.topRows(d),
                  frame.scalars(detail::evaluation_tape_size(path)), workspace);
    detail::fill<Scalar>(slopes.bottomRows(dy.rows() - d), 0);
  }
  [[nodiscard]] Index error_rows() const { return dynamics.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics.path_rows(); }
  static constexpr bool has_quadratures = may_have_quadratures<G>;
  /// The Jacobians of the path rows, sample after sample (path_rows × path_rows·n), for Newton's method.
  void jacobian(double t, const Batch<Scalar>& y, Batch<Scalar>& J) const requires detail::GivesJacobian<G> {
    dynamics.jacobian(t, y, J, workspace);
  }
  /// ∂f/∂t, for Rosenbrock methods.
  void time_derivative(double t, const Batch<Scalar>& y,
                       Batch<Scalar>& dfdt) const requires detail::GivesTimeDerivative<G> {
    dynamics.time_derivative(t, y, dfdt, workspace);
  }
};

/// A field alone, z' = f(t, z; θ): a neural ODE (Chen et al. 2018). Every row is a path row, and one of the error norm
/// unless the field has `error_rows()`. Its parameters are [θ; context].
template <VectorField F>
class FieldDynamics {
 public:
  using Scalar = typename F::Scalar;

  /// Refers to the field and to the context, which must outlive it.
  FieldDynamics(const F& field, Index columns, const SideInputs<Scalar>& side = {})
      : field_(field), side_(side), columns_(columns) {}

  [[nodiscard]] const F& field() const noexcept { return field_; }
  [[nodiscard]] const SideInputs<Scalar>& side_inputs() const noexcept { return side_; }
  [[nodiscard]] Index rows() const { return field_.dim(); }
  [[nodiscard]] Index columns() const noexcept { return columns_; }
  [[nodiscard]] Index path_rows() const { return rows(); }
  static constexpr bool has_quadratures = false;
  [[nodiscard]] Index error_rows() const {
    if constexpr (requires { field_.error_rows(); })
      return field_.error_rows();
    else
      return rows();
  }
  [[nodiscard]] Index parameter_count() const { return detail::parameter_count(field_) + side_.context_size(); }
  [[nodiscard]] Index tape_size() const {
    return Slices<Scalar>::size(rows() * columns_) + Slices<Scalar>::size(field_.tape_size(columns_, 0));
  }
  [[nodiscard]] Index evaluation_tape_size() const { return tape_optional<F> ? 0 : tape_size(); }

  void evaluate(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> S = side_.at(t, frame);
    if (tape_optional<F> && tape.empty()) return field_.linearize(S, y, columns_, dy, tape, workspace);
    Slices<Scalar> slices(tape);
    const View<Scalar> Z = slices.batch(rows(), columns_);
    detail::copy<Scalar>(y, Z);
    field_.linearize(S, Z, columns_, dy, slices.scalars(field_.tape_size(columns_, 0)), workspace);
  }

  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    const View<Scalar> Z = slices.batch(rows(), columns_);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> F_bar = frame.batch(rows(), columns_), S_bar = side_.zero(frame), S = side_.at(t, frame);
    detail::copy<Scalar>(dy_bar, F_bar);
    field_.pullback(S, Z, columns_, slices.scalars(field_.tape_size(columns_, 0)), F_bar, path_bar, S_bar,
                    View<Scalar>(theta_bar).head(detail::parameter_count(field_)), workspace);
    side_.pullback(S_bar, theta_bar, t_bar);
  }

  /// Whether there are `copies`: a context would have to be copied too.
  [[nodiscard]] bool has_copies() const { return side_.context_size() == 0; }
  /// The dynamics of a copy of all samples for each of some times, copy after copy; t counts from these times.
  /// \param room  Takes the time of each column, and is referred to.
  [[nodiscard]] FieldDynamics copies(std::span<const double> times, std::vector<double>& room) const {
    eigen_assert(has_copies());
    room.clear();
    for (const double t : times)
      for (Index j = 0; j < columns_; ++j) room.push_back(side_.start(j) + t);
    return {field_, Index(room.size()), SideInputs<Scalar>(side_.context(), room)};
  }

  /// The dynamics of some samples, or copies of them, each at a time of its own, from which t counts. Refers to the
  /// frame and to the times.
  [[nodiscard]] FieldDynamics of_samples(std::span<const double> times, std::span<const Index> samples,
                                         typename Workspace<Scalar>::Frame& frame) const {
    return {field_, Index(samples.size()), side_.of_samples(times, samples, frame)};
  }
  /// So many samples, for the sizes of their tapes.
  [[nodiscard]] FieldDynamics of_width(Index columns) const { return {field_, columns}; }

  /// J (d × dn), sample after sample.
  void jacobian(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> J, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> S = side_.at(t, frame);
    field_jacobian(field_, S, y, J, workspace);
  }

  /// ∂f/∂t (d × n).
  void time_derivative(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dfdt, Workspace<Scalar>& workspace) const {
    const Index d = rows(), n = columns_;
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> X = frame.batch(d, 2 * n), Y = frame.batch(d, 2 * n), S = side_.with_derivative(t, n, frame);
    detail::copy<Scalar>(y, X.leftCols(n));
    detail::fill<Scalar>(X.rightCols(n), 0);
    field_.linearize(S, X, n, Y, frame.scalars(field_.tape_size(n, 1)), workspace);
    detail::copy<Scalar>(Y.rightCols(n), dfdt);
  }

  /// Pullback of f and of its derivatives along k directions (v_i, times_i) of (y, t), which count as constants.
  /// \param X      [y v_1 … v_k], d × (1+k)n.  \param times  k numbers, for all samples alike.
  /// \param F_bar  Cotangents of f and of the derivatives, shape of X; scratch afterwards.
  /// Overwrites y_bar (d × n), adds to theta_bar.
  void pullback_along(double t, ConstBatchRef<Scalar> X, std::span<const Scalar> times, BatchRef<Scalar> F_bar,
                      BatchRef<Scalar> y_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index n = columns_;
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> Y = frame.batch(rows(), X.cols()), X_bar = frame.batch(rows(), X.cols()),
                       S = side_.with_tangents(t, n, times, frame), S_bar = frame.batch(S.rows(), S.cols());
    const std::span<Scalar> tape = frame.scalars(field_.tape_size(n, Index(times.size())));
    field_.linearize(S, X, n, Y, tape, workspace);
    detail::fill<Scalar>(S_bar, 0);
    field_.pullback(S, X, n, tape, F_bar, X_bar, S_bar, View<Scalar>(theta_bar).head(detail::parameter_count(field_)),
                    workspace);
    detail::copy<Scalar>(X_bar.leftCols(n), y_bar);
    Scalar no_time(0);
    side_.pullback(S_bar.leftCols(n), theta_bar, no_time);
  }

 private:
  const F& field_;
  SideInputs<Scalar> side_;
  Index columns_;
};

}  // namespace pathline
