/// \file
/// malloc and its family, counted and passed on to glibc's own functions.
#include <support/allocations.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace {

// Constant initialisation: malloc is called before any constructor runs.
constinit std::atomic<long> requests{0};

}  // namespace

namespace pathline {

long AllocationCounter::total() noexcept { return requests.load(std::memory_order_relaxed); }

}  // namespace pathline

#if defined(__GLIBC__) && !defined(PATHLINE_SANITIZED_HEAP)

namespace {

void count() noexcept { requests.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* memory, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
void __libc_free(void* memory) noexcept;

void* malloc(std::size_t size) noexcept {
  count();
  return __libc_malloc(size);
}

void* calloc(std::size_t elements, std::size_t size) noexcept {
  count();
  return __libc_calloc(elements, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
  count();
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  count();
  void* const result = __libc_memalign(alignment, size);
  if (result == nullptr) return ENOMEM;
  *memory = result;
  return 0;
}

void free(void* memory) noexcept { __libc_free(memory); }

}  // extern "C"

#endif
