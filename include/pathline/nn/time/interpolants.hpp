/// \file
/// Curves through values at given times: control signals for `Controlled` (nn/time/controlled.hpp).
///
/// Before the first time and after the last a curve keeps its value, and its derivatives are zero: nothing runs away
/// where there are no data. At a knot where a derivative jumps it is that of the piece that begins there.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pathline {
namespace detail {

/// Strictly increasing times, and which piece a time lies in.
class Knots {
 public:
  struct Place {
    Index piece;
    double width;  ///< Of the piece.
    double at;     ///< From 0 to 1 in the piece; NaN where the time is.
    bool outside;  ///< Before the first time or after the last.
  };

  Knots(const std::string& who, std::vector<double> times) : times_(std::move(times)) {
    if (times_.size() < 2) throw ArgumentError(who + ": number of times", times_.size(), "at least 2");
    for (std::size_t i = 0; i < times_.size(); ++i) {
      if (!std::isfinite(times_[i]))
        throw ArgumentError(who + ": time " + std::to_string(i), times_[i], "a finite number");
      if (i > 0 && !(times_[i] > times_[i - 1]))
        throw ArgumentError(who + ": time " + std::to_string(i), times_[i],
                            "a time after the one before it, " + number(times_[i - 1]));
    }
  }

  [[nodiscard]] Index size() const noexcept { return Index(times_.size()); }
  [[nodiscard]] const std::vector<double>& times() const noexcept { return times_; }
  [[nodiscard]] double width(Index piece) const {
    return times_[static_cast<std::size_t>(piece + 1)] - times_[static_cast<std::size_t>(piece)];
  }
  [[nodiscard]] Place find(double t) const {
    const auto next = std::upper_bound(times_.begin(), times_.end(), t);
    const Index piece = std::clamp<Index>(next - times_.begin() - 1, 0, size() - 2);
    const double begin = times_[static_cast<std::size_t>(piece)], at = (t - begin) / width(piece);
    return {piece, width(piece), at < 0 ? 0 : at > 1 ? 1 : at, t < times_.front() || t > times_.back()};
  }

 private:
  std::vector<double> times_;
};

}  // namespace detail

/// Straight lines between the values; continuous. A `Signal`.
template <Real Scalar>
class LinearInterpolant {
 public:
  /// \param times   m ≥ 2 times, strictly increasing.
  /// \param values  c × m, a column for each time.
  /// \throws ArgumentError for the times, ShapeError unless there are m columns, DataError unless they are finite.
  LinearInterpolant(std::vector<double> times, Batch<Scalar> values)
      : knots_("LinearInterpolant", std::move(times)), values_(std::move(values)) {
    require_columns("LinearInterpolant: values", values_.cols(), knots_.size());
    require_finite("LinearInterpolant: values", values_);
  }

  [[nodiscard]] Index rows() const noexcept { return values_.rows(); }
  [[nodiscard]] const std::vector<double>& times() const noexcept { return knots_.times(); }
  [[nodiscard]] const Batch<Scalar>& values() const noexcept { return values_; }

  void value(double t, VectorRef<Scalar> u) const {
    const detail::Knots::Place place = knots_.find(t);
    const auto at = static_cast<Scalar>(place.at);
    u = (Scalar(1) - at) * values_.col(place.piece) + at * values_.col(place.piece + 1);
  }
  void derivative(double t, VectorRef<Scalar> du) const {
    const detail::Knots::Place place = knots_.find(t);
    const auto slope = static_cast<Scalar>(place.outside ? 0 : 1 / place.width);
    du = slope * (values_.col(place.piece + 1) - values_.col(place.piece));
  }
  /// Zero: the corners are not seen.
  void second_derivative(double /*t*/, VectorRef<Scalar> ddu) const { ddu.setZero(); }

  [[nodiscard]] Vector<Scalar> value(double t) const {
    Vector<Scalar> u(rows());
    value(t, u);
    return u;
  }
  [[nodiscard]] Vector<Scalar> derivative(double t) const {
    Vector<Scalar> du(rows());
    derivative(t, du);
    return du;
  }

 private:
  detail::Knots knots_;
  Batch<Scalar> values_;
};

