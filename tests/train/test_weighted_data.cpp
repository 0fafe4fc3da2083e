// Weights of samples, the views of them that fit trains on, and the mini-batches made of those.
#include <pathline/train/weighted_data.hpp>

#include <pathline/train/shuffled_rows.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

using namespace pathline;
using namespace pathline::detail;

namespace {

/// Sample j is (j, 10 j).
Batch<double> counting(Index n) {
  Batch<double> X(2, n);
  for (Index j = 0; j < n; ++j) X.col(j) << double(j), 10 * double(j);
  return X;
}

}  // namespace

TEST_CASE("Rows of fit are columns of the user's batch, read where they are", "[train][weights]") {
  const Batch<double> X = counting(8);
  const DataRef<double> some(X.middleCols(2, 5));
  const Vector<double> weights{{1, 0, 2, 4, 1}};
  const FitRows<double> rows(some, &weights);
  CHECK(rows.rows() == 2);
  CHECK(rows.samples() == 5);
  CHECK(rows.whole());
  CHECK(rows.weighted());
  CHECK(rows.data(3) == X.col(5).data());
  CHECK(counted(rows) == std::vector<Index>{0, 2, 3, 4});
  CHECK(shares_of(rows) == weights / 8);

  const FitRows<double> chosen(rows, {4, 2, 1});
  CHECK_FALSE(chosen.whole());
  CHECK(chosen.samples() == 3);
  CHECK(chosen.number_of(1) == 2);
  CHECK(chosen.weight(1) == 2);
  CHECK(chosen.data(0) == X.col(6).data());
  CHECK(counted(chosen) == std::vector<Index>{0, 1});
  CHECK(shares_of(chosen) == Vector<double>{{1. / 3, 2. / 3, 0}});
  CHECK(chosen.gathered(std::vector<Index>{2, 0}) == Batch<double>{{3, 6}, {30, 60}});
  const FitRows<double> none(rows, {});
  CHECK(none.samples() == 0);
}

TEST_CASE("Rows without weights all weigh 1, and a split of them is that of split_columns", "[train][weights]") {
  const Batch<double> X = counting(20);
  const DataRef<double> all(X);
  const FitRows<double> rows(all, nullptr);
  CHECK_FALSE(rows.weighted());
  CHECK(rows.weight(7) == 1);
  const auto parts = split_rows(rows, 0.25, Draw{3, 1});
  const SplitColumns expected = split_columns(20, 0.25, Draw{3, 1});
  REQUIRE(parts.first.samples() == 15);
  REQUIRE(parts.second.samples() == 5);
  for (Index j = 0; j < 15; ++j) CHECK(parts.first.number_of(j) == expected.rest[std::size_t(j)]);
  for (Index j = 0; j < 5; ++j) CHECK(parts.second.number_of(j) == expected.held_out[std::size_t(j)]);
}

TEST_CASE("Shuffled rows have every sample of positive weight once an epoch, with weights over their mean",
          "[train][weights][source]") {
  const Batch<float> X = counting(7).cast<float>();
  const DataRef<float> all(X);
  const Vector<double> weights{{1, 2, 0, 3, 4, 2, 0}};
  const FitRows<float> rows(all, &weights);
  const ShuffledRows<float, float> source(rows);
  static_assert(BatchSource<ShuffledRows<float, float>>);
  REQUIRE(source.samples() == 5);
  CHECK(source.number_of(3) == 3);
  ShuffledRows<float, float>::Memory memory;
  Rng rng(1);
  std::vector<std::vector<Index>> orders;
  for (int epoch = 0; epoch < 2; ++epoch) {
    source.start_epoch(rng, memory);
    CHECK(rng.next() == std::uint64_t(epoch + 1));
    std::vector<Index> seen;
    double factors = 0;
    for (Index first = 0; first < 5; first += 2) {
      const Index count = std::min<Index>(2, 5 - first);
      const auto batch = source.batch(first, count, rng, memory);
      REQUIRE(batch.data.cols() == count);
      for (Index j = 0; j < count; ++j) {
        const Index sample = batch.samples[std::size_t(j)];
        CHECK(batch.data.col(j) == X.col(sample));
        CHECK(double(batch.factors[std::size_t(j)]) == Approx(weights(sample) * 5 / 12));  // their mean is 12 / 5
        factors += double(batch.factors[std::size_t(j)]);
        seen.push_back(sample);
      }
    }
    CHECK(factors == Approx(5));
    orders.push_back(seen);
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<Index>{0, 1, 3, 4, 5});
  }
  CHECK(orders[0] != orders[1]);
}

TEST_CASE("Weights are checked as they are given", "[train][weights][errors]") {
  CHECK_NOTHROW(require_weights("w", Vector<double>{{0, 1e300, 1e-300}}, 3));
  CHECK_THROWS_WITH(require_weights("w", Vector<double>{{0, 1}}, 3), "w has 2 rows, expected 3");
  CHECK_THROWS_WITH(require_weights("w", Vector<double>{{0, -1}}, 2),
                    "w is -1 at sample 1, expected 0 or a positive number");
  CHECK_THROWS_WITH(require_weights("w", Vector<double>::Zero(2), 2),
                    "w is 0 at every sample, expected a positive one at least");
  const WeightedData<float> data = with_weights(counting(3).cast<float>(), Row<float>{{1, 2, 3}});
  CHECK(data.weights == Vector<double>{{1, 2, 3}});
  CHECK(data.data == counting(3).cast<float>());
}

TEST_CASE("A split of data with weights keeps the weight of every sample, and has none of weight 0",
          "[train][weights]") {
  const Vector<double> weights{{3, 0, 1, 4, 0, 5, 9, 2}};
  const WeightedData<double> data = with_weights(counting(8), weights);
  Rng rng(5), same_seed(5);
  const SplitWeightedData<double> parts = split(data, 0.4, rng);
  REQUIRE(parts.held_out.data.cols() == 3);  // of 6 samples
  REQUIRE(parts.rest.data.cols() == 3);
  std::vector<Index> seen;
  for (const WeightedData<double>* part : {&parts.rest, &parts.held_out}) {
    REQUIRE(part->weights.size() == 3);
    for (Index j = 0; j < 3; ++j) {
      const auto sample = Index(part->data(0, j));
      CHECK(part->data(1, j) == 10 * double(sample));
      CHECK(part->weights(j) == weights(sample));
      seen.push_back(sample);
    }
  }
  // The samples that fit holds out itself.
  const DataRef<double> all(data.data);
  const auto [train, held_out] = split_rows(FitRows<double>(all, &weights), 0.4, same_seed.draw());
  for (Index j = 0; j < 3; ++j) {
    CHECK(seen[std::size_t(j)] == train.number_of(j));
    CHECK(seen[std::size_t(3 + j)] == held_out.number_of(j));
  }
  CHECK(rng == same_seed);
  std::sort(seen.begin(), seen.end());
  CHECK(seen == std::vector<Index>{0, 2, 3, 5, 6, 7});

  WeightedData<double> wrong = data;
  wrong.weights(2) = -1;
  CHECK_THROWS_WITH(split(wrong, 0.4, rng), "split: weights is -1 at sample 2, expected 0 or a positive number");
  CHECK_THROWS_WITH(split(data, 0.9, rng),
                    "split: fraction is 0.9, expected in [0, 1), leaving at least one of 6 columns");
  CHECK(rng == same_seed);  // nothing was drawn
}
