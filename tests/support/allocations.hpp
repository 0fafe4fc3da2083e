/// \file
/// Counts what a program asks of the heap. Linking allocations.cpp replaces malloc and its family, so that nothing
/// escapes: operator new ends there, and so does Eigen.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PATHLINE_SANITIZED_HEAP
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PATHLINE_SANITIZED_HEAP
#endif

#include <cstdlib>

namespace pathline {

/// Requests to the heap, by any thread, since the construction, and what they have held.
///
///     AllocationCounter counter;
///     step();
///     CHECK(counter.count() == 0);
class AllocationCounter {
 public:
#if defined(__GLIBC__) && !defined(PATHLINE_SANITIZED_HEAP)
  static constexpr bool available = true;
#else
  /// Without glibc, or where a sanitizer has taken malloc already, every count is zero: a test that expects zero
  /// passes, one that expects more asks this first.
  static constexpr bool available = false;
#endif

  AllocationCounter() noexcept : start_(total()), bytes_(restart_peak()) {}
  [[nodiscard]] long count() const noexcept { return total() - start_; }
  /// Most bytes in use at a time, beyond those at the construction; of the counter that was made last.
  [[nodiscard]] long peak_bytes() const noexcept { return peak() - bytes_; }

 private:
  static long total() noexcept;
  /// Forgets the peak. \return Bytes in use.
  static long restart_peak() noexcept;
  static long peak() noexcept;
  long start_, bytes_;
};

}  // namespace pathline
