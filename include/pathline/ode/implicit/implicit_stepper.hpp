/// \file
/// What the steppers of implicit methods share: both ends of a step, the solver of its equations, its error.
/// docs/maths.md, sections 2 to 4.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <limits>

namespace pathline::detail {

/// Base of Stepper<Method, State>, which adds reset(), prepare(), step(), accept(), the slopes and write_error().
/// \tparam Solver  Of the equations of a step: an EquationSolver (newton_columns.hpp).
template <class Method, OdeState State, class Solver>
class ImplicitStepper {
  using Self = Stepper<Method, State>;

 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = Method::tableau.stages;
  static constexpr bool has_error = EmbeddedMethod<Method>;
  /// The exponent of the step in the error estimate.
  static constexpr int error_order = error_exponent<Method>;

  /// Starts at (t, y): reset and prepare.
  template <class Rhs>
  void init(Rhs& rhs, double t, const State& y) {
    self().reset(y);
    self().prepare(rhs, t);
  }

  /// Tries a step from (t, y) to t + h, its stages solved to rounding.
  template <class Rhs>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h) {
    const NoObserver nobody;
    return self().step(rhs, t, h, t + h, nobody);
  }

  /// E of the step tried last as the control measures it (error_control.hpp), over the rows that the right-hand side
  /// includes in the error; infinite where the step failed.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(const Rhs& rhs, const Control& control) requires has_error {
    if (!solved_) return std::numeric_limits<double>::infinity();
    self().write_error(error_);
    return measured_error(rhs, control);
  }

  template <class Rhs>
  double estimate_error(Rhs& rhs, double rtol, double atol) requires has_error {
    return self().estimate_error(rhs, IController{.rtol = rtol, .atol = atol});
  }

  [[nodiscard]] const State& y() const { return y_; }          ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }  ///< At its end.
  [[nodiscard]] const State& error() const { return error_; }  ///< After estimate_error(): e, filtered where it is.
  [[nodiscard]] double h() const { return h_; }                ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return t_next_; }      ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return solver_.evaluations(); }  ///< The differences' included.
  [[nodiscard]] Index newton_iterations() const { return solver_.iterations(); }
  [[nodiscard]] Index failed_sample() const { return solver_.failed_sample(); }  ///< Of the last step that failed.
  [[nodiscard]] Index failed_component() const { return solver_.failed_component(); }
  [[nodiscard]] EquationFault fault() const { return solver_.fault(); }   ///< And why.
  [[nodiscard]] double failed_at() const { return solver_.failed_at(); }  ///< When something was not finite.

 protected:
  /// Sizes the storage; allocates only when the shape is new.
  void start_at(const State& y) {
    static_assert(tableau_defect(Method::tableau) == TableauDefect::none,
                  "this method's tableau is inconsistent: tableau_defect(Method::tableau) names what is wrong");
    y_ = y;
    next_.resizeLike(y);
    if constexpr (has_error) error_.resizeLike(y);
    solver_.reset(y);
    solved_ = true;
  }

  /// The error of a step that was not solved is infinite, where it failed. False, for step() to return.
  bool fail() {
    if constexpr (has_error) {
      error_.setZero();
      error_(failed_component(), failed_sample()) = std::numeric_limits<Scalar>::infinity();
    }
    return false;
  }

  /// E of what error_ holds, which is filtered where the method wants that.
  template <class Rhs, AdaptiveControl Control>
  double measured_error(const Rhs& rhs, const Control& control) {
    if constexpr (Self::filters_error) solver_.filter(implicit_part(rhs), error_);
    return detail::measured_error(control, error_part(rhs, error_), error_part(rhs, y_), error_part(rhs, next_));
  }

  State y_, next_;  // next_ is the input of each stage in turn, and y_next at last
  State error_;
  Solver solver_;
  double h_ = 0, t_next_ = 0;
  bool solved_ = true;

 private:
  [[nodiscard]] Self& self() { return static_cast<Self&>(*this); }

  template <class Rhs>
  static const auto& implicit_part(const Rhs& rhs) {
    if constexpr (TwoPartMethod<Method>)
      return rhs.implicit_part;
    else
      return rhs;
  }
};

}  // namespace pathline::detail
