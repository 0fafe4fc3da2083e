/// \file
/// A solve with events, and the way back of its cotangents through the events and the pieces between them.
/// docs/maths.md, (6.17) and (6.18).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/event/differentiable_event.hpp>
#include <pathline/gradient/event/event_path.hpp>
#include <pathline/gradient/event/event_pieces.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/output/events.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::detail {

/// One sample's solve by the parts of a `NeuralOde`, out and back. Refers to all that it is given.
template <class Parts, class... Events>
class EventSolve {
  using Method = typename Parts::Method;
  using Control = typename Parts::Control;
  using Dynamics = FieldDynamics<typename Parts::Field>;

 public:
  using Scalar = typename Parts::Scalar;

  EventSolve(const Parts& parts, const std::tuple<Events...>& events, ConstBatchRef<Scalar> y0,
             std::span<const double> times, ConstBatchRef<Scalar> context)
      : parts_(parts), events_(events), times_(times), dynamics_(parts.field, 1, side_inputs(context)), start_(y0) {}

  /// The way out.
  void solve(EventPath<Scalar>& path) {
    const typename Workspace<Scalar>::Unchanged unchanged(memory_.workspace, parts_.field.parameters());
    EventSolution<State> solution{.trajectory = Trajectory<State>(times_.front(), start_), .y = start_};
    with_right_hand_side([&](auto& rhs) {
      if constexpr (EventsCheck<Method, std::remove_reference_t<decltype(rhs)>, State, NotedEvent<Events>...>::value)
        run_events(parts_.method, parts_.control, rhs, times_.back(), note_resets(events_, notes_),
                   memory_.steppers.at(start_.rows(), 1).stepper, solution);
    });
    pieces_ = event_pieces(events_, solution, notes_, forward());
    measure_slopes(solution);
    statistics_ = solution.trajectory.statistics;
    path.t = solution.trajectory.t1();
    path.terminated = solution.terminated;
    path.states.assign(times_.size(), State::Constant(start_.rows(), 1, std::numeric_limits<Scalar>::quiet_NaN()));
    for (reached_ = 0; reached_ < times_.size() && !is_after(times_[reached_], path.t); ++reached_)
      solution.trajectory.evaluate(times_[reached_], path.states[reached_]);
    path.hits = std::move(solution.hits);
    path.y = std::move(solution.y);
  }
  /// Of the way out.
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  /// Output times up to the end of the solve.
  [[nodiscard]] std::size_t reached() const { return reached_; }

  /// The way back, piece after piece from the last: each is solved again, with steps that end at its events and
  /// outputs, and recorded.
  void go_back(const EventPath<Scalar>& path, const EventPathBar<Scalar>& bar, EventValueAndGradient<Scalar>& result) {
    const typename Workspace<Scalar>::Unchanged unchanged(memory_.workspace, parts_.field.parameters());
    slope_.resize(start_.rows(), 1);
    nothing_.setZero(start_.rows(), 1);
    parameters_bar_ = Vector<Scalar>::Zero(dynamics_.parameter_count());
    result.backward = {};
    result.events.clear();
    std::apply(
        [&](const auto&... event) { (result.events.push_back(Vector<Scalar>::Zero(event.parameters.size())), ...); },
        events_);
    result.times = Vector<double>::Zero(Index(times_.size()));
    for (std::size_t k = 1; k < reached_; ++k)
      result.times(Index(k)) = along_slope(times_[k], path.states[k], bar.states[k]);
    if (!pieces_.back().acts) result.times(Index(times_.size()) - 1) += bar.t + along_slope(path.t, path.y, bar.y);

    State lambda = bar.y;
    outputs_left_ = reached_;
    for (std::size_t j = pieces_.size(); j-- > 0;) {
      const Piece& piece = pieces_[j];
      if (piece.acts) pull_back_act(piece, j + 1 == pieces_.size(), path, bar, lambda, result);
      gather_inside(piece, j == 0, path, bar, result);
      pull_back_piece(piece, lambda, result.backward);
    }
    result.times(0) -= along_slope(times_.front(), start_, lambda);
    result.initial = lambda + bar.states.front();
    const Index p = parts_.field.parameters().size();
    result.parameters = parameters_bar_.head(p);
    if (parameters_bar_.size() > p) result.context = parameters_bar_.tail(parameters_bar_.size() - p);
  }

 private:
  using State = Batch<Scalar>;
  using Piece = EventPiece<Scalar>;

