/// \file
/// The least value of a smooth function of many parameters, by its value and gradient alone: L-BFGS with a line search
/// for the strong Wolfe conditions (Nocedal & Wright 2006, algorithm 7.5).
///
///     const auto rosenbrock = [](const Vector<double>& x, Vector<double>& gradient) {
///       const double a = 1 - x(0), b = x(1) - x(0) * x(0);
///       gradient << -2 * a - 400 * x(0) * b, 200 * b;
///       return a * a + 100 * b * b;
///     };
///     Vector<double> x{{-1.2, 1}};
///     const MinimizeReport report = minimize(rosenbrock, x, LBfgs{.gradient_tolerance = 1e-9});
///
/// It is for values without noise. `fit_full_batch` (train/full_batch/fit_full_batch.hpp) trains a model so, on all its
/// data at a time; on mini-batches `fit` does.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/full_batch/lbfgs.hpp>
#include <pathline/train/full_batch/line_search.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// Why `minimize` ended.
enum class MinimizeStop {
  gradient,     ///< The gradient is within its tolerance.
  gain,         ///< The value no longer falls by more than the tolerance of it, or than its rounding.
  iterations,   ///< max_iterations are done.
  evaluations,  ///< max_evaluations are done.
  line_search,  ///< No step lowers the value, not even along the gradient, though by the slope short ones should.
  callback      ///< The callback returned false.
};

/// What to do about it, for a message.
[[nodiscard]] inline const char* explain(MinimizeStop stop) {
  switch (stop) {
    case MinimizeStop::gradient:
      return "the gradient is within its tolerance";
    case MinimizeStop::gain:
      return "the value no longer falls";
    case MinimizeStop::iterations:
      return "all iterations are done and the gradient is above its tolerance: raise max_iterations";
    case MinimizeStop::evaluations:
      return "all evaluations are done and the gradient is above its tolerance: raise max_evaluations";
    case MinimizeStop::line_search:
      return "no step along the gradient lowers the value: check the gradient (check_gradient), tighten the solver's "
             "tolerances, or stop at a larger gradient_tolerance";
    case MinimizeStop::callback:
      return "the callback ended it";
  }
  return "";
}

/// What `minimize` did.
struct MinimizeReport {
  MinimizeStop stop = MinimizeStop::iterations;
  Index iterations = 0, evaluations = 0;
  double first_value = 0, value = 0;  ///< At the start and at the end.
  double gradient_norm = 0;           ///< Euclidean, at the end.
  Index refused = 0;                  ///< Trial steps without a finite value or gradient, or whose solve failed.
  std::vector<std::string> warnings;  ///< Of `fit_full_batch`: what is doubtful about the data, as in FitReport.

  [[nodiscard]] bool converged() const { return stop == MinimizeStop::gradient || stop == MinimizeStop::gain; }
};

/// One iteration, as the callback sees it.
template <Real Scalar>
struct MinimizeIteration {
  Index iteration = 0, evaluations = 0;  ///< Both counted from 1, over all.
  double value = 0;
  double step = 0;  ///< Along the direction; 1 is the whole quasi-Newton step.
  const Vector<Scalar>& parameters;
  const Vector<Scalar>& gradient;
};

/// `objective(theta, gradient)` returns the value at θ and writes the gradient, which has θ's length already. Where
/// there is no value, it returns what is not finite or throws a SolveError: the step is shortened then.
template <class F, class Scalar>
concept Objective = Real<Scalar> && requires(F& objective, const Vector<Scalar>& theta, Vector<Scalar>& gradient) {
  { objective(theta, gradient) } -> std::convertible_to<double>;
};

namespace detail {

struct SeesNoIteration {
  template <Real Scalar>
  void operator()(const MinimizeIteration<Scalar>& /*iteration*/) const noexcept {}
};

/// A minimisation on its way. All that it needs is made at the start.
template <Real Scalar, class F>
class Minimization {
  struct Point {
    explicit Point(Index parameters) : theta(parameters), gradient(parameters) {}
    Vector<Scalar> theta, gradient;
    double value = 0, step = 0;  // of the search that it was a trial of
  };

 public:
  /// \throws ArgumentError unless θ, its value and its gradient are finite.
  Minimization(F& objective, Vector<Scalar>& theta, const LBfgs& rule)
      : objective_(objective),
        theta_(theta),
        rule_(rule),
        memory_(theta.size(), rule.memory),
        at_(theta.size()),
        trial_(theta.size()),
        least_(theta.size()),
        direction_(theta.size()) {
    require_finite_vector("minimize: parameters", theta);
    at_.theta = theta;
    evaluate(at_);
    if (!std::isfinite(at_.value))
      throw ArgumentError("minimize: the value at the first parameters", at_.value, advice);
    require_finite_vector("minimize: the gradient at the first parameters", at_.gradient);
    report_.first_value = at_.value;
  }

  template <class See>
  MinimizeReport run(See& see) {
    try {
      while (!ends()) iterate(see);
    } catch (...) {
      theta_ = least_.value < at_.value ? least_.theta : at_.theta;
      throw;
    }
    theta_ = at_.theta;
    report_.value = at_.value;
    return report_;
  }

 private:
  static constexpr const char* advice = "a finite number; begin at other parameters";

  static void require_finite_vector(const char* what, const Vector<Scalar>& x) {
    for (Index i = 0; i < x.size(); ++i)
      if (!(x(i) - x(i) == Scalar(0))) throw ArgumentError(message({what, ", entry ", i}), double(x(i)), advice);
  }

