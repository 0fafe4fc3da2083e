/// \file
/// One step of a Rosenbrock method, as an object that owns all the storage of a step. docs/maths.md, sections 2 and 3;
/// Hairer & Wanner II, section IV.7.
///
/// The unknowns are u_i = Σ γ_ij k_j of the tableau, so that stage by stage
/// (I - hγJ) u_i = hγ f(t + α_i h, y + Σ a_ij u_j) + γ Σ c_ij u_j + h²γγ_i ∂f/∂t,
/// with J and ∂f/∂t at the start of the step and one factorisation for all stages of a column.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/diagonally_implicit_stepper.hpp>
#include <pathline/ode/error_control.hpp>
#include <pathline/ode/explicit_stepper.hpp>
#include <pathline/ode/jacobian.hpp>
#include <pathline/ode/newton_goal.hpp>
#include <pathline/ode/solve_checks.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace pathline {
namespace detail {

/// Weights of the increments u_j: a row of α, a row of -Γ⁻¹, the solution and its error. Of rows what is left
/// of the diagonal is read.
template <class Method>
struct IncrementWeights {
  static constexpr auto tableau = Method::tableau;
  static constexpr int count = tableau.stages;
  using Weights = std::array<double, std::size_t(count)>;
  static constexpr Weights stage(int i) {
    Weights row{};
    for (int j = 0; j < count; ++j) row[std::size_t(j)] = tableau.alpha(i, j);
    return in_increments(tableau, row);
  }
  static constexpr Weights coupling(int i) {
    Weights row{};
    row[std::size_t(i)] = -1;
    return in_increments(tableau, row);
  }
  static constexpr Weights solution() { return in_increments(tableau, tableau.b); }
  static constexpr Weights error() {
    Weights row = tableau.b;
    for (std::size_t j = 0; j < std::size_t(count); ++j) row[j] -= tableau.b_embedded[j];
    return in_increments(tableau, row);
  }
};

template <class Method, int I>
struct IncrementsOfStage {
  static constexpr int count = I;
  static constexpr auto weights = IncrementWeights<Method>::stage(I);
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};
template <class Method, int I>
struct IncrementsOfCoupling {
  static constexpr int count = I;
  static constexpr auto weights = IncrementWeights<Method>::coupling(I);
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};
template <class Method>
struct IncrementsOfSolution {
  static constexpr int count = Method::tableau.stages;
  static constexpr auto weights = IncrementWeights<Method>::solution();
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};
template <class Method>
struct IncrementsOfStartSlope {
  static constexpr int count = Method::tableau.stages;
  static constexpr auto weights = in_increments(Method::tableau, Method::start_slope);
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};
template <class Method>
struct IncrementsOfEndSlope {
  static constexpr int count = Method::tableau.stages;
  static constexpr auto weights = in_increments(Method::tableau, Method::end_slope);
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};
template <class Method>
struct IncrementsOfError {
  static constexpr int count = Method::tableau.stages;
  static constexpr auto weights = IncrementWeights<Method>::error();
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};

/// Whether own slopes, where there are some, make a cubic of the order that the method allows.
template <class Method>
constexpr bool slopes_hold() {
  if constexpr (SlopedRosenbrockMethod<Method>)
    return cubic_order_reached(Method::tableau, Method::start_slope, Method::end_slope) ==
           std::min(Method::tableau.order, 3);
  else
    return true;
}

}  // namespace detail

