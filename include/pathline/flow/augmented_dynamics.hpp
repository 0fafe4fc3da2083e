/// \file
/// The one right-hand side of a continuous normalizing flow: sample, log-determinant and running costs in one state.
///
///     y = [ z ; ℓ ; c_1 … c_r ],   z' = f(t, z),   ℓ' = tr ∂f/∂z,   c_i' = the i-th regularizer
///
/// At each evaluation the field is called once (flow/path/field_on_path.hpp), and every row is filled from what it
/// left. docs/maths.md, sections 7 and 8.
#pragma once

#include <pathline/core/apply_to.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/flow/path/path_acceleration.hpp>
#include <pathline/flow/path/path_jerk.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/flow/regularizer/regularizer.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>

#include <limits>
#include <new>
#include <span>
#include <tuple>

namespace pathline {

/// Meets `Dynamics`. Its parameters are [θ; context]. Refers to the regularizers, which must outlive it.
/// \tparam OnPath  FieldByTangents<F> or FieldInClosedForm<F>.
template <class OnPath, class... Regularizers>
class AugmentedDynamics {
  static constexpr PathQuantities needs = detail::all_needs<Regularizers...>;

 public:
  using Scalar = typename OnPath::Scalar;

  AugmentedDynamics(const OnPath& on_path, const std::tuple<Regularizers...>& regularizers,
                    const SideInputs<Scalar>& side = {})
      : on_path_(on_path), regularizers_(regularizers), side_(side) {}

  [[nodiscard]] static constexpr Index cost_rows() noexcept { return Index(sizeof...(Regularizers)); }
  [[nodiscard]] Index rows() const { return dim() + 1 + cost_rows(); }
  [[nodiscard]] Index columns() const noexcept { return on_path_.columns(); }
  [[nodiscard]] Index path_rows() const { return dim(); }
  /// z and ℓ steer the steps, costs do not.
  [[nodiscard]] Index error_rows() const { return dim() + 1; }
  [[nodiscard]] Index parameter_count() const {
    return detail::parameter_count(on_path_.field()) + side_.context_size();
  }
  [[nodiscard]] Index tape_size() const {
    Index size = Slices<Scalar>::size(on_path_.tape_size());
    if constexpr (needs.acceleration) size += Slices<Scalar>::size(acceleration().tape_size());
    if constexpr (needs.jerk) size += Slices<Scalar>::size(jerk().tape_size());
    return size;
  }

  [[nodiscard]] Index evaluation_tape_size() const {
    return sizeof...(Regularizers) > 0 ? tape_size() : on_path_.evaluation_tape_size();
  }

  [[nodiscard]] const auto& field() const noexcept { return on_path_.field(); }
  [[nodiscard]] const SideInputs<Scalar>& side_inputs() const noexcept { return side_; }
  /// The dynamics of some samples, or copies of them, each at a time of its own, from which t counts. Refers to the
  /// frame and to the times. Policies are then shown NaN for a time.
  [[nodiscard]] AugmentedDynamics of_samples(std::span<const double> times, std::span<const Index> samples,
                                             typename Workspace<Scalar>::Frame& frame) const {
    return {on_path_.of_samples(samples, frame), regularizers_, side_.of_samples(times, samples, frame)};
  }
  /// z' = f(t, z) alone. With a trace in closed form it would be compiled for this alone.
  [[nodiscard]] auto path_dynamics() const requires OnPath::has_tangents {
    return FieldDynamics(field(), columns(), side_);
  }
  /// So many samples, for the sizes of their tapes.
  [[nodiscard]] AugmentedDynamics of_width(Index columns) const { return {on_path_.of_width(columns), regularizers_}; }

  /// y, dy: rows × columns.
  void evaluate(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    const Index d = dim();
    const PointTapes tapes(*this, tape);
    const View<const Scalar> Z = View<const Scalar>(y).topRows(d);
    const View<Scalar> slopes(dy);
    typename Workspace<Scalar>::Frame frame(workspace);
    on_path_.evaluate(side_.at(t, frame), Z, slopes.topRows(d + 1), tapes.field, workspace);
    if constexpr (needs.acceleration) acceleration().evaluate(t, Z, slopes.topRows(d), tapes.acceleration, workspace);
    if constexpr (needs.jerk) jerk().evaluate(t, Z, tapes.jerk, workspace);
    if constexpr (sizeof...(Regularizers) > 0) {
      const PathPoint<Scalar> at = point(t, tapes);
      Index row = d + 1;
      const auto next_row = [&]() -> RowRef<Scalar> { return slopes.row(row++); };
      detail::apply_to(regularizers_, [&](const auto&... regularizer) { (regularizer.evaluate(at, next_row()), ...); });
    }
  }

