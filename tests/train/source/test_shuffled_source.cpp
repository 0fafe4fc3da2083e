// Every row once, in an order that is new each time, resumed to the bit, and what a model learns from it.
#include <pathline/train/source/shuffled_source.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/source/hold_out.hpp>
#include <pathline/train/source/standardize_rows.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/mean_of_epoch.hpp>
#include <support/memory_keeper.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace pathline;

namespace {

/// Row i is (i, -i).
struct Counting {
  using Scalar = double;
  Index rows = 0;
  [[nodiscard]] Index dim() const { return 2; }
  [[nodiscard]] Index size() const { return rows; }
  void read(Index first, BatchRef<double> X) const {
    for (Index j = 0; j < X.cols(); ++j) X.col(j) << double(first + j), -double(first + j);
  }
};
static_assert(RowSet<Counting> && BatchSource<ShuffledSource<Counting>>);
static_assert(HasState<ShuffledSource<Counting>::Memory>);

// Of one row, and of 3 rows; windows of 12 rows.
constexpr ShuffleOptions small_blocks{.block_bytes = 48, .window_bytes = 192};

/// The rows of some epochs, mini-batch by mini-batch.
template <class Rows>
std::vector<Index> drawn(const ShuffledSource<Rows>& source, Index batch, int epochs, Rng& rng,
                         typename ShuffledSource<Rows>::Memory& memory) {
  std::vector<Index> result;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    source.start_epoch(rng, memory);
    for (Index first = 0; first < source.samples(); first += batch) {
      const Index count = std::min(batch, source.samples() - first);
      const auto mini_batch = source.batch(first, count, rng, memory);
      REQUIRE(mini_batch.data.cols() == count);
      for (Index j = 0; j < count; ++j) {
        const Index row = mini_batch.samples[std::size_t(j)];
        CHECK(mini_batch.data(0, j) == double(row));
        CHECK(mini_batch.data(1, j) == -double(row));
        result.push_back(row);
      }
    }
  }
  return result;
}

template <class Rows>
std::vector<Index> drawn(const Rows& rows, const ShuffleOptions& options, Index batch, int epochs) {
  Rng rng(3);
  typename ShuffledSource<Rows>::Memory memory;
  return drawn(ShuffledSource(rows, options), batch, epochs, rng, memory);
}

/// Whether each run of n is every row once, and how many of them are different orders.
int orders_of_all_rows(const std::vector<Index>& rows, Index n) {
  std::vector<std::vector<Index>> orders;
  for (std::size_t first = 0; first + std::size_t(n) <= rows.size(); first += std::size_t(n)) {
    std::vector<Index> order(rows.begin() + std::ptrdiff_t(first), rows.begin() + std::ptrdiff_t(first) + n);
    if (std::find(orders.begin(), orders.end(), order) == orders.end()) orders.push_back(order);
    std::sort(order.begin(), order.end());
    for (Index i = 0; i < n; ++i) REQUIRE(order[std::size_t(i)] == i);
  }
  return int(orders.size());
}

}  // namespace

TEST_CASE("A shuffled source has every row once before any comes again, in new orders", "[train][source]") {
  const Counting rows{101};
  const Batch<double> X = all_of(rows);
  const RowsInMemory in_memory(X);
  // In epochs of all rows, and of 30 rows, of which the fourth has rows of the first and the second order.
  for (const Index epoch : {0, 30}) {
    const int epochs = epoch == 0 ? 4 : 14;
    const Index batch = epoch == 0 ? 25 : 7;
    ShuffleOptions options{.epoch = epoch};
    CHECK(orders_of_all_rows(drawn(rows, options, batch, epochs), 101) == 4);
    CHECK(orders_of_all_rows(drawn(in_memory, options, batch, epochs), 101) == 4);
    options = small_blocks;
    options.epoch = epoch;
    CHECK(orders_of_all_rows(drawn(rows, options, batch, epochs), 101) == 4);
  }
  // A mini-batch has rows of several blocks: of 12 rows that are drawn one after the other, few are neighbours.
  const std::vector<Index> order = drawn(rows, small_blocks, 12, 1);
  CHECK(*std::max_element(order.begin(), order.begin() + 12) - *std::min_element(order.begin(), order.begin() + 12) >
        30);
  Index neighbours = 0;
  for (std::size_t i = 1; i < order.size(); ++i) neighbours += Index(order[i] == order[i - 1] + 1);
  CHECK(neighbours < 30);  // of 67 in blocks of 3; at random within windows of 12: 9
}

