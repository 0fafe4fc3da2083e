/// \file
/// The record of a solve by a method whose stages are solutions of equations: the arguments of the stages of its
/// accepted steps. Newton's iterations leave nothing. docs/maths.md, (6.6).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

struct ImplicitEuler;

namespace detail {

/// The tableau of the stages of an implicit method.
template <class Method>
struct StageTableau {
  static constexpr auto value = Method::tableau;
};
template <>
struct StageTableau<ImplicitEuler> {
  static constexpr DiagonallyImplicitTableau<1> value{.a = {1}, .b = {1}, .c = {1}, .order = 1};
};

/// That of a step, which `Closing` may have taken in place of `Method`.
template <class Method>
[[nodiscard]] constexpr const auto& stage_tableau([[maybe_unused]] bool closing) {
  if constexpr (requires { typename Method::Closing; })
    return closing ? StageTableau<typename Method::Closing>::value : StageTableau<Method>::value;
  else
    return StageTableau<Method>::value;
}

/// Whether the stages of a step are evaluated and pulled back together, as columns of one batch: where a batch, with
/// the tangents of its Jacobians, is so narrow that what a call costs counts. A stage of one sample of a 3-10-10-3
/// field takes 0.7 instead of 2.0 us then, one of 16 samples as long as alone, and more would need more memory.
template <std::size_t stages, class G>
[[nodiscard]] bool stages_together(const G& dynamics) {
  if constexpr (requires { dynamics.has_copies(); })
    return dynamics.has_copies() && dynamics.columns() * Index(stages) * (1 + dynamics.path_rows()) <= 384;
  else
    return false;
}

/// Whether the first stage is f(t, y), and where a step follows another the last stage of that one.
template <class Method>
inline constexpr bool starts_with_last_stage = [] {
  constexpr auto& T = StageTableau<Method>::value;
  if constexpr (requires { T.has_explicit_first_stage(); })
    return T.has_explicit_first_stage() && first_same_as_last(T);
  else
    return false;
}();

/// An accepted step from t to t_next = t + h, to rounding. Its stage i has slot first + i. Outside of the record, whose
/// method would have a list of its own compiled.
struct StageStep {
  double t, h, t_next;
  std::size_t first;
  bool follows_on;  ///< Stage 0 is the last stage of the step before; its slot is empty.
  bool closing;     ///< Taken by Method::Closing.

  /// When the stage of node c was solved.
  [[nodiscard]] double time(double c) const noexcept { return c == 1 ? t_next : t + c * h; }
};

}  // namespace detail

/// What the solver calls and tells its news, as `Recording` is, for diagonally and fully implicit methods. One step has
/// a slot for each of its stages, or one for all of them: stages_together.
/// \tparam Storage      What an evaluation at a solved stage leaves: gradient/record_storage.hpp.
/// \tparam keep_stages  Keep K_1 … K_s of every step too: what a cost of the steps reads.
template <class Method, Real S, RecordStorage Storage, bool keep_stages>
class StageRecording {
  static constexpr auto s = std::size_t(detail::StageTableau<Method>::value.stages);

 public:
  using Scalar = S;

  using Step = detail::StageStep;

  /// Forgets the last solve, keeps its memory. Refers to the dynamics and to the workspace until the way back is done.
  void start(const DynamicsWithJacobian<Scalar>& dynamics, Workspace<Scalar>& workspace) {
    dynamics_ = dynamics;
    workspace_ = &workspace;
    outputs_.clear();
    together_ = detail::stages_together<s>(dynamics);
    clear(false);
  }
  /// Forgets all steps. \param follows_on  Whether the next one goes on from another.
  void clear(bool follows_on) {
    steps_.clear();
    starts_anew_ = !follows_on;
  }

