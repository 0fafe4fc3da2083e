/// \file
/// An activation of a user's own whose derivatives follow from its value.
#pragma once

#include <pathline/math/activations.hpp>

namespace pathline::test {

/// The logistic function.
struct Logistic {
  template <class P>
  [[nodiscard]] static Jet<P> jet(P x) {
    return of_value(Sigmoid::jet(x).value);
  }
  template <class P>
  [[nodiscard]] static Jet<P> of_value(P y) {
    const P first = y * (P(1) - y);
    return {y, first, first * (P(1) - P(2) * y)};
  }
};

}  // namespace pathline::test