TEST_CASE("A window reads each row once a pass, and rows that all fit into it once for all", "[train][source]") {
  Index read = 0;
  const auto rows = rows_by_function<double>(2, 101, [&read](Index first, BatchRef<double> X) {
    read += X.cols();
    Counting{101}.read(first, X);
  });
  (void)drawn(rows, small_blocks, 10, 3);
  CHECK(read == 3 * 101);
  read = 0;
  (void)drawn(rows, {}, 10, 3);
  CHECK(read == 101);
}

TEST_CASE("A shuffled source allocates nothing after its first epoch", "[train][source][allocation]") {
  const Counting rows{100};
  const ShuffledSource source(rows, small_blocks);
  ShuffledSource<Counting>::Memory memory;
  Rng rng(1);
  const auto epoch = [&] {
    source.start_epoch(rng, memory);
    for (Index first = 0; first < 100; first += 8)
      (void)source.batch(first, std::min<Index>(8, 100 - first), rng, memory);
  };
  epoch();
  const AllocationCounter counter;
  epoch();
  if (AllocationCounter::available) CHECK(counter.count() == 0);
}

TEST_CASE("A run from a shuffled source goes on from its checkpoint with the same bits",
          "[train][source][checkpoint]") {
  const Counting rows{50};
  ShuffleOptions options = small_blocks;
  options.epoch = 20;
  const ShuffledSource source(rows, options);
  const Batch<double> validation = all_of(Counting{5});
  const auto run = [&](test::MemoryKeeper keeper, Index epochs, const auto& callback) {
    test::NoisyMean model;
    Rng rng(9);
    fit(model, source, validation, {.epochs = epochs, .batch = 8, .solver_check_rows = 0}, rng,
        Adam{.learning_rate = 0.1}, KeepLast{}, callback, keeper);
    return model.theta;
  };
  const auto none = [](const EpochReport&) {};
  const Vector<double> whole = run({}, 8, none);
  test::MemoryKeeper keeper;
  struct Killed {};
  CHECK_THROWS_AS(run(keeper, 8,
                      [](const EpochReport& epoch) {
                        if (epoch.epoch == 4) throw Killed{};
                      }),
                  Killed);
  CHECK((*keeper.kept)->at<Index>("epochs") == 3);
  // The third epoch has the last ten rows of the first order, and ten of the next, in which the fourth goes on.
  CHECK((*keeper.kept)->at<Index>("source.position") == 40);
  (*keeper.kept)->at<Index>("source.position") = 50;
  CHECK_THROWS_WITH(run(keeper, 8, none), ContainsSubstring("position is 50, expected below the 50 rows"));
  (*keeper.kept)->at<Index>("source.position") = 40;
  CHECK(run(keeper, 8, none) == whole);

  const Counting others{51};
  const ShuffledSource other(others, options);
  test::NoisyMean model;
  Rng rng(9);
  CHECK_THROWS_WITH(fit(model, other, validation, {.epochs = 8, .batch = 8, .solver_check_rows = 0}, rng,
                        Adam{.learning_rate = 0.1}, KeepLast{}, none, keeper),
                    ContainsSubstring("training data: rows is 51 in place of 50"));
}

