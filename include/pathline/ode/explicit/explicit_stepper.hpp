/// \file
/// One step of an explicit Runge–Kutta method, as an object that owns all the storage of a step. The tableau's numbers
/// become one fused loop per stage at compile time; zeros leave no trace, so that 0 · NaN cannot arise.
///
/// By hand:
/// ```
/// Stepper<Dopri5, Eigen::Vector3d> stepper;
/// stepper.init(rhs, t, y);
/// stepper.step(rhs, t, h);                                         // a trial
/// if (stepper.estimate_error(rhs, 1e-6, 1e-6) <= 1) stepper.accept();  // else try again with another h
/// ```
#pragma once

#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/trial_error.hpp>
#include <pathline/ode/explicit/dense_weights.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/explicit/leading_stages.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/entry_by_entry.hpp>
#include <pathline/ode/tableau/set_entries.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace pathline {

namespace detail {

/// dy = f(t, y): evaluate(), whose arguments of a small state stay in registers where f is inlined.
template <class Rhs, class State>
EIGEN_ALWAYS_INLINE void evaluate_entries(Rhs& rhs, double t, const State& y, State& dy) {
  if constexpr (entry_by_entry<State>) {
    State at, slope = State::Zero();  // a value, lest a compiler sees a loop in f that may end too early
    for (Index i = 0; i < State::SizeAtCompileTime; ++i) at.data()[i] = load_alone(y.data()[i]);
    evaluate(rhs, t, at, slope);
    for (Index i = 0; i < State::SizeAtCompileTime; ++i) store_alone(dy.data()[i], slope.data()[i]);
  } else {
    evaluate(rhs, t, y, dy);
  }
}

/// How many states the extension adds to the Hermite polynomial, and how many evaluations, f at the end apart.
template <class Method>
inline constexpr std::size_t dense_corrections = 0;
template <DenselyExtendedMethod Method>
inline constexpr std::size_t dense_corrections<Method> = 1;
template <DenselyStagedMethod Method>
inline constexpr std::size_t dense_corrections<Method> = Method::dense.size();
template <class Method>
inline constexpr std::size_t dense_stages = 0;
template <DenselyStagedMethod Method>
inline constexpr std::size_t dense_stages<Method> = std::size_t(Method::dense_tableau.stages - Method::tableau.stages -
                                                                1);

/// Whether a second partner, where there is one, has the order that it claims.
template <class Method>
constexpr bool coarse_order_holds() {
  if constexpr (DoublyEmbeddedMethod<Method>)
    return order_reached(Method::tableau, Method::b_coarse) == Method::coarse_order;
  else
    return true;
}

/// Whether the method's own continuous extension, if it has one, is of the order that it claims.
template <class Method>
constexpr bool dense_order_holds() {
  if constexpr (DenselyExtendedMethod<Method>)
    return dense_order_reached(Method::tableau, Method::dense) == Method::dense_order;
  else if constexpr (DenselyStagedMethod<Method>)
    return dense_order_reached(Method::tableau, Method::dense_tableau, Method::dense) == Method::dense_order;
  else
    return true;
}

/// The exponent of the step in the error estimate; of two partners as Stepper::estimate_error() puts them together.
template <DoublyEmbeddedMethod Method>
inline constexpr int error_exponent<Method> = 2 * (Method::tableau.embedded_order + 1) - (Method::coarse_order + 1);

/// E of two embedded methods, from the squares of their norms: docs/maths.md, (4.6).
inline TrialError error_of_two(double fine, double coarse) {
  const double both = fine + 0.01 * coarse;
  if (!std::isfinite(both)) return both;  // an infinite divisor would make 0 or NaN of the largest errors
  return {fine == 0 ? 0 : std::sqrt(fine * (fine / both)), 2 * half_log2(fine) - half_log2(both)};
}

}  // namespace detail

