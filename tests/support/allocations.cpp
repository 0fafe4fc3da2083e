/// \file
/// malloc and its family, counted and passed on to glibc's own functions.
#include <support/allocations.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace {

// Constant initialisation: malloc is called before any constructor runs.
constinit std::atomic<long> requests{0}, used{0}, most{0};

}  // namespace

namespace pathline {

long AllocationCounter::total() noexcept { return requests.load(std::memory_order_relaxed); }
long AllocationCounter::peak() noexcept { return most.load(std::memory_order_relaxed); }
long AllocationCounter::restart_peak() noexcept {
  const long now = used.load(std::memory_order_relaxed);
  most.store(now, std::memory_order_relaxed);
  return now;
}

}  // namespace pathline

#if defined(__GLIBC__) && !defined(PATHLINE_SANITIZED_HEAP)

#include <malloc.h>

namespace {

void* counted(void* memory) noexcept {
  requests.fetch_add(1, std::memory_order_relaxed);
  if (memory == nullptr) return nullptr;
  const auto size = long(malloc_usable_size(memory));
  const long now = used.fetch_add(size, std::memory_order_relaxed) + size;
  long before = most.load(std::memory_order_relaxed);
  while (now > before && !most.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
  }
  return memory;
}
long size_of(void* memory) noexcept { return memory == nullptr ? 0 : long(malloc_usable_size(memory)); }

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* memory, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
void __libc_free(void* memory) noexcept;

void* malloc(std::size_t size) noexcept { return counted(__libc_malloc(size)); }

void* calloc(std::size_t elements, std::size_t size) noexcept { return counted(__libc_calloc(elements, size)); }

void* realloc(void* memory, std::size_t size) noexcept {
  const long before = size_of(memory);
  void* const result = __libc_realloc(memory, size);
  if (result != nullptr || size == 0) used.fetch_sub(before, std::memory_order_relaxed);
  return counted(result);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept { return counted(__libc_memalign(alignment, size)); }

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return counted(__libc_memalign(alignment, size));
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* const result = counted(__libc_memalign(alignment, size));
  if (result == nullptr) return ENOMEM;
  *memory = result;
  return 0;
}

void free(void* memory) noexcept {
  used.fetch_sub(size_of(memory), std::memory_order_relaxed);
  __libc_free(memory);
}

}  // extern "C"

#endif
