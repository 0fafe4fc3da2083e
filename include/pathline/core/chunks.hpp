/// \file
/// A batch cut into column chunks, one after the other or in parallel with OpenMP where the compiler has it on.
///
/// The cut depends on the number of columns and on the widest chunk alone, never on the threads, and so do results
/// if sums over chunks are taken in chunk order. All units of a program must agree on -fopenmp.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <exception>

#ifdef _OPENMP
#include <omp.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <utility>
#endif

namespace pathline {

/// Columns first, first + 1, …, first + count - 1.
struct ColumnChunk {
  Index first, count;
  friend bool operator==(const ColumnChunk&, const ColumnChunk&) = default;
};

/// Chunks that `columns` columns need when none may be wider than `widest`; 0 for no columns.
/// \throws ArgumentError when widest is below 1 or columns below 0.
[[nodiscard]] inline Index chunk_count(Index columns, Index widest) {
  if (widest < 1) throw ArgumentError("chunk_count: widest chunk", widest, "at least 1");
  if (columns < 0) throw ArgumentError("chunk_count: number of columns", columns, "at least 0");
  return columns / widest + (columns % widest == 0 ? 0 : 1);
}

/// Chunk i of `count` chunks (0 ≤ i < count). Widths differ by at most one, the wider ones come first.
[[nodiscard]] constexpr ColumnChunk chunk_of(Index columns, Index count, Index i) noexcept {
  const Index width = columns / count, wider = columns % count;
  return {i * width + std::min(i, wider), width + (i < wider ? 1 : 0)};
}

/// The number of threads that for_each_chunk(…, threads, …) uses at most: all of them when `threads` is 0 or negative,
/// 1 without OpenMP. Thread indices are below it: make that many workspaces.
[[nodiscard]] inline int thread_count(int threads) noexcept {
#ifdef _OPENMP
  return threads > 0 ? threads : omp_get_max_threads();
#else
  (void)threads;
  return 1;
#endif
}

namespace detail {

/// Keeps products of Eigen in one thread while it lives: Eigen starts as many threads as OpenMP would give to the
/// current task, which is what this sets and restores. It is the task's own number; other threads do not see it.
/// A program that has called Eigen::setNbThreads keeps that number: Eigen then does not ask OpenMP.
class OneThreadProducts {
 public:
  OneThreadProducts(const OneThreadProducts&) = delete;
  OneThreadProducts& operator=(const OneThreadProducts&) = delete;
#ifdef _OPENMP
  OneThreadProducts() : threads_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThreadProducts() { omp_set_num_threads(threads_); }

 private:
  int threads_;
#else
  OneThreadProducts() {}  // Not `= default`: an unused variable of a trivial type is a warning.
#endif
};

#ifdef _OPENMP
/// The failure of the lowest index among those reported, from any thread.
class LowestFailure {
 public:
  /// Whether the work of index i can still change the outcome.
  [[nodiscard]] bool matters(Index i) const noexcept { return i < index_.load(std::memory_order_relaxed); }
  void report(Index i, std::exception_ptr failure) {
    const std::scoped_lock lock(mutex_);
    if (!matters(i)) return;
    index_.store(i, std::memory_order_relaxed);
    failure_ = std::move(failure);
  }
  /// Not while others report.
  void rethrow_if_any() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::atomic<Index> index_ = std::numeric_limits<Index>::max();
  std::exception_ptr failure_;
};
#endif

}  // namespace detail

namespace detail {

/// As for_each_chunk(), from the first chunk on or from the last.
template <bool from_last, class Work>
void run_chunks(Index columns, Index widest, int threads, Work&& work) {
  const Index count = chunk_count(columns, widest);
  const int team = int(std::min<Index>(thread_count(threads), count));
  const auto chunk_at = [=](Index turn) { return from_last ? count - 1 - turn : turn; };
  if (team <= 1) {
    const OneThreadProducts one_thread;
    std::exception_ptr failure;
    for (Index turn = 0; turn < count; ++turn) {
      const Index i = chunk_at(turn);
      if constexpr (from_last) {  // the last to fail is the lowest
        try {
          work(i, chunk_of(columns, count, i), 0);
        } catch (...) {
          failure = std::current_exception();
        }
      } else {
        work(i, chunk_of(columns, count, i), 0);
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#ifdef _OPENMP
  // Chunks are taken one after the other: when one fails, all that come before it are done or under way.
  std::atomic<Index> next = 0;
  LowestFailure failure;
#pragma omp parallel num_threads(team) default(shared)
  {
    const OneThreadProducts one_thread;
    const int thread = omp_get_thread_num();
    for (Index turn = next++; turn < count && (from_last || failure.matters(chunk_at(turn))); turn = next++) {
      const Index i = chunk_at(turn);
      try {
        work(i, chunk_of(columns, count, i), thread);
      } catch (...) {
        failure.report(i, std::current_exception());
      }
    }
  }
  failure.rethrow_if_any();
#endif
}

}  // namespace detail

/// Calls work(chunk index, ColumnChunk, thread index) once for each chunk, several at a time, and returns when all are
/// done. Calls of the same thread index do not overlap. Inside of `work` Eigen's products use one thread.
///
/// \param columns  Columns of the batch; none is no call.
/// \param widest   Greatest width of a chunk.
/// \param threads  As in thread_count(). In a parallel region of the caller's, OpenMP gives one thread by default.
/// \throws ArgumentError as chunk_count(); and what `work` threw for the lowest chunk that failed, whatever the number
///         of threads. All earlier chunks have run; later ones may or may not have.
template <class Work>
void for_each_chunk(Index columns, Index widest, int threads, Work&& work) {
  detail::run_chunks<false>(columns, widest, threads, work);
}

/// The same from the last chunk to the first; when some fail, all others run nevertheless. A way back that reads what
/// each chunk has left begins with what was written last, which may still be in a cache.
template <class Work>
void for_each_chunk_back(Index columns, Index widest, int threads, Work&& work) {
  detail::run_chunks<true>(columns, widest, threads, work);
}

}  // namespace pathline
