/// \file
/// What Levenberg-Marquardt is set by, why it ended, and what it found out. `minimize`
/// (train/least_squares/minimize_squares.hpp) takes the steps.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/optimizer.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace pathline {

/// Settings of the Levenberg-Marquardt method: each step s solves (JᵀJ + μD²) s = -Jᵀr, where the diagonal D has the
/// largest norms of the columns of J so far (Moré 1978), so that no unit of a parameter matters. μ follows the ratio of
/// the fall of the sum of squares to the fall that the linear model promised: Nielsen's rule (Madsen, Nielsen &
/// Tingleff 2004, Methods for Non-Linear Least Squares Problems, algorithm 3.16).
struct LevenbergMarquardt {
  Index max_iterations = 100;  ///< Steps that lower the sum. Each computes at least one Jacobian.
  /// Counts evaluations of the residuals, with or without Jacobian, the first one included. The Jacobian of the last
  /// step may exceed it by one.
  Index max_evaluations = 1000;
  double damping = 1e-3;  ///< The first μ. 0: Gauss-Newton steps, until one fails.
  /// Ends where the part of r in the range of J is no more than this share of |r|: the relative offset of Bates & Watts
  /// (1981), which no damping changes. If J is rank deficient this number is only an upper bound; such fits end by
  /// step_tolerance.
  double offset_tolerance = 1e-8;
  /// Ends at a step with |Ds| no more than this share of |Dθ|. Parameters that have had no influence so far do not
  /// count.
  double step_tolerance = 1e-10;
  /// Up to so many parameters the report has standard errors, whose QR decomposition with pivots takes 4mp² operations.
  Index errors_up_to = 500;

  void check() const {
    const auto require = detail::require_setting;
    require(max_iterations >= 0, "LevenbergMarquardt: max_iterations", double(max_iterations), "at least 0");
    require(max_evaluations >= 1, "LevenbergMarquardt: max_evaluations", double(max_evaluations), "at least 1");
    require(damping >= 0 && std::isfinite(damping), "LevenbergMarquardt: damping", damping, "0 or a positive number");
    require(offset_tolerance >= 0, "LevenbergMarquardt: offset_tolerance", offset_tolerance, "at least 0");
    require(step_tolerance >= 0, "LevenbergMarquardt: step_tolerance", step_tolerance, "at least 0");
    require(errors_up_to >= 0, "LevenbergMarquardt: errors_up_to", double(errors_up_to), "at least 0");
  }
};

/// Why a least-squares fit ended.
enum class LeastSquaresStop {
  offset,       ///< The residuals are orthogonal to the columns of the Jacobian within the tolerance, or all 0.
  step,         ///< The steps have become shorter than the tolerance.
  rounding,     ///< The linear model promises less than 1e-12 of the sum, and one more step did not lower the offset.
  iterations,   ///< max_iterations are done.
  evaluations,  ///< max_evaluations are done.
  no_progress,  ///< No step lowers the sum of squares, however short, though by the Jacobian short ones should.
  callback      ///< The callback returned false.
};

/// What to do about it, for a message.
[[nodiscard]] inline const char* explain(LeastSquaresStop stop) {
  switch (stop) {
    case LeastSquaresStop::offset:
      return "the residuals are orthogonal to the Jacobian within the tolerance";
    case LeastSquaresStop::step:
      return "the steps are shorter than the tolerance";
    case LeastSquaresStop::rounding:
      return "the sum of squares is least to rounding";
    case LeastSquaresStop::iterations:
      return "all iterations are done and the sum of squares still falls: raise max_iterations";
    case LeastSquaresStop::evaluations:
      return "all evaluations are done and the sum of squares still falls: raise max_evaluations";
    case LeastSquaresStop::no_progress:
      return "no step lowers the sum of squares: check the Jacobian, tighten the solver's tolerances, compute in "
             "double, or stop at a larger offset_tolerance";
    case LeastSquaresStop::callback:
      return "the callback ended it";
  }
  return "";
}

/// How well the data determine each parameter, by the linear model at the end: the covariance s² (JᵀJ)⁻¹ with
/// s² = |r|² / (m - rank), as textbooks of nonlinear regression have it (Bates & Watts 1988, section 2.3). It counts
/// residuals as independent, of one variance and mean 0; where they were divided by known deviations s is about 1.
struct ParameterErrors {
  /// Of each parameter; infinite where the data do not determine it. NaN where m is the rank, so that s is unknown.
  Vector<double> standard_errors;
  Batch<double> covariance;      ///< p × p; rows and columns of parameters that are not determined are NaN.
  Index rank = 0;                ///< Of the Jacobian with columns of length 1, by QR with pivots.
  Index degrees_of_freedom = 0;  ///< m - rank
  double residual_deviation = std::numeric_limits<double>::quiet_NaN();  ///< s
};

/// What a least-squares fit did.
struct LeastSquaresReport {
  LeastSquaresStop stop = LeastSquaresStop::iterations;
  Index iterations = 0;           ///< Steps that were taken.
  Index evaluations = 0;          ///< Of the residuals, alone or with the Jacobian.
  Index jacobians = 0;            ///< Those with the Jacobian.
  Index residuals = 0;            ///< m
  double first_sum = 0, sum = 0;  ///< Σ r² at the start and at the end.
  double damping = 0;             ///< μ of the last step; 0 for a Gauss-Newton step.
  double offset = 0;              ///< The relative offset at the end: see LevenbergMarquardt::offset_tolerance.
  Index refused = 0;              ///< Trial steps without finite residuals or Jacobian, or whose solve failed.
  ParameterErrors errors;         ///< Empty above `errors_up_to` parameters.
  /// What the data do not determine, and why there are no standard errors or they are not those of a minimum.
  std::vector<std::string> warnings;

  [[nodiscard]] bool converged() const {
    return stop == LeastSquaresStop::offset || stop == LeastSquaresStop::step || stop == LeastSquaresStop::rounding;
  }
  /// Σ r² / m, the loss of `fit` on sequences.
  [[nodiscard]] double mean_square() const { return sum / double(residuals); }
};

/// One iteration, as the callback sees it.
struct LeastSquaresIteration {
  Index iteration = 0, evaluations = 0;  ///< Both counted from 1, over all.
  double sum = 0;                        ///< Σ r²
  double damping = 0;                    ///< μ of this step; 0 for a Gauss-Newton step.
  double offset = 0;                     ///< At its end.
  const Vector<double>& parameters;
};

}  // namespace pathline
