/// \file
/// An event whose function and reset are formulas with parameters of their own, so that gradients go through it:
/// ```
/// const auto height = [](const auto& /*t*/, const auto& y, const auto& /*p*/) { return y[0]; };
/// const auto turn = [](const auto& /*t*/, const auto& y, const auto& p, auto& y_new) { y_new[1] = -p[0] * y[1]; };
/// DifferentiableEvent bounce(height, {.crossing = Crossing::falling}, turn, Vector<double>{{0.8}});
/// ```
/// It is an event for solve_events() too. Its derivatives are found over a tape (math/reverse_tape.hpp).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/reverse_tape.hpp>
#include <pathline/nn/layer/function_layer.hpp>
#include <pathline/ode/output/event.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// function(t, y, p) of the time, the numbers of the state and the parameters gives a number. All are of one type T,
/// which the function leaves open: float, double, or a number with derivatives; y and p are `Numbers<const T>`.
template <class Function, class T>
concept DifferentiableEventFunction = requires(const Function function, const T t, const Numbers<const T> y) {
  { function(t, y, y) } -> std::convertible_to<T>;
  requires !std::same_as<std::remove_cvref_t<decltype(function(t, y, y))>, bool>;
};

/// reset(t, y, p, y_new) writes what changes into y_new (`Numbers<T>`), which holds y before. It may return an
/// AfterReset.
template <class Reset, class T>
concept DifferentiableReset = std::same_as<Reset, NoReset> ||
    requires(const Reset reset, const T t, const Numbers<const T> y, Numbers<T> y_new) {
  reset(t, y, y, y_new);
};

/// Functions of <cmath> are called without `std::`, after `using std::sin;`. Formulas may branch on values: their
/// derivatives are then those of the branch taken.
///
/// \tparam S  Of the parameters, the state and the field; an event without parameters in float is given a
///            `Vector<float>()`.
template <class Function, class Reset = NoReset, Real S = double>
struct DifferentiableEvent {
  static_assert(DifferentiableEventFunction<Function, S> && DifferentiableEventFunction<Function, TapedNumber<S>>,
                "DifferentiableEvent: the function must take (t, y, p) and give a number, not a bool, for numbers of "
                "any type");
  static_assert(DifferentiableReset<Reset, S> && DifferentiableReset<Reset, TapedNumber<S>>,
                "DifferentiableEvent: the reset must take (t, y, p, y_new) and write y_new[i], for numbers of any "
                "type");
  using Scalar = S;
  static constexpr bool resets = !std::same_as<Reset, NoReset>;

  Function function;
  EventOptions options;
  Reset change;
  Vector<Scalar> parameters;  ///< Of the function and of the reset.

  explicit DifferentiableEvent(Function g_function, EventOptions how = {}, Reset reset_function = {},
                               Vector<S> initial = {})
      : function(std::move(g_function)),
        options(how),
        change(std::move(reset_function)),
        parameters(std::move(initial)) {}

  /// As `Event` has them.
  template <class State>
  [[nodiscard]] Scalar g(double t, const State& y) const {
    return Scalar(function(Scalar(t), Numbers<const Scalar>(y.data(), y.size()), numbers()));
  }
  template <OdeState State>
  AfterReset reset(double t, State& y) const requires(resets) {
    const State before = y;
    Numbers<Scalar> after(y.data(), y.size());
    return call_reset(Scalar(t), Numbers<const Scalar>(before.data(), before.size()), numbers(), after);
  }

  /// The reset for numbers of any type.
  template <class T>
  AfterReset call_reset(const T& t, const Numbers<const T>& y, const Numbers<const T>& p, Numbers<T>& y_new) const {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(change(t, y, p, y_new))>, AfterReset>) {
      return change(t, y, p, y_new);
    } else {
      change(t, y, p, y_new);
      return AfterReset::go_on;
    }
  }

 private:
  [[nodiscard]] Numbers<const Scalar> numbers() const { return {parameters.data(), parameters.size()}; }
};

namespace detail {

template <class E>
inline constexpr bool is_differentiable_event = false;
template <class Function, class Reset, class S>
inline constexpr bool is_differentiable_event<DifferentiableEvent<Function, Reset, S>> = true;

/// Derivatives of an event by t, y and p. Keeps its memory from call to call.
template <Real S>
class EventDerivatives {
  using Taped = TapedNumber<S>;

 public:
  /// Of g at (t, y).
  template <class Event>
  void of_function(const Event& event, double t, std::span<const S> y) {
    start(event, t, y);
    const Taped value(event.function(numbers_[0], state(), parameters()));
    tape_.start();
    if (value.tape != nullptr) tape_.bar(value.place) = S(1);
    tape_.sweep();
  }
  /// ⟨new state's cotangent, ·⟩ of the reset at (t, y).
  template <class Event>
  void of_reset(const Event& event, double t, std::span<const S> y, std::span<const S> new_state_bar) {
    start(event, t, y);
    new_state_.assign(numbers_.begin() + 1, numbers_.begin() + 1 + d_);
    Numbers<Taped> after(new_state_.data(), d_);
    (void)event.call_reset(numbers_[0], state(), parameters(), after);
    tape_.start();
    for (std::size_t i = 0; i < new_state_.size(); ++i)
      if (new_state_[i].tape != nullptr) tape_.bar(new_state_[i].place) += new_state_bar[i];
    tape_.sweep();
  }

  [[nodiscard]] S by_time() { return tape_.bar(numbers_[0].place); }
  [[nodiscard]] S by_state(Index i) { return tape_.bar(numbers_[std::size_t(1 + i)].place); }
  [[nodiscard]] S by_parameter(Index i) { return tape_.bar(numbers_[std::size_t(1 + d_ + i)].place); }

 private:
  template <class Event>
  void start(const Event& event, double t, std::span<const S> y) {
    tape_.clear();
    numbers_.clear();
    d_ = Index(y.size());
    numbers_.emplace_back(S(t), tape_);
    for (const S value : y) numbers_.emplace_back(value, tape_);
    for (Index i = 0; i < event.parameters.size(); ++i) numbers_.emplace_back(event.parameters(i), tape_);
  }
  [[nodiscard]] Numbers<const Taped> state() const { return {numbers_.data() + 1, d_}; }
  [[nodiscard]] Numbers<const Taped> parameters() const {
    return {numbers_.data() + 1 + d_, Index(numbers_.size()) - 1 - d_};
  }

  ReverseTape<S> tape_;
  std::vector<Taped> numbers_, new_state_;  // t, y, p; the state after a reset
  Index d_ = 0;
};

}  // namespace detail
}  // namespace pathline
