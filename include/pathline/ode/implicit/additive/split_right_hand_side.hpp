/// \file
/// A right-hand side in two parts, of which one is stiff: y' = f(t, y) + g(t, y).
/// ```
/// const auto rhs = SplitRightHandSide{advection, diffusion};
/// const auto y = solve(rhs, y0, 0, 1, KennedyCarpenter4{});
/// ```
#pragma once

#include <pathline/ode/concepts.hpp>

namespace pathline {

/// Both parts by name. The implicit part may have a Jacobian or path rows (HasJacobian, HasPathRows). To leave rows of
/// the whole out of the error (HasErrorRows), derive from this.
template <class Explicit, class Implicit>
struct SplitRightHandSide {
  Explicit explicit_part;
  Implicit implicit_part;

  /// The sum, for methods that know of no parts. A dynamic state costs an allocation every time.
  template <class State>
  void operator()(double t, const State& y, State& dy) {
    sum(explicit_part, implicit_part, t, y, dy);
  }
  template <class State>
  void operator()(double t, const State& y, State& dy) const {
    sum(explicit_part, implicit_part, t, y, dy);
  }

 private:
  template <class F, class G, class State>
  static void sum(F& f, G& g, double t, const State& y, State& dy) {
    State other = y;
    detail::evaluate(f, t, y, dy);
    detail::evaluate(g, t, y, other);
    dy += other;
  }
};
template <class Explicit, class Implicit>
SplitRightHandSide(Explicit, Implicit) -> SplitRightHandSide<Explicit, Implicit>;

}  // namespace pathline