/// docs/maths.md, (2.2). Storage is sized by the first state of a shape and kept; several solves may follow each
/// other. Not for use by two threads at once.
template <ExplicitMethod Method, OdeState State>
class Stepper<Method, State> {
 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = Method::tableau.stages;
  static constexpr bool fsal = first_same_as_last(Method::tableau);
  static constexpr bool has_error = EmbeddedMethod<Method>;
  /// The exponent of the step in the error estimate.
  static constexpr int error_order = detail::error_exponent<Method>;
  /// The states that write_dense_corrections() writes.
  static constexpr std::size_t dense_corrections = detail::dense_corrections<Method>;
  using Carried = NothingCarried;
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index /*path_rows*/, Index columns) {
    return (stages + 5) * detail::heap_bytes<Scalar>(rows * columns);
  }

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    static_assert(tableau_defect(Method::tableau) == TableauDefect::none,
                  "this method's tableau is inconsistent: tableau_defect(Method::tableau) names what is wrong");
    static_assert(detail::coarse_order_holds<Method>(), "this method's b_coarse is not of the order coarse_order");
    static_assert(
        DoublyEmbeddedMethod<Method> || !requires { Method::b_coarse; },
        "a second partner needs b_coarse, a weight for each stage, and coarse_order, its order");
    static_assert(
        DenselyExtendedMethod<Method> || DenselyStagedMethod<Method> || !requires { Method::dense; },
        "a dense output of its own needs dense, a d for each stage, and dense_order, its order");
    y_ = y;
    detail::take_shape(next_, y);
    for (State& stage : K_) detail::take_shape(stage, y);
    if constexpr (!fsal) end_slope_ = y;  // a value, lest a compiler sees accept() swap an unset one
    if constexpr (has_error) detail::take_shape(error_, y);
    if constexpr (has_error && detail::sums_in_loops<State>) detail::take_shape(scratch_, y);
    first_stage_ready_ = end_slope_known_ = false;
    stages_evaluated_ = 0;
    evaluations_ = 0;
  }

  /// Evaluates K_1 at (t, y) unless the last step left it there; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    detail::evaluate_entries(rhs, t, y_, K_[0]);
    ++evaluations_;
    first_stage_ready_ = true;
    return true;
  }

  /// Forgets K_1: the right-hand side has changed. y stays.
  void restart() { first_stage_ready_ = false; }

  /// Starts at (t, y): reset and prepare.
  template <class Rhs>
  void init(Rhs& rhs, double t, const State& y) {
    reset(y);
    prepare(rhs, t);
  }

  /// Tries a step from (t, y) to t_next = t + h. Evaluates K_1 if it is missing, then stages 2 to s. y() stays.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h) {
    step(rhs, t, h, t + h);
  }

  /// The same where t + h would not round to the end exactly: stages with c = 1 are evaluated at t_next, so that a
  /// right-hand side known on [t0, t1] only is never evaluated an ulp beyond.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage last = LastStage::evaluate) {
    prepare(rhs, t);
    detail::store_alone(h_, h);
    t_next_ = t_next;
    stages_evaluated_ = 1;
    end_slope_known_ = false;
    evaluate_stages<1>(rhs, t, last);
    // With "first same as last" the last stage's input is the solution.
    if constexpr (!fsal) detail::write_weighted<detail::SolutionWeights<Method>>(next_, y_, h, K_);
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    detail::move_state(next_, y_);
    first_stage_ready_ = end_slope_known_;
    if (end_slope_known_) detail::move_state(end_slope_place(), K_[0]);
    end_slope_known_ = false;
  }

  /// E of the step tried last, over the rows that the right-hand side includes in the error: their root mean square in
  /// units of the tolerances. With two partners it is E_fine² / sqrt(E_fine² + 0.01 E_coarse²), as in Hairer's
  /// dop853.f.
  template <class Rhs>
  double estimate_error(const Rhs& rhs, double rtol, double atol) requires has_error {
    return estimate_error(rhs, IController{.rtol = rtol, .atol = atol});
  }

  /// The same as the control measures it: error_control.hpp.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(const Rhs& rhs, const Control& control) requires has_error {
    return trial_error(rhs, control).norm;
  }

  /// The same with its logarithm.
  template <class Rhs, AdaptiveControl Control>
  EIGEN_ALWAYS_INLINE detail::TrialError trial_error(const Rhs& rhs, const Control& control) requires has_error {
    if constexpr (DoublyEmbeddedMethod<Method>) {
      const double coarse = square_of_estimate<detail::CoarseErrorWeights<Method>>(rhs, control);
      const double fine = square_of_estimate<detail::ErrorWeights<Method>>(rhs, control);
      return detail::error_of_two(fine, coarse);
    } else {
      return detail::TrialError::of_square(square_of_estimate<detail::ErrorWeights<Method>>(rhs, control));
    }
  }

  /// Writes e = h Σ (b_i - b̂_i) K_i of the step tried last, all rows; with any step control, before accept(). Of a
  /// method with two partners, as Dop853, the finer one alone, a gross overestimate: what its steps are judged by is
  /// less.
  void write_error(State& error) const requires has_error {
    eigen_assert(stages_evaluated_ == stages);
    detail::set_sum<detail::ErrorWeights<Method>>(error, h_, K_);
  }

  /// Writes h Σ d_i K_i of the step tried last, what its own extension adds to the Hermite polynomial; before accept().
  void write_dense_correction(State& correction) const requires DenselyExtendedMethod<Method> {
    static_assert(detail::dense_order_holds<Method>(), "this method's dense output is not of the order dense_order");
    eigen_assert(stages_evaluated_ == stages);
    detail::set_sum<detail::DenseWeights<Method>>(correction, h_, K_);
  }

  /// f(t, y) at the start of the step tried last; before accept().
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    return K_[0];
  }

  /// f at the end of the step tried last; before accept(). Evaluated unless it is a stage or has been asked for before,
  /// and then K_1 of the next step.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    State& slope = end_slope_place();
    if (!end_slope_known_) {
      detail::evaluate(rhs, t_next_, next_, slope);
      ++evaluations_;
      end_slope_known_ = true;
    }
    return slope;
  }

  /// Writes what the method's own extension adds to the Hermite polynomial of the step from t tried last, for each
  /// power of θ; before accept(). Evaluates the extension's own stages, if it has any.
  template <class Rhs>
  void write_dense_corrections(Rhs& rhs, double t,
                               std::span<State, dense_corrections> corrections) requires(dense_corrections > 0) {
    static_assert(detail::dense_order_holds<Method>(), "this method's dense output is not of the order dense_order");
    if constexpr (DenselyExtendedMethod<Method>) {
      end_slope(rhs);  // may be one of the stages
      detail::set_sum<detail::DenseWeights<Method>>(corrections[0], h_, K_);
    } else {
      const State& last = end_slope(rhs);
      const auto K = detail::states_at<State>([&](std::size_t j) -> const State& {
        return j < stages ? K_[j] : j == stages ? last : dense_K_[j - stages - 1];
      });
      [&]<std::size_t... I>(std::index_sequence<I...>) { (evaluate_dense_stage<I>(rhs, t, K, corrections[0]), ...); }
      (std::make_index_sequence<detail::dense_stages<Method>>{});
      [&]<std::size_t... Power>(std::index_sequence<Power...>) {
        (detail::set_sum<detail::DensePowerWeights<Method, Power>>(corrections[Power], h_, K), ...);
      }
      (std::make_index_sequence<dense_corrections>{});
    }
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    detail::set_entries(
        next_, [length = Scalar(h)](auto y, auto k) { return y + length * k; }, y_, K_[0]);
    detail::evaluate(rhs, t, next_, K_[1]);
    ++evaluations_;
  }

  /// Room for a state, free for whoever holds the stepper.
  [[nodiscard]] State& scratch() requires(has_error&& detail::sums_in_loops<State>) { return scratch_; }

  [[nodiscard]] const State& y() const { return y_; }               ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }       ///< At its end.
  [[nodiscard]] const State& error() const { return error_; }       ///< After estimate_error(): the counted rows of e.
  [[nodiscard]] double h() const { return h_; }                     ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return t_next_; }           ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< Since reset().
  [[nodiscard]] Index newton_iterations() const { return 0; }
  /// s, or s - 1 where the last stage was skipped.
  [[nodiscard]] int stages_evaluated() const { return stages_evaluated_; }
  /// K_{i+1}, i = 0 … s - 1, of the step tried last; valid until accept(). A stage that only leads to later ones may
  /// lack its quadratures: HasPathSlope.
  [[nodiscard]] const State& stage(int i) const {
    eigen_assert(i >= 0 && i < stages);
    return K_[std::size_t(i)];
  }

 private:
  template <int I, class Rhs>
  void evaluate_stages(Rhs& rhs, double t, LastStage last) {
    if constexpr (I < stages) {
      // Nobody reads the quadratures of a stage's argument. With "first same as last" the last one is the solution.
      if constexpr (HasPathRows<Rhs> && detail::sums_of_rows<State> && !(fsal && I == stages - 1))
        detail::write_sum_in_loop<detail::StageWeights<Method, I>>(next_, &y_, h_, K_, rhs.path_rows());
      else
        detail::write_weighted<detail::StageWeights<Method, I>>(next_, y_, h_, K_);
      if constexpr (fsal && I == stages - 1)
        if (last == LastStage::skip) return;
      constexpr double c = Method::tableau.c[std::size_t(I)];
      State& K = K_[std::size_t(I)];
      if constexpr (detail::leads_only<Method>[std::size_t(I)] && HasPathSlope<Rhs, State>)
        rhs.path_slope(c == 1 ? t_next_ : t + c * h_, next_, K);
      else
        detail::evaluate_entries(rhs, c == 1 ? t_next_ : t + c * h_, next_, K);
      ++evaluations_;
      stages_evaluated_ = I + 1;
      end_slope_known_ = fsal && I == stages - 1;
      evaluate_stages<I + 1>(rhs, t, last);
    }
  }

  /// The I-th of the extension's own stages; `input` is for its argument.
  template <std::size_t I, class Rhs, class Stages>
  void evaluate_dense_stage(Rhs& rhs, double t, const Stages& K, State& input) {
    constexpr int stage = stages + 1 + int(I);
    constexpr double c = Method::dense_tableau.c[std::size_t(stage)];
    detail::write_sum<detail::DenseStageWeights<Method, stage>>(input, y_, h_, K);
    detail::take_shape(dense_K_[I], y_);
    detail::evaluate(rhs, c == 1 ? t_next_ : t + c * h_, input, dense_K_[I]);
    ++evaluations_;
  }

  State& end_slope_place() {
    if constexpr (fsal)
      return K_[stages - 1];
    else
      return end_slope_;
  }

  /// Leaves h Σ w_i K_i in error_, its counted rows at least, and returns the square of their norm.
  template <class Weights, class Rhs, class Control>
  EIGEN_ALWAYS_INLINE double square_of_estimate(const Rhs& rhs, const Control& control) {
    if constexpr (HasErrorRows<Rhs>) {
      const Index rows = rhs.error_rows();
      if constexpr (detail::sums_of_rows<State>)
        detail::write_sum_in_loop<Weights>(error_, static_cast<const State*>(nullptr), h_, K_, rows);
      else if constexpr (detail::sums_in_loops<State>)
        detail::set_sum<Weights>(error_, h_, K_);  // also of the rows that do not count: one run of scalars
      else
        error_.topRows(rows) = detail::weighted_stages<Weights>(h_, K_).topRows(rows);
      const State &error = error_, &y = y_, &next = next_;  // blocks of constant states, as all norms have them
      return detail::measured_square(control, error.topRows(rows), y.topRows(rows), next.topRows(rows));
    } else {
      detail::write_weighted<Weights>(error_, h_, K_);
      return detail::measured_square(control, error_, y_, next_);
    }
  }

  State y_, next_;  // next_ is the input of each stage in turn, and y_next at last
  std::array<State, std::size_t(stages)> K_;
  std::array<State, detail::dense_stages<Method>> dense_K_;  // sized when they are first needed
  State error_, end_slope_;
  struct None {};
  std::conditional_t<has_error && detail::sums_in_loops<State>, State, None> scratch_;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0;
  int stages_evaluated_ = 0;
  bool first_stage_ready_ = false, end_slope_known_ = false;
};

}  // namespace pathline
