/// \file
/// Stages of an explicit method that only lead to later stages. Nobody reads their quadratures, and a right-hand side
/// may leave these out: the trace and the costs of a flow, in one of the six evaluations of a step of Dopri5.
#pragma once

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <array>
#include <cstddef>

namespace pathline::detail {

/// Whether stage i + 1 has no weight in the solution, in an error estimate or in the method's continuous extension. The
/// first stage, and the last of a method that is first same as last, are slopes at the ends of a step: never.
template <ExplicitMethod Method>
inline constexpr auto leads_only = [] {
  constexpr auto s = std::size_t(Method::tableau.stages);
  std::array<bool, s> result{};
  for (std::size_t i = 1; i < s; ++i) {
    if (i + 1 == s && first_same_as_last(Method::tableau)) break;
    result[i] = Method::tableau.b[i] == 0 && Method::tableau.b_embedded[i] == 0;
    if constexpr (DoublyEmbeddedMethod<Method>) result[i] = result[i] && Method::b_coarse[i] == 0;
    if constexpr (DenselyExtendedMethod<Method>) result[i] = result[i] && Method::dense[i] == 0;
    if constexpr (DenselyStagedMethod<Method>)
      for (const auto& d : Method::dense) result[i] = result[i] && d[i] == 0;
  }
  return result;
}();

}  // namespace pathline::detail