/// Cubic Hermite pieces: values and slopes at the knots; the derivative is continuous between the first time and the
/// last. A `Signal`.
///
/// Slopes that are not given are those of the parabola through a knot and its neighbours (Catmull & Rom's for equal
/// steps; "Bessel" in de Boor, A Practical Guide to Splines, chapter IV). So parabolas are reproduced, with slopes
/// cubics, and a value moves no more than four pieces, which a spline with continuous curvature would not keep to.
template <Real Scalar>
class CubicInterpolant {
 public:
  /// \param times   m ≥ 2 times, strictly increasing.
  /// \param values  c × m, a column for each time.
  /// \throws ArgumentError for the times, ShapeError unless there are m columns, DataError unless they are finite.
  CubicInterpolant(std::vector<double> times, Batch<Scalar> values)
      : knots_("CubicInterpolant", std::move(times)), values_(std::move(values)) {
    require_columns("CubicInterpolant: values", values_.cols(), knots_.size());
    require_finite("CubicInterpolant: values", values_);
    slopes_ = slopes_of_parabolas();
  }
  /// \param slopes  c × m: the derivative at each time.
  CubicInterpolant(std::vector<double> times, Batch<Scalar> values, Batch<Scalar> slopes)
      : CubicInterpolant(std::move(times), std::move(values)) {
    require_rows("CubicInterpolant: slopes", slopes.rows(), values_.rows());
    require_columns("CubicInterpolant: slopes", slopes.cols(), values_.cols());
    require_finite("CubicInterpolant: slopes", slopes);
    slopes_ = std::move(slopes);
  }

  [[nodiscard]] Index rows() const noexcept { return values_.rows(); }
  [[nodiscard]] const std::vector<double>& times() const noexcept { return knots_.times(); }
  [[nodiscard]] const Batch<Scalar>& values() const noexcept { return values_; }
  [[nodiscard]] const Batch<Scalar>& slopes() const noexcept { return slopes_; }

  void value(double t, VectorRef<Scalar> u) const {
    const detail::Knots::Place place = knots_.find(t);
    const double w = place.at, v = 1 - w, h = place.width;
    combine(place.piece, {(1 + 2 * w) * v * v, w * w * (3 - 2 * w), h * w * v * v, -h * w * w * v}, u);
  }
  void derivative(double t, VectorRef<Scalar> du) const {
    const detail::Knots::Place place = knots_.find(t);
    if (place.outside) {
      du.setZero();
      return;
    }
    const double w = place.at, rise = 6 * w * (1 - w) / place.width;
    combine(place.piece, {-rise, rise, (1 - w) * (1 - 3 * w), w * (3 * w - 2)}, du);
  }
  void second_derivative(double t, VectorRef<Scalar> ddu) const {
    const detail::Knots::Place place = knots_.find(t);
    if (place.outside) {
      ddu.setZero();
      return;
    }
    const double w = place.at, h = place.width, bend = (6 - 12 * w) / (h * h);
    combine(place.piece, {-bend, bend, (6 * w - 4) / h, (6 * w - 2) / h}, ddu);
  }

  [[nodiscard]] Vector<Scalar> value(double t) const {
    Vector<Scalar> u(rows());
    value(t, u);
    return u;
  }
  [[nodiscard]] Vector<Scalar> derivative(double t) const {
    Vector<Scalar> du(rows());
    derivative(t, du);
    return du;
  }

 private:
  /// Of the values and the slopes at both ends of a piece.
  struct Weights {
    double value, next_value, slope, next_slope;
  };
  void combine(Index i, const Weights& by, VectorRef<Scalar> out) const {
    out = Scalar(by.value) * values_.col(i) + Scalar(by.next_value) * values_.col(i + 1) +
          Scalar(by.slope) * slopes_.col(i) + Scalar(by.next_slope) * slopes_.col(i + 1);
  }

  /// The slope of a parabola at a knot is the mean of the secants at its sides, each weighted by the other's width; at
  /// the ends it follows from the secant being the mean of the slopes at its ends.
  [[nodiscard]] Batch<Scalar> slopes_of_parabolas() const {
    const Index last = knots_.size() - 1;
    const auto secant = [this](Index i) -> Vector<Scalar> {
      return (values_.col(i + 1) - values_.col(i)) / Scalar(knots_.width(i));
    };
    Batch<Scalar> slopes(rows(), last + 1);
    for (Index i = 1; i < last; ++i) {
      const double left = knots_.width(i - 1), right = knots_.width(i);
      slopes.col(i) = Scalar(right / (left + right)) * secant(i - 1) + Scalar(left / (left + right)) * secant(i);
    }
    slopes.col(0) = last == 1 ? secant(0) : Vector<Scalar>(Scalar(2) * secant(0) - slopes.col(1));
    slopes.col(last) = last == 1 ? secant(0) : Vector<Scalar>(Scalar(2) * secant(last - 1) - slopes.col(last - 1));
    return slopes;
  }

  detail::Knots knots_;
  Batch<Scalar> values_, slopes_;
};

}  // namespace pathline
