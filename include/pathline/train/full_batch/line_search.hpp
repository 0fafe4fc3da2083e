/// \file
/// How far to go along a direction: a step that satisfies the strong Wolfe conditions (Nocedal & Wright 2006, Numerical
/// Optimization, 2nd edition, algorithms 3.5 and 3.6).
///
/// Written for φ(α) = L(θ + αp), with φ'(α) = ∇L(θ + αp)·p: it knows nothing of vectors.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline {

/// φ and φ' at a step.
struct LinePoint {
  double step = 0;
  double value = 0;
  double slope = 0;

  [[nodiscard]] bool finite() const { return std::isfinite(value) && std::isfinite(slope); }
};

/// φ(α) ≤ φ(0) + c₁ α φ'(0) and |φ'(α)| ≤ c₂ |φ'(0)|: equations 3.7, with 0 < c₁ < c₂ < 1.
struct StrongWolfe {
  double sufficient_decrease = 1e-4;  ///< c₁
  double curvature = 0.9;             ///< c₂

  [[nodiscard]] bool decreases(const LinePoint& start, const LinePoint& at) const {
    return at.finite() && at.value <= start.value + sufficient_decrease * at.step * start.slope;
  }
  [[nodiscard]] bool flat(const LinePoint& start, const LinePoint& at) const {
    return std::abs(at.slope) <= curvature * std::abs(start.slope);
  }
};

/// How a search ended.
enum class LineSearchEnd {
  found,         ///< At a step that satisfies the conditions, which is the last that φ was asked for.
  rounding,      ///< Steps were too close together to change the value by more than its rounding.
  contradicted,  ///< So they were, and the value had risen, by more than rounding, where its slope said that it falls.
  evaluations    ///< After as many evaluations as were allowed.
};

struct LineSearchResult {
  LineSearchEnd end = LineSearchEnd::evaluations;
  LinePoint at;
  Index evaluations = 0;
};

namespace detail {

/// The step at which the cubic with the values and slopes of a and b is least: equation 3.59. NaN where there is none.
[[nodiscard]] inline double cubic_minimizer(const LinePoint& a, const LinePoint& b) {
  const double width = b.step - a.step, d1 = a.slope + b.slope - 3 * (b.value - a.value) / width;
  const double d2 = std::copysign(std::sqrt(d1 * d1 - a.slope * b.slope), width);
  return b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
}

/// One search along a line; see `strong_wolfe`.
template <class Phi>
class LineSearch {
 public:
  LineSearch(const LinePoint& start, const StrongWolfe& conditions, Index evaluations, double rounding, Phi& phi)
      : start_(start), conditions_(conditions), most_(evaluations), rounding_(rounding), phi_(phi) {}

  // Algorithm 3.5: steps grow until one is too long, or will do.
  [[nodiscard]] LineSearchResult from(double step) {
    LinePoint before = start_;
    while (count_ < most_) {
      const LinePoint at = evaluate(step);
      if (!conditions_.decreases(start_, at) || (count_ > 1 && at.value >= before.value)) {
        if (before.step == 0) look_at(at);
        return zoom(before, at);
      }
      if (conditions_.flat(start_, at)) return {LineSearchEnd::found, at, count_};
      if (at.slope >= 0) return zoom(at, before);
      const double grown = cubic_minimizer(before, at), width = at.step - before.step;
      // Further by a tenth to nine times of the last stretch; as far as that where the cubic falls for ever.
      const double longest = at.step + 9 * width;
      step = grown >= at.step ? std::clamp(grown, at.step + 0.1 * width, longest) : longest;
      before = at;
    }
    return {LineSearchEnd::evaluations, before, count_};
  }

 private:
  // Algorithm 3.6: `low` has the least value of the steps that decrease enough, and steps that satisfy both conditions
  // lie between it and `high`, which may be a step without a finite value.
  [[nodiscard]] LineSearchResult zoom(LinePoint low, LinePoint high) {
    double before = std::numeric_limits<double>::infinity(), one_before = before;  // widths
    while (count_ < most_) {
      const double width = std::abs(high.step - low.step);
      if (width * std::abs(low.slope) <= rounding_ * std::abs(low.value) || !(low.step + 0.5 * width > low.step))
        return {low.value >= start_.value && risen_.slope < 0 ? LineSearchEnd::contradicted : LineSearchEnd::rounding,
                low, count_};
      const LinePoint at = evaluate(between(low, high, width > 0.66 * one_before));
      one_before = before;
      before = width;
      // By values as long as rounding lets them tell, then by slopes, which are known better.
      if (!conditions_.decreases(start_, at) || at.value > low.value + rounding_ * std::abs(low.value)) {
        if (low.step == 0) look_at(at);
        high = at;
        continue;
      }
      if (conditions_.flat(start_, at)) return {LineSearchEnd::found, at, count_};
      if (at.slope * (high.step - low.step) >= 0) high = low;
      low = at;
    }
    return {LineSearchEnd::evaluations, low, count_};
  }

  // Halfway where `high` says nothing, or two cubics have not narrowed the interval by a third; never close to an end.
  [[nodiscard]] static double between(const LinePoint& low, const LinePoint& high, bool slow) {
    const double middle = low.step + 0.5 * (high.step - low.step);
    if (slow || !high.finite()) return middle;
    const double step = cubic_minimizer(low, high), margin = 0.1 * std::abs(high.step - low.step);
    if (!std::isfinite(step)) return middle;
    return std::clamp(step, std::min(low.step, high.step) + margin, std::max(low.step, high.step) - margin);
  }

  // Keeps the shortest step that raises the value for certain.
  void look_at(const LinePoint& at) {
    if (at.finite() && at.value > start_.value + 100 * rounding_ * std::abs(start_.value)) risen_ = at;
  }

  [[nodiscard]] LinePoint evaluate(double step) {
    ++count_;
    LinePoint at = phi_(step);
    at.step = step;
    return at;
  }

  const LinePoint& start_;
  LinePoint risen_{};
  const StrongWolfe& conditions_;
  Index most_, count_ = 0;
  double rounding_;
  Phi& phi_;
};

}  // namespace detail

/// Searches a step that satisfies the strong Wolfe conditions.
///
/// \param start        φ and φ' at step 0, finite; the slope below 0.
/// \param first        Step to try first, above 0.
/// \param evaluations  Most calls of `phi`.
/// \param rounding     Of values of φ, relative to their size.
/// \param phi          phi(step) returns a LinePoint; one whose value or slope is not finite counts as too long a step.
/// \return  The step found, and else the one with the least value of those that decrease enough, which may be `start`.
template <class Phi>
[[nodiscard]] LineSearchResult strong_wolfe(const LinePoint& start, double first, const StrongWolfe& conditions,
                                            Index evaluations, double rounding, Phi phi) {
  return detail::LineSearch<Phi>(start, conditions, evaluations, rounding, phi).from(first);
}

}  // namespace pathline
