/// \file
/// The parameters at which a sum of squares is least, by residuals and their Jacobian: Gauss-Newton steps, damped as
/// Levenberg and Marquardt do.
///
///     Vector<double> p{{500, 1e-4}};
///     const LeastSquaresReport report = minimize(decay, p, LevenbergMarquardt{});
///     std::cout << p(0) << " ± " << report.errors.standard_errors(0) << ", " << explain(report.stop) << '\n';
///
/// It forms the Jacobian, and serves up to some thousand parameters. `fit_full_batch`
/// (train/least_squares/fit_least_squares.hpp) fits a neural ODE so; residuals by a formula are in
/// train/least_squares/residuals.hpp.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/least_squares/damped_system.hpp>
#include <pathline/train/least_squares/levenberg_marquardt.hpp>
#include <pathline/train/least_squares/residuals.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

namespace pathline {
namespace detail {

struct SeesNoSquares {
  void operator()(const LeastSquaresIteration& /*iteration*/) const noexcept {}
};

/// A fit on its way.
template <class F>
class SquaresMinimization {
  struct Point {
    Vector<double> theta, r;
    Batch<double> J;
    double sum = 0;
  };

 public:
  /// \throws ArgumentError unless θ, its residuals and their derivatives are finite.
  SquaresMinimization(F& residuals, Vector<double>& theta, const LevenbergMarquardt& rule)
      : residuals_(residuals), theta_(theta), rule_(rule), damping_(rule.damping) {
    if (theta.size() == 0) throw ArgumentError("minimize: number of parameters", Index{0}, "at least 1");
    require_finite_vector("minimize: parameters, entry ", theta);
    at_.theta = theta;
    ++report_.evaluations;
    residuals_.residuals_and_jacobian(std::as_const(at_.theta), at_.r, at_.J);
    ++report_.jacobians;
    report_.residuals = at_.r.size();
    if (report_.residuals == 0) throw ArgumentError("minimize: number of residuals", Index{0}, "at least 1");
    require_shapes(at_);
    require_finite_vector("minimize: residuals at the first parameters, entry ", at_.r);
    for (Index j = 0; j < at_.J.cols(); ++j)
      for (Index i = 0; i < at_.J.rows(); ++i)
        if (!std::isfinite(at_.J(i, j)))
          throw ArgumentError(message({"minimize: derivative of residual ", i, " by parameter ", j}), at_.J(i, j),
                              advice);
    report_.first_sum = at_.sum = at_.r.squaredNorm();
    scale_.setZero(theta.size());
  }

  template <class See>
  LeastSquaresReport run(See& see) {
    try {
      prepare();
      while (!ends()) report_.offset <= rounding_offset ? polish(see) : iterate(see);
    } catch (...) {
      theta_ = at_.theta;
      throw;
    }
    theta_ = at_.theta;
    report_.sum = at_.sum;
    if (theta_.size() <= rule_.errors_up_to) {
      report_.errors = parameter_errors(at_.J, at_.sum, accuracy(), report_.warnings);
      if (!report_.converged() && report_.errors.rank > 0 && report_.errors.degrees_of_freedom > 0)
        report_.warnings.push_back(
            message({"the fit did not converge, ", explain(report_.stop),
                     "; the standard errors are those of the linear model where it ended, not of a minimum"}));
    } else {
      report_.warnings.push_back(
          message({"no standard errors: there are ", theta_.size(),
                   " parameters, and LevenbergMarquardt::errors_up_to is ", rule_.errors_up_to}));
    }
    return report_;
  }

 private:
  static constexpr const char* advice = "a finite number; begin at other parameters";
  static constexpr double smallest_damping = 1e-15, largest_damping = 1e20, first_damping = 1e-3;
  // From here on a step changes the sum by less than its square, 1e-12 of it, which rounding may hide.
  static constexpr double rounding_offset = 1e-6;

  [[nodiscard]] double accuracy() const {
    if constexpr (requires { residuals_.accuracy(); })
      return residuals_.accuracy();
    else
      return std::numeric_limits<double>::epsilon();
  }