  // --- what the solver calls -------------------------------------------------------------------------------------
  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    typename Workspace<Scalar>::Frame frame(*workspace_);
    dynamics_.evaluate(t, y, dy, frame.scalars(dynamics_.evaluation_tape_size()), *workspace_);
  }
  void jacobian(double t, const Batch<Scalar>& y, Batch<Scalar>& J) { dynamics_.jacobian(t, y, J, *workspace_); }
  [[nodiscard]] Index error_rows() const { return dynamics_.error_rows(); }
  [[nodiscard]] Index path_rows() const { return dynamics_.path_rows(); }

  // --- what the solver tells -------------------------------------------------------------------------------------
  void keep_first_stage() { starts_anew_ = true; }
  void discard() const {}
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    copy_stages(stepper);
    Step step{t, h, stepper.t_next(), steps_.size() * s, follows_on(), false};
    if constexpr (requires { stepper.closing(); }) step.closing = stepper.closing();
    starts_anew_ = false;
    steps_.push_back(step);
    const auto& tableau = detail::stage_tableau<Method>(step.closing);
    typename Workspace<Scalar>::Frame frame(*workspace_);
    const Index n = dynamics_.columns();
    [[maybe_unused]] const View<Scalar> dy = frame.batch(dynamics_.rows(), together_ ? n * Index(s) : n);
    for (std::size_t i = begin(step); i < s; ++i) {
      const View<Scalar> Y =
          together_ ? arguments(step).middleCols(Index(i - begin(step)) * n, n) : argument(step.first + i);
      detail::copy<Scalar>(stepper.y(), Y);
      for (std::size_t j = 0; j < s; ++j)
        if (const double a = tableau.A(int(i), int(j)); a != 0)
          detail::axpy<Scalar>(Scalar(h * a), stepper.stage(int(j)), Y);
      if constexpr (!detail::leaves_argument<Storage>)
        if (!together_)
          Storage::template evaluate<Scalar>(dynamics_, step.time(tableau.c[i]), Y, dy, slot(step.first + i, dynamics_),
                                             *workspace_);
    }
    if constexpr (!detail::leaves_argument<Storage>)
      if (together_)
        with_stages(step, [&](const DynamicsWithJacobian<Scalar>& all) {
          Storage::template evaluate<Scalar>(all, 0, arguments(step), dy.leftCols(all.columns()), slot(step.first, all),
                                             *workspace_);
        });
  }
  /// Whether the first stage of the step that is to be accepted is the last stage of the step before.
  [[nodiscard]] bool follows_on() const { return detail::starts_with_last_stage<Method> && !starts_anew_; }
  void output(Index /*i*/, const Batch<Scalar>& /*y*/) { outputs_.push_back(steps_.size()); }

  // --- what the way back reads -----------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  /// outputs()[i]: number of steps taken when the solve stood at the i-th of its times.
  [[nodiscard]] const std::vector<std::size_t>& outputs() const noexcept { return outputs_; }
  /// The stage derivatives of step `index`, of `count` stages.
  [[nodiscard]] std::span<const Batch<Scalar>> stages(std::size_t index, std::size_t count) const {
    return std::span<const Batch<Scalar>>(stages_).subspan(index * count, count);
  }

  /// The first stage of a step that has a slot.
  [[nodiscard]] static std::size_t begin(const Step& step) noexcept { return step.follows_on ? 1 : 0; }

  // One stage after the other, where they are not together.
  /// Pullback of the stage with this slot, which was solved at time t.
  void pullback(std::size_t index, double t, View<const Scalar> dy_bar, View<Scalar> path_bar, View<Scalar> theta_bar,
                Scalar& t_bar) {
    Storage::pullback(dynamics_, t, slot(index, dynamics_), dy_bar, path_bar, theta_bar, t_bar, *workspace_);
  }
  /// Scalars that a stage leaves.
  [[nodiscard]] static Index stage_size(const DynamicsView<Scalar>& dynamics) {
    return Storage::slot_size(dynamics) + (keep_stages ? 2 : 1) * dynamics.rows() * dynamics.columns();
  }
  /// The Jacobians at the same place, of all columns: path rows × (path rows · n).
  void jacobian_at(std::size_t index, double t, View<Scalar> J) {
    dynamics_.jacobian(t, argument(index), J, *workspace_);
  }

  // All stages of a step, where they are together: n columns for each, from begin(step) on.
  void pullback_all(const Step& step, View<const Scalar> dy_bar, View<Scalar> path_bar, View<Scalar> theta_bar) {
    Scalar t_bar(0);
    with_stages(step, [&](const DynamicsWithJacobian<Scalar>& all) {
      Storage::pullback(all, 0, slot(step.first, all), dy_bar, path_bar, theta_bar, t_bar, *workspace_);
    });
  }
  void jacobians_at(const Step& step, View<Scalar> J) {
    with_stages(step,
                [&](const DynamicsWithJacobian<Scalar>& all) { all.jacobian(0, arguments(step), J, *workspace_); });
  }

 protected:
  /// Those of the step that is to be accepted, where they are kept.
  template <class Stepper>
  void copy_stages(const Stepper& stepper) {
    if constexpr (keep_stages)
      for (std::size_t i = 0; i < s; ++i) {
        if (stages_.size() <= steps_.size() * s + i) stages_.emplace_back();
        stages_[steps_.size() * s + i] = stepper.stage(int(i));
      }
  }

 private:
  [[nodiscard]] std::span<Scalar> slot(std::size_t index, const DynamicsView<Scalar>& dynamics) {
    return (detail::leaves_argument<Storage> ? arguments_ : slots_).at(index, Storage::slot_size(dynamics));
  }
  [[nodiscard]] View<Scalar> argument(std::size_t index) {
    const Index rows = dynamics_.rows(), n = dynamics_.columns();
    return {arguments_.at(index, rows * n).data(), rows, n};
  }
  /// Those of all stages side by side.
  [[nodiscard]] View<Scalar> arguments(const Step& step) {
    const Index rows = dynamics_.rows(), columns = Index(s - begin(step)) * dynamics_.columns();
    return {arguments_.at(step.first, rows * columns).data(), rows, columns};
  }
  /// Calls use(dynamics) with those of all stages side by side.
  template <class Use>
  void with_stages(const Step& step, Use&& use) {
    std::array<double, s> times{};
    for (std::size_t i = begin(step); i < s; ++i)
      times[i] = step.time(detail::stage_tableau<Method>(step.closing).c[i]);
    dynamics_.with_copies(std::span<const double>(times).subspan(begin(step)), times_, use);
  }

  DynamicsWithJacobian<Scalar> dynamics_;
  Workspace<Scalar>* workspace_ = nullptr;
  std::vector<Step> steps_;
  std::vector<std::size_t> outputs_;
  RecordSlots<Scalar> slots_, arguments_;
  std::vector<Batch<Scalar>> stages_;
  std::vector<double> times_;  // of the columns of all stages
  bool starts_anew_ = true, together_ = false;
};

namespace detail {

/// The StepRecord of methods whose stages solve equations.
template <class Method>
struct SolvedStepRecord {
  template <Real S>
  using Dynamics = DynamicsWithJacobian<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = StageRecording<Method, S, Storage, keep_stages>;
  template <Real S>
  using Memory = TransposedSystem<S>;
};

}  // namespace detail
}  // namespace pathline
