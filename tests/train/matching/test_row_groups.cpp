// Which rows may exchange their base points.
#include <pathline/train/matching/row_groups.hpp>

#include <support/catch.hpp>

#include <vector>

using namespace pathline;
using pathline::detail::RowGroups;

TEST_CASE("Rows without context and weights are one group in their order", "[train][matching]") {
  RowGroups groups;
  groups.set<double, double>(Batch<double>(0, 4), {});
  CHECK(groups.order == std::vector<Index>{0, 1, 2, 3});
  CHECK(groups.ends == std::vector<Index>{4});
  groups.set<double, double>(Batch<double>(0, 0), {});
  CHECK(groups.ends.empty());
}

TEST_CASE("Rows of one group have equal context and equal weights", "[train][matching]") {
  const Batch<double> context{{1, 0, 1, 0, 1, 1}, {2, 0, 2, 0, 3, 2}};
  RowGroups groups;
  groups.set<double, float>(context, {});
  CHECK(groups.order == std::vector<Index>{1, 3, 0, 2, 5, 4});
  CHECK(groups.ends == std::vector<Index>{2, 5, 6});
  const std::vector<float> weights{1, 1, 2, 1, 1, 1};
  groups.set<double, float>(context, weights);
  CHECK(groups.order == std::vector<Index>{1, 3, 0, 5, 2, 4});
  CHECK(groups.ends == std::vector<Index>{2, 4, 5, 6});
  groups.set<double, float>(Batch<double>(0, 6), weights);
  CHECK(groups.order == std::vector<Index>{0, 1, 3, 4, 5, 2});
  CHECK(groups.ends == std::vector<Index>{5, 6});
}