  static void require_finite_vector(const char* what, const Vector<double>& x) {
    for (Index i = 0; i < x.size(); ++i)
      if (!std::isfinite(x(i))) throw ArgumentError(message({what, i}), x(i), advice);
  }
  void require_shapes(const Point& point) const {
    require_rows("minimize: the residuals that are written", point.r.size(), report_.residuals);
    require_rows("minimize: the Jacobian that is written", point.J.rows(), report_.residuals);
    require_columns("minimize: the Jacobian that is written", point.J.cols(), point.theta.size());
  }

  /// The linear model at the present point.
  void prepare() {
    for (Index j = 0; j < scale_.size(); ++j) scale_(j) = std::max(scale_(j), at_.J.col(j).norm());
    // A parameter that has never mattered has no unit yet.
    units_ = (scale_.array() > 0).select(scale_, Vector<double>::Ones(scale_.size()));
    system_.set(at_.J, at_.r, units_);
    report_.offset = at_.sum > 0 ? system_.range_norm() / std::sqrt(at_.sum) : 0;
  }

  [[nodiscard]] bool ends() {
    if (over_) return true;
    if (report_.offset <= rule_.offset_tolerance) return stop(LeastSquaresStop::offset);
    if (report_.iterations >= rule_.max_iterations) return stop(LeastSquaresStop::iterations);
    return report_.evaluations >= rule_.max_evaluations && stop(LeastSquaresStop::evaluations);
  }
  bool stop(LeastSquaresStop why) {
    report_.stop = why;
    return over_ = true;
  }

  /// Steps with more and more damping, up to one that lowers the sum.
  template <class See>
  void iterate(See& see) {
    bool short_enough = false;
    for (double growth = 2; !over_; growth *= 2) {
      system_.solve(damping_, step_);
      // Of the first step alone: enough damping makes any step short.
      if (growth == 2)
        short_enough = damping_ <= 1 && step_.norm() <= rule_.step_tolerance * scale_.cwiseProduct(at_.theta).norm();
      const double promised = system_.promised(damping_, step_);
      if (try_step()) {
        // The residuals that come with the Jacobian may be others, as far as a solve is accurate: they are judged, too.
        if (fall() / promised > 0 && linearize_trial() && fall() > 0) {
          const double ratio = fall() / promised;
          report_.damping = damping_;
          damping_ *= std::max(1. / 3, 1 - std::pow(2 * ratio - 1, 3));
          if (damping_ > 0) damping_ = std::max(damping_, smallest_damping);
          std::swap(at_, trial_);
          prepare();
          tell(see);
          if (short_enough && !over_) stop(LeastSquaresStop::step);
          return;
        }
      }
      if (short_enough) {
        stop(LeastSquaresStop::step);
      } else if (report_.evaluations >= rule_.max_evaluations) {
        stop(LeastSquaresStop::evaluations);
      } else if (damping_ > largest_damping) {
        stop(LeastSquaresStop::no_progress);
      } else {
        damping_ = damping_ == 0 ? first_damping : damping_ * growth;
      }
    }
  }

  /// A Gauss-Newton step that is judged by the offset, where the sum has nothing more to say.
  template <class See>
  void polish(See& see) {
    const double before = report_.offset;
    double damping = 0;
    system_.solve(damping, step_);
    if (!step_.allFinite()) {
      damping = damping_;
      system_.solve(damping, step_);
    }
    if (try_step() && linearize_trial() && trial_.sum <= at_.sum * (1 + rounding_offset * rounding_offset)) {
      std::swap(at_, trial_);
      prepare();
      if (report_.offset < 0.9 * before) {  // its rate depends on the curvature of the residuals
        report_.damping = damping;
        return tell(see);
      }
      std::swap(at_, trial_);
      report_.offset = before;
    }
    stop(LeastSquaresStop::rounding);
  }