TEST_CASE("A shuffled source is known by rows from all of the data", "[train][source][checkpoint]") {
  const auto fingerprint = [](Index changed) {
    const auto rows = rows_by_function<float>(3, 100, [changed](Index first, BatchRef<float> X) {
      for (Index j = 0; j < X.cols(); ++j) X.col(j).setConstant(first + j >= changed ? -1.F : 1.F);
    });
    std::string result;
    const auto keep = [&](std::string_view /*name*/, const auto& value) {
      if constexpr (std::is_convertible_v<decltype(value), std::string>) result = value;
    };
    ShuffledSource(rows).settings(keep);
    return result;
  };
  CHECK(fingerprint(100) == fingerprint(100));
  CHECK(fingerprint(98) != fingerprint(100));
}

TEST_CASE("A flow learns from a shuffled source, by likelihood and by flow matching", "[train][source][fit]") {
  Batch<double> X(2, 2000);
  fill<Gaussian>(Draw{8, 0}, 0, X);
  X.row(1) = (0.6 * X.row(0) + 0.4 * X.row(1)).array() - 1;  // N((0, -1), L L') with L = (1 0; 0.6 0.4)
  const double entropy = std::log(0.4) + 1 + std::log(2 * std::numbers::pi);
  const auto rows = rows_by_function<double>(
      2, 2000, [&X](Index first, BatchRef<double> out) { out = X.middleCols(first, out.cols()); });
  Rng rng(1);
  const auto parts = hold_out(rows, 400, rng);
  const ShuffledSource source(parts.rest, {.epoch = 500, .block_bytes = 160, .window_bytes = 8000});
  const Batch<double> held_out = all_of(parts.held_out);
  Rng seed(6);
  const auto field = Mlp<double, Tanh>(2, {8}, seed);
  Cnf flow(field, Threads{1});
  const double before = -flow.log_prob(held_out).mean() - entropy;
  fit(flow, source, held_out, {.epochs = 6, .batch = 50, .validate_every = 6, .solver_check_rows = 0}, rng,
      Adam{.learning_rate = 3e-2});
  const double likelihood = -flow.log_prob(held_out).mean() - entropy;
  Cnf matched(field, Threads{1});
  FlowMatching matching(matched);
  fit(matching, source, held_out, {.epochs = 20, .batch = 50, .validate_every = 20, .solver_check_rows = 0}, rng,
      Adam{.learning_rate = 1e-2});
  const double by_matching = -matched.log_prob(held_out).mean() - entropy;
  // 400 rows have a mean log-density of standard deviation 1 / 20, which is the same for all three.
  INFO("above the entropy " << before << " before, " << likelihood << " by likelihood, " << by_matching);
  CHECK(before > 0.5);
  CHECK(likelihood < 0.25);
  CHECK(by_matching < 0.3);
}

