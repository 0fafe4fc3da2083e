/// \file
/// What a gradient method knows of the thing that it differentiates: g(t, y; θ) on a chunk of columns, its tape, and
/// its pullback. It knows neither networks nor flows.
///
/// *Path rows* (the first `path_rows()` of y) feed back into g; the rows below them are quadratures (log-determinant,
/// running costs): they do not enter g, so that their cotangents are constant in time. docs/maths.md, section 6.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>

#include <span>
#include <string>

namespace pathline {

/// The right-hand side of one chunk, differentiable.
///
/// - `rows()`, `columns()`: shape of y. `path_rows()`: rows that feed back. `error_rows()`: rows that the error norm
///   of the step control sees.
/// - `parameter_count()`: length of θ. `tape_size()`: scalars that one evaluation leaves for its pullback.
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

/// A `Dynamics` as the right-hand side that a solver calls, without a record.
template <Dynamics G>
struct SolverRightHandSide {
  using Scalar = typename G::Scalar;
  const G& dynamics;
  Workspace<Scalar>& workspace;

  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    dynamics.evaluate(t, y, dy, frame.scalars(dynamics.tape_size()), workspace);
  }
  [[nodiscard]] Index error_rows() const { return dynamics.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics.path_rows(); }
  /// The Jacobians of the path rows, sample after sample (path_rows × path_rows·n), for Newton's method.
  void jacobian(double t, const Batch<Scalar>& y, Batch<Scalar>& J) const requires requires {
    dynamics.jacobian(t, y, J, workspace);
  }
  { dynamics.jacobian(t, y, J, workspace); }
};

namespace detail {

/// \throws ArgumentError for a field that reads more than time: there is no one yet to give it context.
template <Field F>
void require_time_only(const char* who, const F& field) {
  if (field.side_rows() > 1)
    throw ArgumentError(std::string(who) + ": number of side inputs of the field", std::to_string(field.side_rows()),
                        "0 or 1 (time)");
}

}  // namespace detail

/// A field alone, z' = f(t, z; θ): a neural ODE (Chen et al. 2018). Every row is a path row.
template <Field F>
class FieldDynamics {
 public:
  using Scalar = typename F::Scalar;

  /// Refers to the field, which must outlive it.
  FieldDynamics(const F& field, Index columns) : field_(field), columns_(columns) {}

  [[nodiscard]] Index rows() const { return field_.dim(); }
  [[nodiscard]] Index columns() const noexcept { return columns_; }
  [[nodiscard]] Index path_rows() const { return rows(); }
  [[nodiscard]] Index error_rows() const { return rows(); }
  [[nodiscard]] Index parameter_count() const { return field_.parameters().size(); }
  [[nodiscard]] Index tape_size() const {
    return Slices<Scalar>::size(rows() * columns_) + Slices<Scalar>::size(field_.tape_size(columns_, 0));
  }

  void evaluate(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    BatchMap<Scalar> Z = slices.batch(rows(), columns_);
    Z = y;
    field_.linearize(Eigen::Matrix<Scalar, 1, 1>(Scalar(t)), Z, columns_, dy,
                     slices.scalars(field_.tape_size(columns_, 0)), workspace);
  }

  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    const BatchMap<Scalar> Z = slices.batch(rows(), columns_);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> F_bar = frame.batch(rows(), columns_);
    F_bar = dy_bar;
    Eigen::Matrix<Scalar, 1, 1> S_bar(Scalar(0));
    field_.pullback(Eigen::Matrix<Scalar, 1, 1>(Scalar(t)), Z, columns_, slices.scalars(field_.tape_size(columns_, 0)),
                    F_bar, path_bar, S_bar, theta_bar, workspace);
    t_bar += S_bar(0);
  }

  /// J (d × dn), sample after sample.
  void jacobian(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> J, Workspace<Scalar>& workspace) const {
    field_jacobian(field_, t, y, J, workspace);
  }

 private:
  const F& field_;
  Index columns_;
};

}  // namespace pathline