  /// dy_bar: rows × columns; overwrites path_bar (d × columns), adds to theta_bar and t_bar.
  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    const Index d = dim(), n = columns();
    const PointTapes tapes(*this, tape);
    typename Workspace<Scalar>::Frame frame(workspace);
    const std::span<Scalar> buffer = frame.scalars(on_path_.bar_size());
    const View<const Scalar> slopes_bar(dy_bar);
    PathPointBar<Scalar> bar = on_path_.start_pullback(slopes_bar, buffer.data());
    View<Scalar> Z_bar(nullptr, 0, 0);
    if constexpr (sizeof...(Regularizers) > 0) {
      const auto zeros = [&] {
        const View<Scalar> block = frame.batch(d, n);
        detail::fill<Scalar>(block, 0);
        return block;
      };
      const auto lend = [&](auto& slot, View<Scalar> block) {
        new (&slot) typename PathPointBar<Scalar>::Block(block.data(), d, n, Eigen::OuterStride<>(d));
      };
      Z_bar = zeros();
      lend(bar.Z, Z_bar);
      if constexpr (needs.acceleration) lend(bar.acceleration, zeros());
      if constexpr (needs.jerk) lend(bar.jerk, zeros());
      const PathPoint<Scalar> at = point(t, tapes);
      Index row = d + 1;
      const auto next_row = [&]() -> Eigen::Ref<const Row<Scalar>, 0, Eigen::InnerStride<>> {
        return slopes_bar.row(row++);
      };
      detail::apply_to(regularizers_,
                       [&](const auto&... regularizer) { (regularizer.pullback(at, next_row(), bar), ...); });
      if constexpr (needs.acceleration)
        acceleration().pullback(t, tapes.acceleration, bar.acceleration, Z_bar, bar.F, theta_bar, t_bar, workspace);
      if constexpr (needs.jerk) jerk().pullback(t, tapes.jerk, bar.jerk, Z_bar, theta_bar, t_bar, workspace);
    }
    const View<Scalar> S_bar = side_.zero(frame);
    on_path_.pullback(side_.at(t, frame), tapes.field, buffer.data(), path_bar, S_bar,
                      View<Scalar>(theta_bar).head(detail::parameter_count(on_path_.field())), workspace);
    if constexpr (sizeof...(Regularizers) > 0) detail::add<Scalar>(Z_bar, path_bar);
    side_.pullback(S_bar, theta_bar, t_bar);
  }

  /// Of the path rows: J (d × dn), sample after sample.
  void jacobian(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> J, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    field_jacobian(on_path_.field(), View<const Scalar>(side_.at(t, frame)), View<const Scalar>(y).topRows(dim()), J,
                   workspace);
  }

 private:
  struct PointTapes {
    PointTapes([[maybe_unused]] const AugmentedDynamics& g, std::span<Scalar> tape) : field(tape) {
      if constexpr (sizeof...(Regularizers) > 0) {
        Slices<Scalar> slices(tape);
        field = slices.scalars(g.on_path_.tape_size());
        if constexpr (needs.acceleration) acceleration = slices.scalars(g.acceleration().tape_size());
        if constexpr (needs.jerk) jerk = slices.scalars(g.jerk().tape_size());
      }
    }
    std::span<Scalar> field, acceleration, jerk;
  };

  [[nodiscard]] Index dim() const { return on_path_.field().dim(); }

  [[nodiscard]] PathPoint<Scalar> point(double t, const PointTapes& tapes) const {
    PathPoint<Scalar> at =
        on_path_.point(side_.share_time() ? t : std::numeric_limits<double>::quiet_NaN(), tapes.field);
    const auto lend = [this](auto& slot, const ConstBatchMap<Scalar>& block) {
      new (&slot) typename PathPoint<Scalar>::Block(block.data(), dim(), columns(), Eigen::OuterStride<>(dim()));
    };
    if constexpr (needs.acceleration) lend(at.acceleration, acceleration().value(tapes.acceleration));
    if constexpr (needs.jerk) lend(at.jerk, jerk().value(tapes.jerk));
    return at;
  }

  [[nodiscard]] auto acceleration() const { return PathAcceleration(on_path_.field(), side_, columns()); }
  [[nodiscard]] auto jerk() const { return PathJerk(on_path_.field(), side_, columns()); }

  OnPath on_path_;
  const std::tuple<Regularizers...>& regularizers_;
  SideInputs<Scalar> side_;
};

}  // namespace pathline
