/// \file
/// Where a function g of time goes through 0 within the steps of a solve: the search that events.hpp uses.
///
/// g is known by its values at seven places of each step and can be evaluated anywhere in it. A value of 0 is no sign:
/// what g does there is read off the values on both sides of it. docs/maths.md, (5.3).
#pragma once

#include <pathline/ode/output/bracketed_root.hpp>
#include <pathline/ode/output/search_polynomial.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace pathline::detail {

/// A function of time that another object owns, so that the search is compiled once and not for each event.
class TimeFunction {
 public:
  template <class Function>
  explicit TimeFunction(const Function& function)
      : object_(&function),
        call_([](const void* object, double t) -> double { return (*static_cast<const Function*>(object))(t); }) {}
  double operator()(double t) const { return call_(object_, t); }

 private:
  const void* object_;
  double (*call_)(const void*, double);
};

/// g changes its sign at t, or comes to rest on 0.
struct SignChange {
  double t;
  int direction;  ///< 1: rising, -1: falling, 0: on 0 from the start and for a while.
};

/// The sign of one function along a solve, from step to step. (A template, so that programs without events do not
/// compile it.)
template <class = void>
class SignWatchOf {
 public:
  struct Step {
    std::array<Sample, search_places.size()> samples;  ///< At search_places; the first has the time alone.
    TimeFunction g;                                    ///< Anywhere in the step.
    TimeFunction beyond;                               ///< The same a little beyond its end, where it may be anything.
    double solve_end;                                  ///< Beyond this time g must not be evaluated.
    /// Parts of the step: a little beside a zero, and just after a start on the event, rounding does not hide the
    /// sign.
    double fine, first;
  };

  /// Begins at a value. Where it is 0 that is no event, unless `fires`.
  void start(double t, double g, bool fires = false) {
    start_ = g;
    side_ = sign(g);
    on_zero_ = g == 0;
    told_ = !(on_zero_ && fires);
    zero_t_ = t;
    rounding_ = 0;
    started_on_event_ = false;
    known_ = Known::yes;
  }

  /// Begins at a zero that has been reported, where g was `before` by rounding; a reset has made `after` of it.
  void start_on_event(double t, double after, double before) {
    start(t, after);
    known_ = std::abs(after) > 4 * std::abs(before) ? Known::unless_small : Known::no;
  }

  /// Begins at a zero that has not been reported, since g, of this sign before, would have turned back there.
  void start_at_touch(double t, int side) {
    start(t, 0);
    side_ = side;
    told_ = side == 0;
  }

  /// Whether a start on the event has turned out to be one: the reset has not moved the state away from it.
  [[nodiscard]] bool started_on_event() const { return started_on_event_; }

  /// Appends the changes within the step, in its direction of time. A zero at its end counts unless g turns back there.
  void search(const Step& step, std::vector<SignChange>& changes) {
    const Sample& end = step.samples.back();
    double smallest = std::abs(end.g), low = end.g, high = end.g;
    for (std::size_t k = 1; k + 1 < search_places.size(); ++k) {
      const double g = step.samples[k].g;
      smallest = std::min(smallest, std::abs(g));
      low = std::min(low, g), high = std::max(high, g);
    }
    if (known_ != Known::yes) judge_start(std::max(-low, high));
    if (on_zero_) zero_t_ = step.samples.front().t;
    const double first = on_zero_ ? 0 : start_;
    smallest = std::min(smallest, std::abs(first));
    low = std::min(low, first), high = std::max(high, first);
    start_ = end.g;
    if (smallest > 16 * (high - low)) return;    // far from 0
    if (low == 0 && high == 0 && told_) return;  // it stays there
    collect(step, first, smallest <= 4 * (high - low), std::max(-low, high));
    walk(step, changes);
  }

  /// The sign of g where it has one; 0 on the event.
  [[nodiscard]] int side() const { return on_zero_ ? 0 : side_; }

