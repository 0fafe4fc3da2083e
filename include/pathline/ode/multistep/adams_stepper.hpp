/// \file
/// One step of a multistep method, as an object that owns the slopes of the steps before. docs/maths.md,
/// (3.2); Hairer, Nørsett & Wanner I, section III.1.
///
/// The weights belong to equal steps. Where the step changes its length or direction the history starts anew: of a
/// method that reads K slopes K - 1 steps are taken by its `Start`, a Runge–Kutta method that costs an evaluation a
/// stage. So do not change the step often: FixedSteps(n) makes n equal steps between requested times, and only where
/// these are equally far from each other does the history go on from one interval to the next. Lengths that differ by
/// the rounding of the times, 8 ulps of the largest since reset(), are equal.
#pragma once

#include <pathline/ode/multistep/multistep_method.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {

namespace detail {

template <class Method>
struct HistoryWeights {
  static constexpr int count = int(Method::predictor.size());
  static constexpr double weight(int j) { return Method::predictor[std::size_t(j)]; }
};
template <class Method>
struct CorrectorWeights {
  static constexpr int count = int(Method::corrector.size());
  static constexpr double weight(int j) { return Method::corrector[std::size_t(j)]; }
};

/// The number of slopes that a step needs, f_n included.
template <class Method>
constexpr std::size_t history_length() {
  if constexpr (CorrectedMethod<Method>)
    return std::max(Method::predictor.size(), Method::corrector.size() - 1);
  else
    return Method::predictor.size();
}

}  // namespace detail

/// Storage is sized by the first state of a shape and kept; slopes stay where they were written. Not for use by two
/// threads at once.
template <MultistepMethod Method, OdeState State>
class Stepper<Method, State> {
  using Start = typename Method::Start;

 public:
  using Scalar = typename State::Scalar;
  static constexpr bool fsal = false, has_error = false;

  /// Starts at y without evaluating anything, and without a history. Allocates only when the shape is new.
  void reset(const State& y) {
    static_assert(multistep_order<Method>() == Method::order, "this multistep method's weights are not of its order");
    static_assert(tableau_defect(Start::tableau) == TableauDefect::none && Start::tableau.order + 1 >= Method::order,
                  "a multistep method needs a sound Start of its order, or one less");
    y_ = y;
    next_.resizeLike(y);
    for (State& slope : slopes_) slope.resizeLike(y);
    end_slope_ = y;
    for (State& stage : stages_) stage.resizeLike(y);
    known_ = 1;
    largest_time_ = 0;
    first_stage_ready_ = end_slope_known_ = continues_ = false;
    stages_evaluated_ = 0;
    evaluations_ = 0;
  }