  [[nodiscard]] static SideInputs<Scalar> side_inputs(ConstBatchRef<Scalar> context) {
    if (context.rows() == 0) return {};
    return SideInputs<Scalar>(typename SideInputs<Scalar>::Context(context.data(), context.rows(), 1,
                                                                   Eigen::OuterStride<>(context.outerStride())));
  }
  [[nodiscard]] bool forward() const { return times_.front() <= times_.back(); }
  /// Whether the solve comes to b first.
  [[nodiscard]] bool is_after(double a, double b) const { return forward() ? a > b : a < b; }
  [[nodiscard]] static std::span<const Scalar> numbers(const State& y) { return {y.data(), std::size_t(y.size())}; }

  /// Calls run(rhs) with the field as the method calls it.
  template <class Run>
  void with_right_hand_side(const Run& run) {
    Workspace<Scalar>& workspace = memory_.workspace;
    if constexpr (TwoPartMethod<Method>) {
      const auto explicit_part = ExplicitPart::of(dynamics_);
      const auto implicit_part = ImplicitPart::of(dynamics_);
      SplitRightHandSide rhs{solver_right_hand_side(explicit_part, workspace),
                             solver_right_hand_side(implicit_part, workspace)};
      run(rhs);
    } else {
      auto rhs = solver_right_hand_side(dynamics_, workspace);
      run(rhs);
    }
  }

  /// For each hit, the mean of |d/dt g| between the middle of its piece and its time: what its slope there is compared
  /// with.
  void measure_slopes(const EventSolution<State>& solution) {
    mean_rates_.assign(solution.hits.size(), 0);
    State middle;
    for (const Piece& piece : pieces_)
      for (std::size_t k = piece.first_hit; k < piece.end_hit; ++k) {
        const EventHit<State>& hit = solution.hits[k];
        const double half = (hit.t - piece.t0) / 2, t = piece.t0 + half;
        if (half == 0) continue;
        solution.trajectory.evaluate(t, middle);
        with_event(events_, hit.event,
                   [&](const auto& event) { mean_rates_[k] = std::abs(double(event.g(t, middle)) / half); });
      }
  }

  /// ⟨bar, f(t, y)⟩; leaves f in slope_.
  double along_slope(double t, const State& y, const State& bar) {
    typename Workspace<Scalar>::Frame frame(memory_.workspace);
    dynamics_.evaluate(t, y, slope_, frame.scalars(evaluation_tape_size(dynamics_)), memory_.workspace);
    double sum = 0;
    for (Index i = 0; i < bar.size(); ++i) sum += double(bar.data()[i]) * double(slope_.data()[i]);
    return sum;
  }

  /// The end of a piece. In: lambda is the cotangent of the state after the event; out: of the state before.
  void pull_back_act(const Piece& piece, bool last, const EventPath<Scalar>& path, const EventPathBar<Scalar>& bar,
                     State& lambda, EventValueAndGradient<Scalar>& result) {
    // The next piece starts at the event's time.
    double t_bar = last ? bar.t : -along_slope(piece.t1, notes_[piece.end_note - 1].after, lambda);
    for (std::size_t n = piece.end_note; n-- > piece.first_note;) {
      const ResetNote<Scalar>& note = notes_[n];
      with_event(events_, note.event, [&](const auto& event) {
        if constexpr (std::remove_cvref_t<decltype(event)>::resets)
          derivatives_.of_reset(event, note.t, numbers(note.before), numbers(lambda));
      });
      t_bar += double(derivatives_.by_time());
      for (Index i = 0; i < lambda.size(); ++i) lambda.data()[i] = derivatives_.by_state(i);
      add_parameters(1, result.events[note.event]);
    }
    add<Scalar>(bar.hits[piece.acting_hit].y, lambda);
    pull_back_hit(piece, piece.acting_hit, path, t_bar + bar.hits[piece.acting_hit].t, lambda, result);
  }

