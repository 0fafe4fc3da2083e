#include <pathline/train/split.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <limits>
#include <vector>

using namespace pathline;

namespace {

/// 2 × n: the numbers 0, 1, … and their negatives, so that a column tells which it is.
Batch<double> numbered(Index n) {
  Batch<double> X(2, n);
  for (Index j = 0; j < n; ++j) X.col(j) << double(j), -double(j);
  return X;
}

std::vector<double> sorted(const Batch<double>& X) {
  std::vector<double> result(static_cast<std::size_t>(X.cols()));
  for (Index j = 0; j < X.cols(); ++j) {
    CHECK(X(1, j) == -X(0, j));  // columns stay whole
    result[std::size_t(j)] = X(0, j);
  }
  std::sort(result.begin(), result.end());
  return result;
}

/// Both parts together are every column once.
void check_partition(const SplitData<double>& parts, Index n) {
  Batch<double> all(2, parts.rest.cols() + parts.held_out.cols());
  all << parts.rest, parts.held_out;
  CHECK(sorted(all) == sorted(numbered(n)));
}

}  // namespace

TEST_CASE("columns_of takes columns in the order asked for, also twice or not at all", "[train]") {
  const std::vector<Index> columns{3, 0, 3};
  Batch<double> expected(2, 3);
  expected << 3, 0, 3, -3, -0.0, -3;
  CHECK(columns_of(numbered(5), columns) == expected);
  const Batch<double> none = columns_of(numbered(5), std::vector<Index>{});
  CHECK(none.rows() == 2);
  CHECK(none.cols() == 0);
}

TEST_CASE("split holds out ⌈fraction · n⌉ columns, and loses none", "[train]") {
  Rng rng(1);
  const auto held_out = [&](double fraction, Index n) {
    const SplitData<double> parts = split(numbered(n), fraction, rng);
    check_partition(parts, n);
    return parts.held_out.cols();
  };
  CHECK(held_out(0, 7) == 0);
  CHECK(held_out(0.1, 30) == 3);  // 0.1 · 30 is a little more than 3 in floating point
  CHECK(held_out(0.1, 272) == 28);
  CHECK(held_out(0.5, 7) == 4);
  CHECK(held_out(0.01, 7) == 1);
  CHECK(held_out(0.85, 7) == 6);
  CHECK(held_out(0, 1) == 0);
}

TEST_CASE("split is at random: the generator decides, and only it", "[train]") {
  Rng rng(1), same_seed(1);
  const SplitData<double> one = split(numbered(50), 0.4, rng), again = split(numbered(50), 0.4, same_seed),
                          next = split(numbered(50), 0.4, rng);
  CHECK(one.rest == again.rest);
  CHECK(one.held_out == again.held_out);
  CHECK(sorted(one.held_out) != sorted(next.held_out));
  CHECK(sorted(one.held_out) != sorted(numbered(50).leftCols(20)));
}

TEST_CASE("split holds out each column equally often", "[train]") {
  Rng rng(1);
  const Index n = 10, repeats = 2000;
  Vector<double> count = Vector<double>::Zero(n);
  for (Index i = 0; i < repeats; ++i) {
    const SplitData<double> parts = split(numbered(n), 0.3, rng);
    for (Index j = 0; j < parts.held_out.cols(); ++j) count(Index(parts.held_out(0, j))) += 1;
  }
  // Binomial: mean 600, standard deviation √(2000 · 0.3 · 0.7) = 20.5; five of them.
  CHECK((count.array() - 600).abs().maxCoeff() < 103);
}

TEST_CASE("split refuses a fraction that leaves nothing, and draws nothing then", "[train][errors]") {
  Rng rng(1);
  for (const double fraction : {-0.1, 1.0, 2.0, 0.9, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    INFO("fraction " << fraction);
    CHECK_THROWS_AS(split(numbered(5), fraction, rng), ArgumentError);
  }
  CHECK_THROWS_WITH(split(numbered(5), 0.9, rng),
                    "split: fraction is 0.9, expected in [0, 1), leaving at least one of 5 columns");
  CHECK_THROWS_AS(split(numbered(0), 0, rng), ArgumentError);
  CHECK(rng == Rng(1));
}

TEST_CASE("fold_of: the folds of one draw are disjoint, cover every column, and differ in size by at most one",
          "[train]") {
  const Index n = GENERATE(5, 23, 24), folds = GENERATE(2, 4, 5);
  INFO(folds << " folds of " << n);
  std::vector<double> all;
  for (Index fold = 0; fold < folds; ++fold) {
    const SplitData<double> parts = fold_of(numbered(n), fold, folds, Draw{7, 0});
    check_partition(parts, n);
    CHECK(parts.held_out.cols() >= n / folds);
    CHECK(parts.held_out.cols() <= (n + folds - 1) / folds);
    const std::vector<double> one = sorted(parts.held_out);
    all.insert(all.end(), one.begin(), one.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(all == sorted(numbered(n)));
}

TEST_CASE("fold_of: the draw decides, and only it", "[train]") {
  const Batch<double> one = fold_of(numbered(40), 1, 4, Draw{7, 0}).held_out;
  CHECK(fold_of(numbered(40), 1, 4, Draw{7, 0}).held_out == one);
  CHECK(sorted(fold_of(numbered(40), 1, 4, Draw{8, 0}).held_out) != sorted(one));
}

TEST_CASE("fold_of refuses folds that do not exist", "[train][errors]") {
  const Batch<double> X = numbered(5);
  const Draw draw{7, 0};
  CHECK_THROWS_AS(fold_of(X, 0, 1, draw), ArgumentError);
  CHECK_THROWS_WITH(fold_of(X, 0, 1, draw), "fold_of: folds is 1, expected between 2 and 5");
  CHECK_THROWS_WITH(fold_of(X, 0, 6, draw), "fold_of: folds is 6, expected between 2 and 5");
  CHECK_THROWS_WITH(fold_of(X, -1, 5, draw), "fold_of: fold is -1, expected between 0 and 4");
  CHECK_THROWS_WITH(fold_of(X, 5, 5, draw), "fold_of: fold is 5, expected between 0 and 4");
}