 private:
  enum class Known : unsigned char { yes, no, unless_small };

  [[nodiscard]] static int sign(double g) { return int(g > 0) - int(g < 0); }

  /// Whether the value at a start on the event is that of a state that was moved away from it, or rounding.
  void judge_start(double largest) {
    if (known_ == Known::no || std::abs(start_) <= 1e-9 * largest) {
      on_zero_ = told_ = started_on_event_ = true;
      side_ = 0;
      rounding_ = 4 * std::abs(start_);
    }
    known_ = Known::yes;
  }

  /// The samples to be walked through: those of the step, and where they leave open what g does between them.
  void collect(const Step& step, double first, bool near, double largest) {
    const double start = step.samples.front().t, length = step.samples.back().t - start;
    samples_.clear();
    const auto add = [&](double part) {
      const double t = start + part * length;
      samples_.push_back({t, step.g(t)});
    };
    if (on_zero_ && side_ == 0)  // a short flight from the event and back
      for (double part = step.first; part < search_places[1]; part *= 32) add(part);
    PlaceValues values;
    values[0] = first;
    for (std::size_t k = 1; k < values.size(); ++k) values[k] = step.samples[k].g;
    if (near) add_extrema(values, add);
    samples_.insert(samples_.end(), step.samples.begin(), step.samples.end());
    for (Sample& sample : samples_)
      if (sample.t == start) sample.g = first;
    const auto earlier = [forward = length > 0](const Sample& a, const Sample& b) {
      return forward ? a.t < b.t : a.t > b.t;
    };
    std::sort(samples_.begin(), samples_.end(), earlier);
    const std::size_t n = samples_.size();
    for (std::size_t k = 0; k < n; ++k) {
      // On a zero, or so near that its sign may be another than beside it.
      if (std::abs(samples_[k].g) > 0x1p-8 * largest) continue;
      const double here = (samples_[k].t - start) / length;
      const auto look = [&](std::size_t other, double direction) {
        if (samples_[other].g == 0) return;
        const double room = 0.5 * std::abs((samples_[other].t - samples_[k].t) / length);
        for (const double part : {step.fine, 0x1p-10})
          if (part >= step.fine && part < room) add(here + direction * part);
      };
      if (k > 0) look(k - 1, -1);
      if (k + 1 < n) look(k + 1, 1);
    }
    if (samples_.size() > n) std::sort(samples_.begin(), samples_.end(), earlier);
  }

  /// Extrema of the polynomial through the samples: all of them if one has another sign than the samples beside it,
  /// else those that may be the bottom of a dip.
  template <class Add>
  static void add_extrema(const PlaceValues& values, const Add& add) {
    const PlaceValues c = polynomial_through(values);
    std::array<double, 5> extrema;
    std::array<bool, 5> dips{};
    const std::size_t count = extrema_of_polynomial(c, extrema);
    bool hidden = false;
    for (std::size_t k = 0; k < count; ++k) {
      const double x = extrema[k];
      double p = 0, slope = 0, bend = 0;
      for (std::size_t i = c.size(); i-- > 0;) {
        bend = bend * x + slope;
        slope = slope * x + p;
        p = p * x + c[i];
      }
      const std::size_t above =
          std::size_t(std::upper_bound(search_places.begin(), search_places.end() - 1, x) - search_places.begin());
      hidden = hidden || p * values[above] <= 0 || p * values[above - 1] <= 0;
      dips[k] = p * bend > 0;
    }
    for (std::size_t k = 0; k < count; ++k) {
      const auto is_near = [x = extrema[k]](double place) { return std::abs(x - place) < 0x1p-12; };
      if ((hidden || dips[k]) && std::none_of(search_places.begin(), search_places.end(), is_near)) add(extrema[k]);
    }
  }