TEST_CASE("Rows of a source with whole weights count as so many rows", "[train][source]") {
  Batch<double> X(3, 12), repeated(2, 18);
  fill<Gaussian>(Draw{4, 0}, 0, X);
  Index copies = 0;
  for (Index j = 0; j < 12; ++j) {
    X(2, j) = double(j % 4);  // a third row: weights 0 to 3
    for (Index copy = 0; copy < j % 4; ++copy) repeated.col(copies++) = X.col(j).head(2);
  }
  REQUIRE(copies == 18);
  const auto computed = rows_by_function<double>(
      3, 12, [&X](Index first, BatchRef<double> out) { out = X.middleCols(first, out.cols()); });
  Rng seed(6);
  Cnf flow(Mlp<double, Tanh>(2, {8}, seed), PiController{.rtol = 1e-9, .atol = 1e-9}, Threads{1});
  using Flow = decltype(flow);
  Flow::Memory memory;
  auto expected = flow.make_training_loss(), loss = expected;
  std::vector<Index> ids(18);
  flow.value_and_gradient(repeated, ids, Draw{}, memory, expected);
  const auto check = [&](const auto& source) {
    // In mini-batches of 5, 5 and 2 rows, weighted by their size: all rows once.
    REQUIRE(source.samples() == 12);
    const auto mean = test::mean_of_epoch(
        source, [&](const auto& mini) -> const auto& {
          REQUIRE(mini.data.rows() == 2);
          REQUIRE(Index(mini.factors.size()) == mini.data.cols());
          const ConstVectorMap<double> factors(mini.factors.data(), mini.data.cols());
          flow.value_and_gradient(mini.data, mini.samples, factors, Draw{}, memory, loss);
          return loss;
        });
    CHECK(mean.loss == Approx(expected.loss).epsilon(1e-7));  // chunks have steps of their own, to the tolerance
    CHECK((mean.gradient - expected.gradient).norm() < 1e-6 * expected.gradient.norm());
  };
  ShuffleOptions options{.block_bytes = 48, .window_bytes = 192, .last_is_weight = true};
  check(ShuffledSource(computed, options));
  const RowsInMemory in_memory(X);
  check(ShuffledSource(in_memory, options));
  options.mean_weight = 1.5;
  check(ShuffledSource(computed, options));
  // `fit` takes the factors.
  const auto trained = [&](double factor) {
    const auto scaled = rows_by_function<double>(3, 12, [&X, factor](Index first, BatchRef<double> out) {
      out = X.middleCols(first, out.cols());
      out.row(2) *= factor;
    });
    Flow copy = flow;
    Rng rng(2);
    fit(copy, ShuffledSource(scaled, {.last_is_weight = true}), repeated,
        {.epochs = 2, .batch = 4, .solver_check_rows = 0}, rng, Adam{.learning_rate = 1e-2}, KeepLast{});
    return Vector<double>(copy.parameters());
  };
  CHECK(trained(1) == trained(4));  // only ratios count
  CHECK(trained(1) != flow.parameters());

  options.mean_weight = -1;
  CHECK_THROWS_WITH(ShuffledSource(computed, options),
                    "ShuffledSource: mean_weight is -1, expected 0 or a positive number");
  options.mean_weight = 0;
  X(2, 7) = -2;
  CHECK_THROWS_WITH(ShuffledSource(computed, options),
                    "ShuffledSource: the weight of row 7 is -2, expected 0 or a positive number");
  options.mean_weight = 1.5;
  Rng rng(1);
  ShuffledSource<std::remove_const_t<decltype(computed)>>::Memory kept;
  const ShuffledSource late(computed, options);
  late.start_epoch(rng, kept);
  CHECK_THROWS_WITH(late.batch(0, 12, rng, kept), ContainsSubstring("the weight of row 7 is -2"));
  X.row(2).setZero();
  options.mean_weight = 0;
  CHECK_THROWS_WITH(ShuffledSource(computed, options),
                    "ShuffledSource: the weight is 0 at every row, expected a positive one at least");
  const auto narrow = rows_by_function<double>(1, 12, [](Index, BatchRef<double> out) { out.setOnes(); });
  CHECK_THROWS_AS(ShuffledSource(narrow, options), ShapeError);
}

TEST_CASE("What a shuffled source cannot draw from is refused", "[train][source][errors]") {
  const Counting rows{10};
  CHECK_THROWS_WITH(ShuffledSource(rows, {.epoch = 11}),
                    "ShuffledSource: epoch is 11, expected from 1 to the 10 rows, or 0 for all");
  CHECK_THROWS_WITH(ShuffledSource(rows, {.block_bytes = 0}), "ShuffledSource: block_bytes is 0, expected at least 1");
  CHECK_THROWS_WITH(ShuffledSource(rows, {.block_bytes = 10, .window_bytes = 9}),
                    "ShuffledSource: window_bytes is 9, expected at least block_bytes");
  Batch<double> X = all_of(rows);
  X(1, 7) = std::nan("");
  const char* const message =
      "ShuffledSource: component 1 of row 7 is nan, expected a finite number; leave the row out of the data";
  CHECK_THROWS_WITH(drawn(RowsInMemory(X), {}, 3, 1), message);
  const auto computed = rows_by_function<double>(
      2, 10, [&X](Index first, BatchRef<double> out) { out = X.middleCols(first, out.cols()); });
  CHECK_THROWS_WITH(drawn(computed, small_blocks, 3, 1), message);
}