/// Storage is sized by the first state of a shape and kept (rows above 16: Eigen's LU may allocate). Columns do not
/// know each other: with fixed steps a column's result is the same bits in any batch. Not for use by two threads at
/// once.
template <RosenbrockMethod Method, OdeState State>
class Stepper<Method, State> {
  static_assert(tableau_defect(Method::tableau) == TableauDefect::none,
                "this method's tableau is inconsistent: tableau_defect(Method::tableau) names what is wrong");
  static_assert(detail::slopes_hold<Method>(), "this method's start_slope and end_slope are not of its order, or 3");
  static_assert(SlopedRosenbrockMethod<Method> ||
                    !(
                        requires { Method::start_slope; } || requires { Method::end_slope; }),
                "own slopes of a Rosenbrock method are start_slope and end_slope, a weight for each stage");

 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = Method::tableau.stages;
  static constexpr bool fsal = first_same_as_last(Method::tableau);
  static constexpr bool has_error = EmbeddedMethod<Method>;
  /// The exponent of the step in the error estimate.
  static constexpr int error_order = detail::error_exponent<Method>();

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    y_ = y;
    next_.resizeLike(y);
    first_.resizeLike(y);
    last_.resizeLike(y);
    work_.resizeLike(y);
    time_derivative_.resizeLike(y);
    for (State& increment : U_) increment.resizeLike(y);
    if constexpr (has_error) error_.resizeLike(y);
    start_slope_ = end_slope_ = y;
    factors_.resize(std::size_t(y.cols()));
    first_stage_ready_ = linearized_ = start_slope_known_ = end_slope_known_ = false;
    solved_ = true;
    evaluations_ = 0;
  }

  /// Forgets f(t, y) and its derivatives: the right-hand side has changed. y stays.
  void restart() { first_stage_ready_ = linearized_ = start_slope_known_ = false; }

  /// Evaluates f(t, y) into stage(0) unless the last step left it there; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    evaluate(rhs, t, y_, first_);
    detail::require_shape(first_, y_);
    first_stage_ready_ = true;
    return true;
  }

  /// Starts at (t, y): reset and prepare.
  template <class Rhs>
  void init(Rhs& rhs, double t, const State& y) {
    reset(y);
    prepare(rhs, t);
  }

  /// Tries a step from (t, y) to t + h.
  template <class Rhs>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h) {
    const NoObserver nobody;
    return step(rhs, t, h, t + h, nobody);
  }

  /// The same where t + h would not round to the end exactly: stages with α_i = 1 are evaluated at t_next, and nothing
  /// outside of the step. Derivatives are evaluated once for all trials from one t. False if f, a derivative or a
  /// solution is not finite; the error is infinite then. The observer discards all evaluations.
  /// \param goal  The tolerances, which tell the differences what sizes of an entry matter.
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h, double t_next, Observer&& observer,
                          const NewtonGoal& goal = {}) {
    static_assert(!HasPathRows<Rhs>,
                  "Rosenbrock methods need the Jacobian of all rows, quadratures included: for a right-hand side with "
                  "path_rows() take a diagonally implicit method such as Kvaerno5");
    prepare(rhs, t);
    h_ = h;
    t_next_ = t_next;
    end_slope_known_ = false;
    solved_ = linearize(rhs, t, goal) && solve_stages<0>(rhs, t);
    observer.discard();
    if constexpr (has_error)
      if (!solved_) {
        error_.setZero();
        error_(failed_component_, failed_sample_) = std::numeric_limits<Scalar>::infinity();
      }
    return solved_;
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    if constexpr (sloped) {
      if (!end_slope_known_) write_end_slope();
      start_slope_.swap(end_slope_);
      start_slope_known_ = true;
    } else if (end_slope_known_) {
      first_.swap(end_slope_);
    }
    first_stage_ready_ = fsal || (!sloped && end_slope_known_);
    if constexpr (fsal) first_.swap(last_);
    y_.swap(next_);
    linearized_ = end_slope_known_ = false;
  }

  /// The slope at the start of the step tried last; before accept(). Of a method with own slopes that at the end of the
  /// step before, so that both are one; else f(t, y).
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    if constexpr (sloped) {
      if (!start_slope_known_)
        start_slope_.noalias() = detail::weighted_stages<detail::IncrementsOfStartSlope<Method>>(1 / h_, U_);
      return start_slope_;
    } else {
      return first_;
    }
  }

  /// The slope at the end of the step tried last, likewise. f where the method has none of its own: the last stage if
  /// that is first same as last, else evaluated once, and f(t, y) of the next step then.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if constexpr (!sloped && fsal) return last_;
    if (!end_slope_known_) {
      if constexpr (sloped)
        write_end_slope();
      else
        evaluate(rhs, t_next_, next_, end_slope_);
    }
    end_slope_known_ = true;
    return end_slope_;
  }

  /// E of the step tried last as the control measures it (error_control.hpp), over the rows that the right-hand side
  /// wants to be counted; infinite where the step failed. (I - hγJ)⁻¹ is not applied to it again: a solution that is
  /// not stiffly accurate is wrong in the stiff components too, and the estimate must show it.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(const Rhs& rhs, const Control& control) requires has_error {
    if (!solved_) return std::numeric_limits<double>::infinity();
    write_error(error_);
    return detail::measured_error(control, detail::error_part(rhs, error_), detail::error_part(rhs, y_),
                                  detail::error_part(rhs, next_));
  }

  template <class Rhs>
  double estimate_error(const Rhs& rhs, double rtol, double atol) requires has_error {
    return estimate_error(rhs, IController{.rtol = rtol, .atol = atol});
  }

  /// Writes e, the solution less that of the partner, of the step tried last, all rows, not filtered; before accept().
  void write_error(State& error) const requires has_error {
    error.noalias() = detail::weighted_stages<detail::IncrementsOfError<Method>>(1, U_);
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    next_.noalias() = y_ + Scalar(h) * first_;
    evaluate(rhs, t, next_, last_);
  }

  [[nodiscard]] const State& y() const { return y_; }          ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }  ///< At its end.
  [[nodiscard]] const State& error() const { return error_; }  ///< After estimate_error(): e, filtered where it is.
  [[nodiscard]] double h() const { return h_; }                ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return t_next_; }      ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< The differences' included.
  [[nodiscard]] Index newton_iterations() const { return 0; }
  [[nodiscard]] Index failed_sample() const { return failed_sample_; }  ///< Of the last step that failed.
  [[nodiscard]] Index failed_component() const { return failed_component_; }
  /// f at the start of the step for i = 0; else as evaluated last, by probe() or for the last stage.
  [[nodiscard]] const State& stage(int i) const { return i == 0 ? first_ : last_; }
  /// u_{i+1}, i = 0 … s - 1, of the step tried last.
  [[nodiscard]] const State& increment(int i) const {
    eigen_assert(i >= 0 && i < stages);
    return U_[std::size_t(i)];
  }

 private:
  static constexpr double gamma = Method::tableau.gamma;
  static constexpr bool sloped = SlopedRosenbrockMethod<Method>;

  void write_end_slope() {
    end_slope_.noalias() = detail::weighted_stages<detail::IncrementsOfEndSlope<Method>>(1 / h_, U_);
  }

  template <class Rhs>
  void evaluate(Rhs& rhs, double t, const State& y, State& dy) {
    detail::evaluate(rhs, t, y, dy);
    ++evaluations_;
  }

  /// The derivatives at (t, y), unless a trial before has left them, and the factors of I - hγJ.
  template <class Rhs>
  bool linearize(Rhs& rhs, double t, const NewtonGoal& goal) {
    const Index d = y_.rows();
    if (!linearized_) {
      evaluations_ += jacobian_.evaluate(rhs, t, y_, first_, d, h_ * gamma, goal, Differences::central);
      differentiate_by_time(rhs, t);
      if (!finite(time_derivative_)) return false;
      for (Index j = 0; j < y_.cols(); ++j)
        for (Index i = 0; i < d; ++i)
          if (!jacobian_.of_column(j).row(i).allFinite()) return blame(i, j);
      linearized_ = true;
    }
    for (Index j = 0; j < y_.cols(); ++j) {
      M_ = jacobian_.of_column(j);
      M_ *= Scalar(-h_ * gamma);
      M_.diagonal().array() += Scalar(1);
      factors_[std::size_t(j)].compute(M_);
    }
    return true;
  }

  template <class Rhs>
  void differentiate_by_time(Rhs& rhs, double t) {
    if constexpr (HasTimeDerivative<Rhs, State>) {
      rhs.time_derivative(t, y_, time_derivative_);
    } else {
      // Rounding of t, ε|t| / δ, and the curvature of f over times of the length of the step, δ / h, are equal.
      const double eps = std::numeric_limits<Scalar>::epsilon(), length = std::abs(h_);
      // Two roots, and h twice in a stage: the product of two times, or h², may be no number.
      const double rounding = eps * std::max(std::abs(t), std::abs(t_next_));
      const double delta = std::min(length, std::sqrt(rounding) * std::sqrt(length));
      const double moved = t + std::copysign(delta, h_);
      evaluate(rhs, moved, y_, time_derivative_);
      time_derivative_ = (time_derivative_ - first_) / Scalar(moved - t);
    }
  }

  template <int I, class Rhs>
  bool solve_stages(Rhs& rhs, double t) {
    if constexpr (I < stages) {
      constexpr double alpha = detail::row_sum_of_alpha(Method::tableau, I);
      constexpr double weight_of_time = detail::row_sum_of_gamma(Method::tableau, I);
      using Coupling = detail::IncrementsOfCoupling<Method, I>;
      if constexpr (I > 0) {
        detail::write_sum<detail::IncrementsOfStage<Method, I>>(next_, y_, 1, U_);
        evaluate(rhs, alpha == 1 ? t_next_ : t + alpha * h_, next_, last_);
        if (!finite(last_)) return false;
      }
      const State& f = I == 0 ? first_ : last_;
      work_ = Scalar(h_ * gamma) * f;
      if constexpr (weight_of_time != 0) work_ += Scalar(h_ * gamma * weight_of_time) * (Scalar(h_) * time_derivative_);
      if constexpr (detail::next_nonzero<Coupling>() != Coupling::count)
        work_ += detail::weighted_stages<Coupling>(gamma, U_);
      for (Index j = 0; j < y_.cols(); ++j) U_[I].col(j) = factors_[std::size_t(j)].solve(work_.col(j));
      return solve_stages<I + 1>(rhs, t);
    } else {
      // With "first same as last" the last stage's input is the solution.
      if constexpr (!fsal) detail::write_sum<detail::IncrementsOfSolution<Method>>(next_, y_, 1, U_);
      return finite(next_) && finite(U_[stages - 1]);
    }
  }

  /// Whether all entries are; remembers the first that is not.
  bool finite(const State& X) {
    if (X.allFinite()) return true;
    SolveFailure at;
    detail::blame_first_nonfinite(X, at);
    return blame(at.component, at.sample);
  }

  bool blame(Index component, Index sample) {
    failed_component_ = component;
    failed_sample_ = sample;
    return false;
  }

  State y_, next_;  // next_ is the input of each stage in turn, and y_next at last
  State first_, last_, time_derivative_, work_;
  std::array<State, std::size_t(stages)> U_;
  State error_, start_slope_, end_slope_;
  BatchJacobian<State> jacobian_;
  Jacobians<Scalar> M_;
  std::vector<Eigen::PartialPivLU<Jacobians<Scalar>>> factors_;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0, failed_sample_ = -1, failed_component_ = -1;
  bool first_stage_ready_ = false, solved_ = true;
  bool start_slope_known_ = false, end_slope_known_ = false;
  bool linearized_ = false;  // the derivatives belong to (t, y)
};

}  // namespace pathline
