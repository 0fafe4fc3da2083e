/// \file
/// Column chunks: the cut, the same results for every number of threads, failures, and Eigen kept in one thread. Passes
/// with and without OpenMP.
#include <pathline/core/chunks.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace pathline;

// What OpenMP, and so Eigen, would start in the current task.
int threads_of_task() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

// Sets and restores the threads of the test's own task.
struct TaskThreads {
  explicit TaskThreads([[maybe_unused]] int threads) : before(threads_of_task()) {
#ifdef _OPENMP
    omp_set_num_threads(threads);
#endif
  }
  ~TaskThreads() {
#ifdef _OPENMP
    omp_set_num_threads(before);
#endif
  }
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;
  int before;
};

TEST_CASE("Chunks cover the columns in order, none too wide, widths differing by at most one", "[core][chunks]") {
  for (Index columns = 1; columns <= 40; ++columns)
    for (Index widest = 1; widest <= 45; ++widest) {
      const Index count = chunk_count(columns, widest);
      Index next = 0, narrow = columns, wide = 0;
      for (Index i = 0; i < count; ++i) {
        const ColumnChunk chunk = chunk_of(columns, count, i);
        REQUIRE(chunk.first == next);
        next += chunk.count;
        narrow = std::min(narrow, chunk.count);
        wide = std::max(wide, chunk.count);
      }
      REQUIRE(next == columns);
      REQUIRE(wide <= widest);
      REQUIRE(wide - narrow <= 1);
      REQUIRE(narrow >= 1);
      REQUIRE((count - 1) * widest < columns);  // no fewer would do
    }
}

TEST_CASE("No columns are no chunks and no call", "[core][chunks]") {
  CHECK(chunk_count(0, 5) == 0);
  for_each_chunk(0, 5, 2, [](Index, ColumnChunk, int) { FAIL("called"); });
}

TEST_CASE("A chunk must have at least one column", "[core][chunks][errors]") {
  CHECK_THROWS_WITH(chunk_count(3, 0), "chunk_count: widest chunk is 0, expected at least 1");
  CHECK_THROWS_AS(chunk_count(-1, 4), ArgumentError);
  CHECK_THROWS_AS(for_each_chunk(3, 0, 1, [](Index, ColumnChunk, int) {}), ArgumentError);
}

TEST_CASE("Chunks back run from the last to the first, all of them, and the lowest failure is rethrown",
          "[core][chunks][errors]") {
  std::vector<Index> order;
  for_each_chunk_back(7, 2, 1, [&](Index i, ColumnChunk chunk, int) {
    order.push_back(i);
    CHECK(chunk == chunk_of(7, 4, i));
  });
  CHECK(order == std::vector<Index>{3, 2, 1, 0});

  const int threads = GENERATE(1, 2, 3, 0);
  INFO("threads = " << threads);
  std::vector<std::atomic<int>> calls(64);
  const auto work = [&](Index i, ColumnChunk, int) {
    ++calls[std::size_t(i)];
    if (i >= 5) throw std::runtime_error("chunk " + std::to_string(i) + " failed");
  };
  REQUIRE_THROWS_WITH(for_each_chunk_back(64, 1, threads, work), "chunk 5 failed");
  for (const auto& of_chunk : calls) REQUIRE(of_chunk == 1);
}

TEST_CASE("Sums in chunk order are the same bits for 1, 2, 3 and all threads", "[core][chunks]") {
  constexpr Index columns = 1003;
  Batch<float> X(3, columns);
  for (Index i = 0; i < X.size(); ++i) X.data()[i] = 1.0F / float(i + 1);
  std::vector<float> sums;
  for (const int threads : {1, 2, 3, 0}) {
    std::vector<float> partial(std::size_t(chunk_count(columns, 17)), -1);
    for_each_chunk(columns, 17, threads, [&](Index i, ColumnChunk chunk, int) {
      partial[std::size_t(i)] = X.middleCols(chunk.first, chunk.count).sum();
    });
    float sum = 0;
    for (const float p : partial) sum += p;
    sums.push_back(sum);
  }
  for (const float sum : sums) CHECK(sum == sums[0]);
  CHECK(sums[0] == Approx(X.cast<double>().sum()).epsilon(1e-5));
}

