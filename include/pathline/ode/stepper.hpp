/// \file
/// The storage and the arithmetic of one step. A family of methods is a specialisation of Stepper, in a header that
/// each header of its methods includes: integrate() knows the template alone.
///
/// A specialisation for methods of your own, `template <MyMethod M, OdeState State> class Stepper<M, State>`, offers
/// ```
/// void reset(const State& y);               // starts at y, sizes all storage, forgets all other states
/// bool prepare(Rhs& rhs, double t);         // evaluates f(t, y) into stage(0) where it is not known; whether it did
/// void restart();                           // forgets f(t, y): the right-hand side has jumped
/// void step(Rhs&, double t, double h, double t_next, LastStage = LastStage::evaluate);  // tries a step, to y_next()
/// void accept();                            // moves on to y_next()
/// const State& y() const, & y_next() const, & stage(int i) const;
/// double h() const, t_next() const;         // of the step tried last
/// Index evaluations() const, newton_iterations() const;  // since reset()
/// static constexpr bool has_error;          // whether there is, for step control, what follows
/// static constexpr int error_order;         // the exponent of h in the estimate
/// double estimate_error(const Rhs& rhs, const Control& control);  // a norm, at most 1 where the step is accepted
/// const State& error() const;               // what the norm is of
/// void probe(Rhs& rhs, double t, double h); // evaluates f after an Euler step, into stage(1)
/// const State& start_slope(Rhs& rhs, double t), & end_slope(Rhs& rhs);  // f at the ends: also for dense output
/// ```
/// An ImplicitMethod's step() takes an observer and a control in place of the LastStage and returns whether the
/// equations were solved; failed_sample(), failed_component(), fault() and failed_at() say where they were not.
#pragma once

#include <pathline/ode/concepts.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace pathline {

/// All storage of a step of `Method` on a `State`; the families of methods specialise it.
template <class Method, class State>
class Stepper {
 public:
  using no_family = void;
  /// Does not compile, and says why in one line.
  template <class T = Method>
  Stepper() {
    static_assert(!std::is_same_v<T, Method>,
                  "Stepper: there is none for this method and state: include the header of the method");
  }
};

/// A method whose header is included: there is a Stepper for it.
template <class M, class State = Batch<double>>
concept SteppingMethod = !requires {
  typename Stepper<M, State>::no_family;
};

/// Whether to evaluate the last stage of a step where the solution does not need it (first same as last).
enum class LastStage : std::uint8_t { evaluate, skip };

namespace detail {

/// The exponent of the step in the error estimate.
template <class Method>
inline constexpr int error_exponent = std::min(orders_of<Method>.solution, orders_of<Method>.embedded) + 1;

}  // namespace detail
}  // namespace pathline
