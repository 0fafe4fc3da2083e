/// \file
/// Reverse mode: variables that write what was computed of them on a tape, and the way back over it. One sweep gives
/// the derivatives of one number by all variables, however many these are. Its arithmetic is in dual.hpp.
///
/// Griewank & Walther, "Evaluating Derivatives" (2008), section 3.2.
#pragma once

#include <pathline/math/dual.hpp>

#include <cstddef>
#include <vector>

namespace pathline {

/// The operations of one evaluation, in order: each has one or two arguments and the derivatives by them. Cleared, it
/// keeps its memory, so that the second evaluation of a kind allocates nothing.
/// \tparam T  A float or double, or a Dual: derivatives then carry derivatives.
template <class T>
class ReverseTape {
 public:
  ReverseTape() { clear(); }

  void clear() { used_ = 1; }
  /// Operations and variables on the tape; to come back to later.
  [[nodiscard]] std::size_t mark() const noexcept { return used_; }
  /// Forgets what has been added since.
  void rewind(std::size_t mark) noexcept { used_ = mark; }

  /// The place of a new variable. Places of variables that are added one after the other follow each other.
  [[nodiscard]] std::size_t add() { return add(nowhere, T(0), nowhere, T(0)); }
  /// The place of a number with derivatives by the numbers at places x and y.
  [[nodiscard]] std::size_t add(std::size_t x, const T& by_x, std::size_t y, const T& by_y) {
    const std::size_t place = used_;
    if (place >= operations_.size()) [[unlikely]]
      grow();
    Operation& operation = operations_[place];
    operation.x = x;
    operation.y = y;
    operation.by_x = by_x;
    operation.by_y = by_y;
    used_ = place + 1;
    return place;
  }
  /// The same with one argument.
  [[nodiscard]] std::size_t add(std::size_t x, const T& by_x) { return add(x, by_x, nowhere, T(0)); }

  /// All cotangents 0.
  void start() { bars_.assign(used_, T(0)); }
  /// The cotangent of the number at this place.
  [[nodiscard]] T& bar(std::size_t place) { return bars_[place]; }
  /// From the cotangents of results to those of everything that they depend on.
  void sweep() {
    for (std::size_t i = used_; i-- > 1;) {
      const Operation& operation = operations_[i];
      if (operation.x == nowhere) continue;  // a variable
      const T bar = bars_[i];
      if (detail::zero_throughout(bar)) continue;  // not even along an infinite derivative
      bars_[operation.x] += operation.by_x * bar;
      if (operation.y != nowhere) bars_[operation.y] += operation.by_y * bar;
    }
  }

 private:
  static constexpr std::size_t nowhere = 0;  // of arguments that there are not
  struct Operation {
    std::size_t x, y;
    T by_x, by_y;
  };

  [[gnu::noinline, gnu::cold]] void grow() { operations_.resize(2 * used_ + 64); }

  std::vector<Operation> operations_;
  std::vector<T> bars_;
  std::size_t used_ = 1;
};

/// A number on a tape, or a constant, which is on none.
template <class T>
struct TapedNumber {
  using differentiable_number = void;
  using Value = T;

  T value{};
  std::size_t place = 0;
  ReverseTape<T>* tape = nullptr;

  TapedNumber() = default;
  /// A constant.
  template <class Number>
  requires(std::is_arithmetic_v<Number>) TapedNumber(Number number)  // NOLINT(google-explicit-constructor)
      : value(static_cast<T>(number)) {}
  /// A variable.
  TapedNumber(const T& v, ReverseTape<T>& on) : value(v), place(on.add()), tape(&on) {}

  friend TapedNumber chain(const TapedNumber& x, const T& v, const T& s) {
    TapedNumber result;
    result.value = v;
    if (x.tape == nullptr) return result;
    result.tape = x.tape;
    result.place = x.tape->add(x.place, s);
    return result;
  }
  friend TapedNumber chain(const TapedNumber& x, const TapedNumber& y, const T& v, const T& s, const T& r) {
    if (y.tape == nullptr) return chain(x, v, s);
    if (x.tape == nullptr) return chain(y, v, r);
    TapedNumber result;
    result.value = v;
    result.tape = x.tape;
    result.place = x.tape->add(x.place, s, y.place, r);
    return result;
  }
};

}  // namespace pathline
