/// \file
/// What an iteration of `Distributed` costs on P ranks, put together from what its parts cost.
///
///     T = κ W (a + b n / S)  +  o (c n + e p)  +  ⌈log₂ P⌉ (7 o λ + 2 m / β + p γ)  +  (S / P - 1) p γ
///
/// n rows in S shares, p parameters, m bytes of the gradient, C cores.
/// - Work: a share of r rows takes a + b r, and κ times as long while the other cores work too. A rank has W = ⌈S /
///   P⌉ shares. More ranks than cores take turns: W = S / C and o = P / C, else o = 1.
/// - What every rank does for the whole mini-batch: c a row (to gather it and to compare it with the other ranks')
///   and e a parameter (to compare it, and Adam).
/// - Messages: the ranks agree; each level of the tree then sends the gradient and the figures, and broadcasts back
///   their lengths and values. That is 7 messages of latency λ a level, of which 2 carry the gradient at β bytes a
///   second, and an addition of γ a parameter. A rank adds its own shares before.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>

namespace scaling {

/// Seconds, bytes and counts.
struct Costs {
  double share_fixed = 0, row = 0;                       ///< a, b
  double whole_row = 0, parameter = 0;                   ///< c, e
  double latency = 0, bytes_a_second = 0, addition = 0;  ///< λ, β, γ
  double parameters = 0, gradient_bytes = 0, flops_a_row = 0;
  std::map<int, double> slower;  ///< κ, by the number of ranks that work at once
};

struct Time {
  double work = 0, whole = 0, messages = 0;
  [[nodiscard]] double total() const { return work + whole + messages; }
};

/// \param cores  Of the machine that all ranks are on.
[[nodiscard]] inline Time on_one_machine(const Costs& costs, int ranks, int cores, double rows, double shares) {
  const int busy = std::min(ranks, cores);
  const auto at = costs.slower.upper_bound(busy);
  const double slower = at == costs.slower.begin() ? 1 : std::prev(at)->second;
  const double turns = std::max(1.0, double(ranks) / cores), levels = std::ceil(std::log2(ranks));
  const double add = costs.parameters * costs.addition;
  Time time;
  time.work =
      slower * std::max(std::ceil(shares / ranks), shares / cores) * (costs.share_fixed + costs.row * rows / shares);
  time.whole = turns * (costs.whole_row * rows + costs.parameter * costs.parameters);
  time.messages = levels * (7 * turns * costs.latency + 2 * costs.gradient_bytes / costs.bytes_a_second + add) +
                  (shares / ranks - 1) * add;
  return time;
}

/// A rank on each node, which has a share and `cores` threads for its rows.
[[nodiscard]] inline Time on_nodes(const Costs& costs, int nodes, int cores, double rows) {
  const double levels = std::ceil(std::log2(nodes));
  Time time;
  time.work = costs.share_fixed + costs.row * std::max(1.0, rows / nodes / cores);
  time.whole = costs.whole_row * rows + costs.parameter * costs.parameters;
  time.messages = levels * (7 * costs.latency + 2 * costs.gradient_bytes / costs.bytes_a_second +
                            costs.parameters * costs.addition);
  return time;
}

}  // namespace scaling
