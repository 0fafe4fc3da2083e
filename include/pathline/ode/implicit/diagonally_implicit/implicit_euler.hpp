/// \file
/// Implicit Euler with Newton's method: order 1, L-stable, for stiff problems. docs/maths.md, (3.3).
///
/// Quadrature rows need no Newton: they grow by h times their derivative at the new point. Methods of higher order:
/// diagonally_implicit_methods.hpp.
#pragma once

#include <pathline/ode/implicit/newton/newton.hpp>
#include <pathline/ode/stepper.hpp>

namespace pathline {

/// y_next = y + h f(t + h, y_next). Used with FixedSteps: it has no error estimate.
struct ImplicitEuler {
  using implicit_method = void;
};

/// Storage of a step. After the first state of a shape nothing is allocated (path rows above 16: Eigen's LU may).
template <OdeState State>
class Stepper<ImplicitEuler, State> {
 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = 1;
  static constexpr bool fsal = false, has_error = false;
  using Carried = NothingCarried;  // each step has Jacobians of its own

  void reset(const State& y) {
    y_ = y;
    next_.resizeLike(y);
    slope_.resizeLike(y);
    newton_.reset(y);
    slope_known_ = false;
  }

  /// There is no stage at the start of a step.
  template <class Rhs>
  bool prepare(Rhs& /*rhs*/, double /*t*/) {
    return false;
  }

  template <class Rhs>
  void init(Rhs& /*rhs*/, double /*t*/, const State& y) {
    reset(y);
  }

  template <class Rhs>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h) {
    const NoObserver nobody;
    return step(rhs, t, h, t + h, nobody);
  }

  /// Tries a step from (t, y) to t_next = t + h; false if Newton's method does not converge. The evaluations of the
  /// iteration are discarded by the observer; one more, at the solution, remains as stage(0).
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double /*t*/, double h, double t_next, Observer&& observer) {
    h_ = h;
    t_next_ = t_next;
    next_ = y_;  // the old state is a better guess than explicit Euler's where it matters, at large h
    newton_.forget_jacobians();
    const bool solved = newton_.solve(rhs, t_next, h, y_, y_, next_);
    observer.discard();
    if (!solved) return false;
    newton_.evaluate(rhs, t_next, next_);
    const Index quadratures = y_.rows() - detail::path_rows(rhs, y_);
    if (quadratures > 0)
      next_.bottomRows(quadratures) =
          y_.bottomRows(quadratures) + Scalar(h) * newton_.derivative().bottomRows(quadratures);
    return true;
  }

  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index path_rows, Index columns) {
    return 3 * detail::heap_bytes<Scalar>(rows * columns) +
           NewtonSolver<State>::storage_bytes(rows, path_rows, columns);
  }

  void accept() {
    y_.swap(next_);
    slope_ = newton_.derivative();
    slope_known_ = true;
  }

  /// f(t, y) at the start of the step tried last; before accept(). Evaluated in the first step only.
  template <class Rhs>
  const State& start_slope(Rhs& rhs, double t) {
    if (!slope_known_) newton_.evaluate(rhs, t, y_, slope_);
    slope_known_ = true;
    return slope_;
  }

  /// f at the end of the step tried last; before accept().
  template <class Rhs>
  const State& end_slope(Rhs& /*rhs*/) {
    return newton_.derivative();
  }

  [[nodiscard]] const State& y() const { return y_; }
  [[nodiscard]] const State& y_next() const { return next_; }
  /// f(t_next, y_next).
  [[nodiscard]] const State& stage(int /*i*/) const { return newton_.derivative(); }
  [[nodiscard]] int stages_evaluated() const { return 1; }
  [[nodiscard]] double h() const { return h_; }
  [[nodiscard]] double t_next() const { return t_next_; }
  [[nodiscard]] Index evaluations() const {
    return newton_.evaluations();
  }  ///< Newton's and the differences' included.
  [[nodiscard]] Index newton_iterations() const { return newton_.iterations(); }
  [[nodiscard]] Index failed_sample() const { return newton_.failed_sample(); }  ///< Of the last step that failed.
  [[nodiscard]] Index failed_component() const { return newton_.failed_component(); }
  [[nodiscard]] EquationFault fault() const { return newton_.fault(); }   ///< And why.
  [[nodiscard]] double failed_at() const { return newton_.failed_at(); }  ///< When something was not finite.

 private:
  State y_, next_, slope_;
  NewtonSolver<State> newton_;
  double h_ = 0, t_next_ = 0;
  bool slope_known_ = false;
};

}  // namespace pathline