  /// Evaluates f(t, y) unless it is known; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    detail::evaluate(rhs, t, y_, slopes_[newest_]);
    ++evaluations_;
    first_stage_ready_ = true;
    return true;
  }

  /// Forgets f(t, y) and the history: the right-hand side has changed. y stays.
  void restart() {
    first_stage_ready_ = false;
    known_ = 1;
  }

  /// Starts at (t, y): reset and prepare.
  template <class Rhs>
  void init(Rhs& rhs, double t, const State& y) {
    reset(y);
    prepare(rhs, t);
  }

  /// Tries a step from (t, y) to t_next = t + h, where t is the end of the step accepted last. y() and the history
  /// stay.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h) {
    step(rhs, t, h, t + h);
  }

  /// The same where t + h would not round to the end exactly. No method of this kind evaluates a last stage that it
  /// does not need.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage /*last*/ = LastStage::evaluate) {
    prepare(rhs, t);
    h_ = h;
    t_next_ = t_next;
    stages_evaluated_ = 1;
    end_slope_known_ = false;
    largest_time_ = std::max({largest_time_, std::abs(t), std::abs(t_next)});
    continues_ = std::abs(h - spacing_) <= 8 * std::numeric_limits<double>::epsilon() * largest_time_;
    by_history_ = length == 1 || (known_ >= length && continues_);
    if constexpr (length > 1)
      if (!by_history_) start<1>(rhs, t);
    if (by_history_) go_on(rhs);
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    y_.swap(next_);
    known_ = known_after_step();
    spacing_ = h_;
    newest_ = (newest_ + length - 1) % length;
    first_stage_ready_ = end_slope_known_;
    if (end_slope_known_) slopes_[newest_].swap(end_slope_);
    end_slope_known_ = false;
  }

  /// What a step reads of those before it: the slopes at their starts.
  struct Carried {
    std::size_t known = 1;
    double spacing = 0, largest_time = 0;
    [[nodiscard]] static Index size(Index rows, Index /*path_rows*/, Index columns) {
      return Index(length - 1) * rows * columns;
    }
  };
  Carried carry(Scalar* to) const {
    for (std::size_t j = 0; j + 1 < length; ++j)
      to = std::copy_n(slopes_[(newest_ + j) % length].data(), y_.size(), to);
    return {known_after_step(), h_, largest_time_};
  }
  void carry_on(const Carried& carried, const Scalar* from, Index /*path_rows*/) {
    newest_ = 0;
    for (std::size_t j = 1; j < length; ++j, from += y_.size()) std::copy_n(from, y_.size(), slopes_[j].data());
    known_ = carried.known;
    spacing_ = carried.spacing;
    largest_time_ = carried.largest_time;
  }
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index /*path_rows*/, Index columns) {
    return (length + stages_kept + 3) * detail::heap_bytes<Scalar>(rows * columns);
  }

  /// f(t, y) at the start of the step tried last; before accept().
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    return slopes_[newest_];
  }

  /// f at the end of the step tried last; before accept(). Evaluated once, and f(t, y) of the next step then.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if (!end_slope_known_) {
      detail::evaluate(rhs, t_next_, next_, end_slope_);
      ++evaluations_;
      end_slope_known_ = true;
    }
    return end_slope_;
  }

  [[nodiscard]] const State& y() const { return y_; }               ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }       ///< At its end.
  [[nodiscard]] double h() const { return h_; }                     ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return t_next_; }           ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< Since reset().
  [[nodiscard]] Index newton_iterations() const { return 0; }
  /// Evaluations of the step tried last, f(t, y) included: 1, or 2 with a corrector; s of a step by Start.
  [[nodiscard]] int stages_evaluated() const { return stages_evaluated_; }
  /// Whether the step tried last was one by the history, and not by Start.
  [[nodiscard]] bool by_history() const { return by_history_; }
  /// f(t, y); i = 0. Valid until accept().
  [[nodiscard]] const State& stage([[maybe_unused]] int i) const {
    eigen_assert(i == 0);
    return slopes_[newest_];
  }

 private:
  [[nodiscard]] std::size_t known_after_step() const { return std::min(continues_ ? known_ + 1 : 2, length); }

  static constexpr std::size_t length = detail::history_length<Method>();
  /// The first stage is the newest slope. If Start is first same as last, its last stage is the next step's.
  static constexpr int start_stages = Start::tableau.stages - (first_same_as_last(Start::tableau) ? 1 : 0);
  static constexpr auto stages_kept = std::size_t(std::max(1, start_stages - 1));

  /// Stages I + 1, I + 2, … and the end of a step by Start.
  template <int I, class Rhs>
  void start(Rhs& rhs, double t) {
    const auto K = detail::states_at<State>(
        [this](std::size_t j) -> const State& { return j == 0 ? slopes_[newest_] : stages_[j - 1]; });
    if constexpr (I < start_stages) {
      constexpr double c = Start::tableau.c[std::size_t(I)];
      detail::write_sum<detail::StageWeights<Start, I>>(next_, y_, h_, K);
      evaluate(rhs, c == 1 ? t_next_ : t + c * h_, stages_[std::size_t(I - 1)]);
      start<I + 1>(rhs, t);
    } else {
      detail::write_sum<detail::SolutionWeights<Start>>(next_, y_, h_, K);
    }
  }

  /// A step by the history.
  template <class Rhs>
  void go_on(Rhs& rhs) {
    const auto f =
        detail::states_at<State>([this](std::size_t j) -> const State& { return slopes_[(newest_ + j) % length]; });
    detail::write_sum<detail::HistoryWeights<Method>>(next_, y_, h_, f);
    if constexpr (CorrectedMethod<Method>) {
      evaluate(rhs, t_next_, stages_[0]);
      const auto g =
          detail::states_at<State>([&](std::size_t j) -> const State& { return j == 0 ? stages_[0] : f[j - 1]; });
      detail::write_sum<detail::CorrectorWeights<Method>>(next_, y_, h_, g);
    }
  }

  template <class Rhs>
  void evaluate(Rhs& rhs, double t, State& slope) {
    detail::evaluate(rhs, t, next_, slope);
    ++evaluations_;
    ++stages_evaluated_;
  }

  State y_, next_, end_slope_;             // next_ is what f is evaluated at, and y_next at last
  std::array<State, length> slopes_;       // a ring: f_n at newest_, f_{n-1} after it
  std::array<State, stages_kept> stages_;  // of Start; f at the predicted end
  std::size_t newest_ = 0;
  std::size_t known_ = 1;  // slopes at distances spacing_, f_n included
  double spacing_ = 0, largest_time_ = 0;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0;
  int stages_evaluated_ = 0;
  bool first_stage_ready_ = false, end_slope_known_ = false;
  bool continues_ = false;   // the step tried last has the history's length
  bool by_history_ = false;  // and was taken by it
};

}  // namespace pathline