  void walk(const Step& step, std::vector<SignChange>& changes) {
    const double length = std::abs(step.samples.back().t - step.samples.front().t);
    Sample older{0, 0}, old = samples_.front();
    for (std::size_t k = 1; k < samples_.size(); ++k) {
      const Sample now = samples_[k];
      if (on_zero_ && std::abs(now.g) <= rounding_) {
        if (!told_ && std::abs(now.t - zero_t_) > 0x1p-11 * length) tell(changes);
        continue;
      }
      if (now.g == 0) {
        on_zero_ = true;
        told_ = false;
        zero_t_ = first_zero(step.g, old, now);
      } else if (on_zero_) {
        if (!told_ && side_ == 0) side_ = -sign(now.g);
        if (!told_ && sign(now.g) != side_) tell(changes);
        leave_zero(now);
      } else if (signs_differ(old, now)) {
        add_crossing(step, old, now, changes);
        side_ = sign(now.g);
      } else if (older.g != 0 && !signs_differ(older, old) && std::abs(old.g) <= std::abs(older.g) &&
                 std::abs(old.g) < std::abs(now.g)) {
        search_dip(step, older, old, now, changes);
      }
      older = old;
      old = now;
    }
    if (on_zero_ && !told_) end_on_zero(step, changes);
  }

  /// Between values of two signs; where g stays at 0 for a while, when it comes there.
  static void add_crossing(const Step& step, Sample from, Sample to, std::vector<SignChange>& changes) {
    Sample zero{bracketed_root(step.g, from, to), 0};
    if (step.g(zero.t) == 0) zero.t = first_zero(step.g, from, zero);
    changes.push_back({zero.t, sign(to.g)});
  }

  void tell(std::vector<SignChange>& changes) {
    changes.push_back({zero_t_, -side_});
    told_ = true;
  }

  void leave_zero(Sample now) {
    on_zero_ = false;
    told_ = true;
    side_ = sign(now.g);
    rounding_ = 0;
  }

  /// Two crossings around the lowest of three samples of one sign, if g is beyond 0 between them.
  void search_dip(const Step& step, Sample older, Sample old, Sample now, std::vector<SignChange>& changes) const {
    Sample bottom = lowest_point(step.g, older, old, now);
    if (bottom.g == 0) {  // a touch, or one of the crossings
      const double reach = step.fine * (step.samples.back().t - step.samples.front().t);
      for (const double t : {bottom.t - reach, bottom.t + reach}) {
        if ((t - older.t) * (now.t - t) <= 0) continue;
        const Sample beside{t, step.g(t)};
        if (beside.g != 0 && signs_differ(beside, old)) bottom = beside;
      }
    }
    if (bottom.g == 0 || !signs_differ(bottom, old)) return;
    add_crossing(step, older, bottom, changes);
    add_crossing(step, bottom, now, changes);
  }

  /// g has come to 0 at the end of the step, or just before: does it turn back?
  void end_on_zero(const Step& step, std::vector<SignChange>& changes) {
    const double start = step.samples.front().t, end = step.samples.back().t;
    const double t = end + 0x1p-10 * (end - start);
    const bool within = start < end ? t <= step.solve_end : t >= step.solve_end;
    const double g = within ? step.beyond(t) : 0;
    const bool turns_back = std::isfinite(g) && sign(g) == side_ && side_ != 0;
    if (!turns_back && side_ != 0) tell(changes);
  }

  double start_ = 0;      // g where the coming step starts
  double rounding_ = 0;   // on a zero: values up to this are 0
  double zero_t_ = 0;     // on a zero: since when
  int side_ = 0;          // the sign of g; on a zero that before it, 0 where there was none
  bool on_zero_ = false;  // at the end of the last step
  bool told_ = true;      // on a zero: no longer waits for what g does next
  bool started_on_event_ = false;
  Known known_ = Known::yes;
  std::vector<Sample> samples_{};  // of the step
};
using SignWatch = SignWatchOf<>;

}  // namespace pathline::detail
