// The trees behind the order conditions: all of them, each once, with the densities of the books.
#include <pathline/ode/tableau/rooted_trees.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace pathline::detail {
namespace {

/// The tree written with brackets, branches sorted: equal texts are equal trees.
std::string text(int index) {
  std::vector<std::string> branches;
  for (int k = index; k > 0; k = rooted_trees<>[std::size_t(k)].trunk)
    branches.push_back(text(rooted_trees<>[std::size_t(k)].branch));
  std::sort(branches.begin(), branches.end());
  std::string all = "[";
  for (const std::string& branch : branches) all += branch;
  return all + "]";
}

/// The order of a tree times the densities of its branches, by its text alone.
long density(const std::string& tree, std::size_t& at, int& nodes) {
  long product = 1;
  int below = 1;
  for (++at; tree[at] == '[';) product *= density(tree, at, below);
  ++at;
  nodes += below;
  return below * product;
}

std::vector<int> densities(int order) {
  std::vector<int> all;
  for (const RootedTree& tree : rooted_trees<>)
    if (tree.order == order) all.push_back(tree.density);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

// Sloane's A000081: 1, 1, 2, 4, 9, 20, 48, 115; as many different texts are all trees.
TEST_CASE("Every rooted tree of up to eight nodes is listed once", "[ode][tableau]") {
  const std::vector<std::size_t> counts{1, 1, 2, 4, 9, 20, 48, 115};
  std::set<std::string> seen;
  for (int n = 1; n <= largest_tree; ++n) CHECK(densities(n).size() == counts[std::size_t(n - 1)]);
  for (int k = 0; k < int(rooted_trees<>.size()); ++k) {
    const std::string tree = text(k);
    CHECK(int(tree.size()) == 2 * rooted_trees<>[std::size_t(k)].order);
    seen.insert(tree);
  }
  CHECK(seen.size() == rooted_trees<>.size());
}

TEST_CASE("A density is the order times the densities of the branches", "[ode][tableau]") {
  for (int k = 0; k < int(rooted_trees<>.size()); ++k) {
    const std::string tree = text(k);
    INFO(tree);
    std::size_t at = 0;
    int nodes = 0;
    CHECK(rooted_trees<>[std::size_t(k)].density == density(tree, at, nodes));
    CHECK(rooted_trees<>[std::size_t(k)].order == nodes);
  }
  // Hairer, Nørsett & Wanner I, table 2.2 of section II.2.
  CHECK(densities(3) == std::vector<int>{3, 6});
  CHECK(densities(4) == std::vector<int>{4, 8, 12, 24});
  CHECK(densities(5) == std::vector<int>{5, 10, 15, 20, 20, 30, 40, 60, 120});
}

}  // namespace pathline::detail