TEST_CASE("Every chunk is worked on once, and calls of one thread index do not overlap", "[core][chunks]") {
  const int threads = GENERATE(1, 2, 3, 0), indices = thread_count(threads);
  std::vector<std::atomic<int>> calls(100), busy(static_cast<std::size_t>(indices));
  std::atomic<int> overlaps = 0, wrong_index = 0;
  for_each_chunk(200, 2, threads, [&](Index i, ColumnChunk chunk, int thread) {
    if (thread < 0 || thread >= indices || chunk != chunk_of(200, 100, i)) {
      ++wrong_index;
      return;
    }
    if (busy[std::size_t(thread)]++ != 0) ++overlaps;
    std::this_thread::yield();
    ++calls[std::size_t(i)];
    --busy[std::size_t(thread)];
  });
  CHECK(wrong_index == 0);
  for (const std::atomic<int>& count : calls) REQUIRE(count == 1);
  CHECK(overlaps == 0);
}

TEST_CASE("The failure of the lowest chunk is rethrown, whatever the number of threads", "[core][chunks][errors]") {
  const int threads = GENERATE(1, 2, 3, 0);
  INFO("threads = " << threads);
  for (int repeat = 0; repeat < 10; ++repeat) {
    std::vector<std::atomic<int>> calls(64);
    const Index late = 5 + repeat % 2;  // chunks 5 and 6 fail side by side, in either order
    const auto work = [&](Index i, ColumnChunk, int) {
      ++calls[std::size_t(i)];
      if (i < 5) return;
      const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
      while (calls[6] == 0 && threads != 1 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
      if (i == late) std::this_thread::sleep_for(std::chrono::microseconds(200));
      throw std::runtime_error("chunk " + std::to_string(i) + " failed");
    };
    REQUIRE_THROWS_WITH(for_each_chunk(64, 1, threads, work), "chunk 5 failed");
    for (std::size_t i = 0; i <= 5; ++i) REQUIRE(calls[i] == 1);
  }
}

TEST_CASE("Eigen's products have one thread inside of work, and afterwards the caller's number is back",
          "[core][chunks]") {
  const TaskThreads four(4);
  const int before = threads_of_task(), threads = GENERATE(1, 2, 3, 0);
  const Index columns = GENERATE(1, 9);  // one chunk runs on the calling thread
  std::atomic<int> most = 0;
  const auto look = [&](Index, ColumnChunk, int) {
    const int now = std::max(threads_of_task(), Eigen::nbThreads());
    if (now > most) most = now;
  };
  for_each_chunk(columns, 1, threads, look);
  CHECK(most == 1);
  CHECK(threads_of_task() == before);
  CHECK_THROWS(for_each_chunk(columns, 1, threads, [](Index, ColumnChunk, int) { throw std::runtime_error("x"); }));
  CHECK(threads_of_task() == before);
}

TEST_CASE("thread_count is what was asked for, all for 0, and 1 without OpenMP", "[core][chunks]") {
  const TaskThreads four(4);
#ifdef _OPENMP
  CHECK(thread_count(3) == 3);
  CHECK(thread_count(0) == 4);
  CHECK(thread_count(-1) == 4);
#else
  CHECK(thread_count(3) == 1);
  CHECK(thread_count(0) == 1);
#endif
}

Index sum_of_chunk_indices(int threads) {
  std::atomic<Index> sum = 0;
  for_each_chunk(100, 3, threads, [&](Index i, ColumnChunk, int) { sum += i; });
  return sum;
}

TEST_CASE("Chunks work from several threads of the program at once", "[core][chunks]") {
  std::vector<Index> sums(3);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < 3; ++i)
    callers.emplace_back([&sums, i] {
      const int before = threads_of_task();
      sums[i] = sum_of_chunk_indices(int(i));
      if (threads_of_task() != before) sums[i] = -1;
    });
  for (std::thread& caller : callers) caller.join();
  for (const Index sum : sums) CHECK(sum == 33 * 34 / 2);  // 34 chunks: 0 + … + 33
}

TEST_CASE("Chunks work inside of chunks and inside of the caller's own parallel region", "[core][chunks]") {
  const int threads = GENERATE(1, 2, 0);
  const Index expected = 33 * 34 / 2;
  std::atomic<int> right = 0;
  for_each_chunk(4, 1, threads, [&](Index, ColumnChunk, int) { right += sum_of_chunk_indices(threads) == expected; });
  CHECK(right == 4);
#ifdef _OPENMP
  right = 0;
#pragma omp parallel num_threads(2)
  {
    const int before = omp_get_max_threads();
    const bool sum_is_right = sum_of_chunk_indices(threads) == expected;
    if (sum_is_right && omp_get_max_threads() == before) ++right;
#pragma omp barrier
#pragma omp single
    if (omp_get_num_threads() == 1) ++right;  // a team of one is allowed
  }
  CHECK(right == 2);
#endif
}

}  // namespace
