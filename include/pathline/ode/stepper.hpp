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
/// and, where its steps can be taken again from a kept state (gradient/checkpoint), what a step reads of those before
/// it, beside y: `using Carried = NothingCarried`, or else numbers in a struct `Carried`, and scalars:
/// ```
/// static Index Carried::size(Index rows, Index path_rows, Index columns);      // the number of those scalars
/// Carried carry(Scalar* to) const;                                             // of the next step; before accept()
/// void carry_on(const Carried& carried, const Scalar* from, Index path_rows);  // after reset(y)
/// static std::size_t storage_bytes(Index rows, Index path_rows, Index columns);  // of the heap, that a stepper holds
/// ```
/// An ImplicitMethod's step() takes an observer and a control in place of the LastStage and returns whether the
/// equations were solved; failed_sample(), failed_component(), fault() and failed_at() say where they were not.
#pragma once

#include <pathline/ode/concepts.hpp>

#include <algorithm>
#include <cstddef>
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

/// A step reads y alone of what was before it, or evaluates the rest anew with the same bits.
struct NothingCarried {
  static Index size(Index /*rows*/, Index /*path_rows*/, Index /*columns*/) { return 0; }
};

/// A stepper that says what its steps read of those before them: one whose steps can be taken again.
template <class S>
concept ResumableStepper = requires(Index n) {
  typename S::Carried;
  S::storage_bytes(n, n, n);
};

/// A method whose header is included: there is a Stepper for it.
template <class M, class State = Batch<double>>
concept SteppingMethod = !requires {
  typename Stepper<M, State>::no_family;
};

/// Whether to evaluate the last stage of a step where the solution does not need it (first same as last).
enum class LastStage : std::uint8_t { evaluate, skip };

namespace detail {

/// Bytes of the heap that a matrix of so many entries takes: beside these the bounds of its block.
template <class T>
[[nodiscard]] constexpr std::size_t heap_bytes(Index entries) {
  return std::size_t(entries) * sizeof(T) + EIGEN_MAX_ALIGN_BYTES + sizeof(void*);
}
/// The factors of a d × d matrix: PartialPivLU.
template <class T>
[[nodiscard]] constexpr std::size_t heap_bytes_of_factors(Index d) {
  return heap_bytes<T>(d * d) + 2 * heap_bytes<int>(d);
}

/// The exponent of the step in the error estimate.
template <class Method>
inline constexpr int error_exponent = std::min(orders_of<Method>.solution, orders_of<Method>.embedded) + 1;

}  // namespace detail
}  // namespace pathline