  /// The implicit function theorem. In: y_bar and t_bar are the cotangents of the event's state and time; out: y_bar is
  /// that of the state at this time, held fixed.
  void pull_back_hit(const Piece& piece, std::size_t k, const EventPath<Scalar>& path, double t_bar, State& y_bar,
                     EventValueAndGradient<Scalar>& result) {
    const EventHit<State>& hit = path.hits[k];
    const double moved = t_bar + along_slope(hit.t, hit.y, y_bar);
    with_event(events_, hit.event, [&](const auto& event) { derivatives_.of_function(event, hit.t, numbers(hit.y)); });
    double rate = double(derivatives_.by_time()), size = std::abs(rate);
    for (Index i = 0; i < y_bar.size(); ++i) {
      const double part = double(derivatives_.by_state(i)) * double(slope_.data()[i]);
      rate += part;
      size += std::abs(part);
    }
    if (hit.t == piece.t0 ||
        (hit.t == piece.t1 && piece.first_note < piece.end_note && hit.y != notes_[piece.first_note].before))
      throw GrazingEventError(hit.event, hit.t, rate, "the solve starts there, with its function at 0");
    // A zero of order three is known to the cube root of a rounding, its slope to the square of that.
    const double rounding = std::cbrt(double(std::numeric_limits<Scalar>::epsilon()));
    if (!(std::abs(rate) > rounding * rounding * std::max(size, mean_rates_[k])))
      throw GrazingEventError(hit.event, hit.t, rate, "its function does not cross 0 there, but for rounding");
    const double factor = -moved / rate;
    for (Index i = 0; i < y_bar.size(); ++i) y_bar.data()[i] += Scalar(factor * double(derivatives_.by_state(i)));
    add_parameters(factor, result.events[hit.event]);
  }
  void add_parameters(double factor, Vector<Scalar>& bar) {
    for (Index i = 0; i < bar.size(); ++i) bar(i) += Scalar(factor * double(derivatives_.by_parameter(i)));
  }

  /// The times of the piece at which cotangents come in, from its start to its end, and these.
  void gather_inside(const Piece& piece, bool first, const EventPath<Scalar>& path, const EventPathBar<Scalar>& bar,
                     EventValueAndGradient<Scalar>& result) {
    inside_.clear();
    put_in(piece.t0, nothing_);
    std::size_t k = piece.first_hit, output = outputs_left_;
    while (output > 1 && (first || is_after(times_[output - 1], piece.t0))) --output;
    const std::size_t end = std::exchange(outputs_left_, output);
    while (k < piece.end_hit || output < end) {
      if (k == piece.end_hit || (output < end && !is_after(times_[output], path.hits[k].t))) {
        put_in(times_[output], bar.states[output]);
        ++output;
        continue;
      }
      if ((!piece.acts || k != piece.acting_hit) && (bar.hits[k].t != 0 || !bar.hits[k].y.isZero(0))) {
        State y_bar = bar.hits[k].y;
        pull_back_hit(piece, k, path, bar.hits[k].t, y_bar, result);
        put_in(path.hits[k].t, y_bar);
      }
      ++k;
    }
    put_in(piece.t1, nothing_);
  }
  void put_in(double t, const State& y_bar) {
    inside_.push_back(t);
    if (bars_.size() < inside_.size()) bars_.resize(inside_.size());
    bars_[inside_.size() - 1] = y_bar;
  }

  /// From the cotangent of the state at the end of the piece to that at its start.
  void pull_back_piece(const Piece& piece, State& lambda, Statistics& spent) {
    const std::span<const State> bars(bars_.data(), inside_.size());
    if (piece.t0 == piece.t1) {
      for (const State& y_bar : bars) add<Scalar>(y_bar, lambda);
      return;
    }
    State& y = memory_.steppers.at(start_.rows(), 1).y;
    y = piece.y0;
    const Control control = control_of_piece();
    spent += parts_.gradient.forward(parts_.method, control, dynamics_, y, inside_, std::span<State>(), memory_);
    spent +=
        parts_.gradient.backward(parts_.method, control, dynamics_, inside_, bars, lambda, parameters_bar_, memory_);
  }
  /// Fixed steps are no longer than those of the way out.
  [[nodiscard]] Control control_of_piece() const {
    Control control = parts_.control;
    if constexpr (FixedControl<Control>) {
      double longest = 0;
      for (std::size_t i = 1; i < inside_.size(); ++i)
        longest = std::max(longest, std::abs(inside_[i] - inside_[i - 1]));
      if (parts_.output_times() == OutputTimes::interpolate) longest = std::abs(inside_.back() - inside_.front());
      const double part = longest / std::abs(times_.back() - times_.front());
      control.steps_per_interval =
          std::max(Index(1), Index(std::ceil(double(control.steps_per_interval) * part - 1e-6)));
    }
    return control;
  }

  const Parts& parts_;
  const std::tuple<Events...>& events_;
  std::span<const double> times_;
  Dynamics dynamics_;
  State start_;
  typename Parts::Gradient::template Memory<Dynamics, Method> memory_;
  EventDerivatives<Scalar> derivatives_;
  std::vector<ResetNote<Scalar>> notes_;
  std::vector<Piece> pieces_;
  std::vector<double> mean_rates_;
  std::size_t reached_ = 0;
  Statistics statistics_;
  // Of the way back.
  State slope_, nothing_;
  Vector<Scalar> parameters_bar_;
  std::size_t outputs_left_ = 0;
  std::vector<double> inside_;
  std::vector<State> bars_;  // one for each of inside_, and more of an earlier piece
};

}  // namespace pathline::detail