  template <class See>
  void tell(See& see) {
    ++report_.iterations;
    const LeastSquaresIteration iteration{report_.iterations, report_.evaluations, at_.sum,
                                          report_.damping,    report_.offset,      at_.theta};
    if constexpr (std::is_void_v<std::invoke_result_t<See&, const LeastSquaresIteration&>>)
      see(iteration);
    else if (!see(iteration))
      stop(LeastSquaresStop::callback);
  }

  /// How much |r|²/2 falls from here to the trial, without the rounding of the sums.
  [[nodiscard]] double fall() const { return (at_.r - trial_.r).dot(at_.r + trial_.r) / 2; }

  /// Whether the residuals after the step are finite.
  [[nodiscard]] bool try_step() {
    trial_.theta = at_.theta + step_.cwiseQuotient(units_);
    return attempt(trial_.theta.allFinite(), [&] {
      ++report_.evaluations;
      residuals_.residuals(std::as_const(trial_.theta), trial_.r);
      require_rows("minimize: the residuals that are written", trial_.r.size(), report_.residuals);
      return trial_.r.allFinite();
    });
  }
  /// Whether their derivatives are, too.
  [[nodiscard]] bool linearize_trial() {
    return attempt(true, [&] {
      ++report_.evaluations;
      ++report_.jacobians;
      residuals_.residuals_and_jacobian(std::as_const(trial_.theta), trial_.r, trial_.J);
      require_shapes(trial_);
      trial_.sum = trial_.r.squaredNorm();
      return std::isfinite(trial_.sum) && trial_.J.allFinite();
    });
  }
  template <class Work>
  [[nodiscard]] bool attempt(bool possible, const Work& work) {
    bool finite = false;
    if (possible) {
      try {
        finite = work();
      } catch (const SolveError&) {  // as residuals that are not finite
      }
    }
    if (!finite) ++report_.refused;
    return finite;
  }

  F& residuals_;
  Vector<double>& theta_;
  const LevenbergMarquardt& rule_;
  DampedSystem system_;
  Point at_, trial_;
  Vector<double> scale_, units_, step_;
  double damping_;
  bool over_ = false;
  LeastSquaresReport report_;
};

}  // namespace detail

/// Moves `theta` to where Σ r² is least, as far as the rule goes; no iteration raises the sum by more than
/// rounding, 1e-12 of it.
///
/// \param theta  Where to begin. Also where an exception is thrown, it is left at the least sum so far.
/// \param see    Called as see(const LeastSquaresIteration&) after each iteration; false ends.
/// \return       Why it ended, which is to be looked at: see `LeastSquaresReport::converged` and `explain`; standard
///               errors; and `warnings`, where the data do not determine all parameters.
/// Cost of an iteration: a Jacobian (m × p), its QR decomposition (2mp² operations), and for each trial step the
/// residuals and a decomposition of 2p rows (4p³ operations).
/// \throws ArgumentError for a wrong setting, or a start where parameters, residuals or derivatives are not finite;
///         ShapeError for residuals or a Jacobian of another shape; SolveError where the residuals throw it at the
///         start, and whatever else they throw.
/// `minimize(f, x, {})` means LBfgs. Rule is a template parameter so that {} is not ambiguous.
template <class F, std::same_as<LevenbergMarquardt> Rule, class See = detail::SeesNoSquares>
[[nodiscard]] LeastSquaresReport minimize(F&& residuals, Vector<double>& theta, const Rule& rule, See&& see = {}) {
  constexpr bool is_function = ResidualFunction<F>, sees = std::invocable<See&, const LeastSquaresIteration&>;
  static_assert(is_function,
                "minimize: LevenbergMarquardt needs residuals(theta, r) and residuals_and_jacobian(theta, r, J): write "
                "them, or take differentiable_residuals(count, formula)");
  static_assert(sees, "minimize: the callback is called with a const LeastSquaresIteration&");
  if constexpr (is_function && sees) {
    rule.check();
    return detail::SquaresMinimization<std::remove_reference_t<F>>(residuals, theta, rule).run(see);
  } else {
    return {};
  }
}

}  // namespace pathline
