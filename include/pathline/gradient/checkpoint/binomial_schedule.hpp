/// \file
/// Where to keep states so that the steps of a solve are run again as seldom as can be: binomial checkpointing.
/// Griewank & Walther, "Algorithm 799: revolve", ACM TOMS 26 (2000) 19–45.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <limits>

namespace pathline {

/// β(s, r) = (s + r)! / (s! r!): the most steps that can be reversed from s kept states, the start among them, if no
/// step is run more than r times before the run that its pullback reads. Stops at half of what an Index holds.
[[nodiscard]] constexpr Index reversible_steps(Index s, Index r) {
  if (s < 0 || r < 0) return 0;
  constexpr Index most = std::numeric_limits<Index>::max() / 2;
  Index result = 1;
  for (Index i = 1; i <= std::min(s, r); ++i) {
    if (result > most / (s + r)) return most;
    result = result * (s + r - i + 1) / i;
  }
  return result;
}

/// The length of the first part of a stretch of l >= 2 steps, at whose end the next of s >= 2 states is kept; the first
/// is its start. Of the parts that lead to the fewest runs it is the longest.
[[nodiscard]] constexpr Index binomial_split(Index l, Index s) {
  Index r = 1;
  while (reversible_steps(s, r) < l) ++r;
  return std::min(reversible_steps(s, r - 1), l - reversible_steps(s - 1, r - 1));
}

/// The fewest runs of single steps that lead to the steps of a stretch of l, from its last to its first, with s >= 1
/// states, the start among them: r l - β(s + 1, r - 1), where r is the least with β(s, r) >= l. The runs that pullbacks
/// read are not among them. Griewank & Walther, equation (5).
[[nodiscard]] constexpr Index fewest_runs(Index l, Index s) {
  if (l <= 1) return 0;
  Index r = 1;
  while (reversible_steps(s, r) < l) ++r;
  return r * l - reversible_steps(s + 1, r - 1);
}

}  // namespace pathline