  [[nodiscard]] bool ends() {
    report_.gradient_norm = std::sqrt(product_of(at_.gradient, at_.gradient));
    if (over_) return true;
    if (report_.gradient_norm <= rule_.gradient_tolerance) return stop(MinimizeStop::gradient);
    if (gain_ <= rule_.gain_tolerance * std::abs(at_.value)) return stop(MinimizeStop::gain);
    if (report_.iterations >= rule_.max_iterations) return stop(MinimizeStop::iterations);
    return report_.evaluations >= rule_.max_evaluations && stop(MinimizeStop::evaluations);
  }
  bool stop(MinimizeStop why) {
    report_.stop = why;
    return over_ = true;
  }

  template <class See>
  void iterate(See& see) {
    memory_.set_direction(at_.gradient, direction_);
    LinePoint start{0, at_.value, product_of(at_.gradient, direction_)};
    if (!(start.slope < 0)) {  // by rounding
      memory_.clear();
      memory_.set_direction(at_.gradient, direction_);
      start.slope = product_of(at_.gradient, direction_);
    }
    const double first = memory_.empty() ? std::min(1.0, 1 / report_.gradient_norm) : 1;
    const Index left = rule_.max_evaluations - report_.evaluations;
    least_.value = at_.value;
    const LineSearchResult search = strong_wolfe(
        start, first, {rule_.sufficient_decrease, rule_.curvature}, std::min(rule_.search_evaluations, left),
        std::numeric_limits<Scalar>::epsilon(), [this](double step) { return try_step(step); });
    if (search.end == LineSearchEnd::found) {
      memory_.add(at_.theta, trial_.theta, at_.gradient, trial_.gradient);
      move_to(trial_, see);
    } else if (least_.value < at_.value) {  // a step without the second condition, from which to begin anew
      memory_.clear();
      move_to(least_, see);
    } else if (report_.evaluations >= rule_.max_evaluations) {
      stop(MinimizeStop::evaluations);
    } else if (!memory_.empty()) {
      memory_.clear();  // and the same along the gradient
    } else {
      stop(search.end == LineSearchEnd::rounding ? MinimizeStop::gain : MinimizeStop::line_search);
    }
  }

  template <class See>
  void move_to(Point& point, See& see) {
    gain_ = at_.value - point.value;
    std::swap(at_, point);
    least_.value = at_.value;
    ++report_.iterations;
    const MinimizeIteration<Scalar> iteration{report_.iterations, report_.evaluations, at_.value,
                                              at_.step,           at_.theta,           at_.gradient};
    if constexpr (std::is_void_v<std::invoke_result_t<See&, const MinimizeIteration<Scalar>&>>)
      see(iteration);
    else if (!see(iteration))
      stop(MinimizeStop::callback);
  }

  // φ and φ' at this step; not finite where θ, the value or the gradient is not, or a solve fails.
  [[nodiscard]] LinePoint try_step(double step) {
    const auto length = Scalar(step);
    update<Scalar>(
        trial_.theta, [length](auto, auto x, auto p) { return x + length * p; }, at_.theta, direction_);
    trial_.step = step;
    LinePoint result{step, std::numeric_limits<double>::quiet_NaN(), 0};
    if (all_finite<Scalar>(trial_.theta)) {
      try {
        evaluate(trial_);
        result = {step, trial_.value, product_of(trial_.gradient, direction_)};
      } catch (const SolveError&) {  // as a value that is not finite
      }
    }
    if (!result.finite()) {
      ++report_.refused;
    } else if (trial_.value < least_.value) {
      copy<Scalar>(trial_.theta, least_.theta);
      copy<Scalar>(trial_.gradient, least_.gradient);
      least_.value = trial_.value;
      least_.step = step;
    }
    return result;
  }

  void evaluate(Point& point) {
    ++report_.evaluations;
    point.value = double(objective_(std::as_const(point.theta), point.gradient));
    require_rows("minimize: the gradient that the objective writes", point.gradient.size(), point.theta.size());
  }

  F& objective_;
  Vector<Scalar>& theta_;
  const LBfgs& rule_;
  LimitedMemory<Scalar> memory_;
  Point at_, trial_, least_;  // least: of the trials of this search
  Vector<Scalar> direction_;
  double gain_ = std::numeric_limits<double>::infinity();
  bool over_ = false;
  MinimizeReport report_;
};

}  // namespace detail

/// Moves `theta` to where the objective is least, as far as the rule goes; no iteration raises the value.
///
/// \param theta  Where to begin. Also where an exception is thrown, it is left at the least value so far.
/// \param see    Called as see(const MinimizeIteration<Scalar>&) after each iteration; false ends.
/// \return       Why it ended, which is to be looked at: see `MinimizeReport::converged` and `explain`.
/// Cost: 1 to 2 evaluations an iteration as a rule, and (4m + 6) passes over θ. Allocates at the start alone: 2m + 9
/// vectors.
/// \throws ArgumentError for a wrong setting, or a start where parameters, value or gradient are not finite; SolveError
///         where the objective throws it at the start, and whatever else it throws.
template <class F, Real Scalar, class See = detail::SeesNoIteration>
[[nodiscard]] MinimizeReport minimize(F&& objective, Vector<Scalar>& theta, const LBfgs& rule = {}, See&& see = {}) {
  constexpr bool is_objective = Objective<F, Scalar>, sees = std::invocable<See&, const MinimizeIteration<Scalar>&>;
  static_assert(is_objective,
                "minimize: the objective is called as objective(theta, gradient), with a const Vector<Scalar>& and a "
                "Vector<Scalar>& of the parameters' scalar, and returns a number");
  static_assert(sees, "minimize: the callback is called with a const MinimizeIteration<Scalar>&");
  if constexpr (is_objective && sees) {
    rule.check();
    return detail::Minimization<Scalar, std::remove_reference_t<F>>(objective, theta, rule).run(see);
  } else {
    return {};
  }
}

}  // namespace pathline
