/// \file
/// The rooted trees with at most eight nodes, made while the program is compiled: one order condition for each.
/// Hairer, Nørsett & Wanner I, section II.2; docs/maths.md, (3.1).
#pragma once

#include <array>
#include <cstddef>

namespace pathline::detail {

/// A tree by its last branch: `branch` hangs at the root of `trunk`, both indices of earlier trees. The single node
/// has neither. A tree is listed once, since its branches hang in the order of their indices.
struct RootedTree {
  int trunk = -1;
  int branch = -1;
  int order = 1;    ///< Number of nodes.
  int density = 1;  ///< γ: the order times the densities of all branches. The condition is Σ b_i φ_i = 1/γ.
};

inline constexpr int largest_tree = 8;

/// trees_up_to[n]: number of trees with at most n nodes, so that the trees of order n are
/// [trees_up_to[n - 1], trees_up_to[n]). 1, 1, 2, 4, 9, 20, 48, 115 of them.
inline constexpr std::array<int, largest_tree + 1> trees_up_to{0, 1, 2, 4, 8, 17, 37, 85, 200};

using RootedTrees = std::array<RootedTree, std::size_t(trees_up_to[largest_tree])>;

/// All of them, by order.
template <class>
constexpr RootedTrees make_rooted_trees() {
  RootedTrees trees{};
  std::size_t next = 1;  // trees[0] is the single node
  for (int n = 2; n <= largest_tree; ++n)
    for (int branch = 0; branch < trees_up_to[std::size_t(n - 1)]; ++branch) {
      const RootedTree twig = trees[std::size_t(branch)];
      const std::size_t rest = std::size_t(n - twig.order);
      for (int trunk = trees_up_to[rest - 1]; trunk < trees_up_to[rest]; ++trunk) {
        const RootedTree stem = trees[std::size_t(trunk)];
        if (branch < stem.branch) continue;
        trees[next++] = {trunk, branch, n, stem.density / stem.order * twig.density * n};
      }
    }
  return trees;
}

/// A template, so that only who takes them computes them.
template <class T = void>
inline constexpr RootedTrees rooted_trees = make_rooted_trees<T>();

}  // namespace pathline::detail
