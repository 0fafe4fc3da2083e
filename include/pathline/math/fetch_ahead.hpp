/// \file
/// Memory that products fetch into the second-level cache while they compute.
///
/// The record of a solve leaves the caches before the way back reads it. A loop that reads it waits for every line; a
/// product waits for nothing but its multiply-adds, and has time to fetch what is read next. Results do not depend on
/// it, nor does anything read what lies there: memory that has been given back meanwhile does no harm.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pathline::detail {

/// Addresses that the tiles of math/small_product.hpp fetch next, of this thread. Numbers and not pointers: the last
/// tile goes beyond the end.
struct FetchAhead {
  std::uintptr_t next = 0, end = 0;
};
inline constinit thread_local FetchAhead fetch_ahead;

/// More would push out of the cache what is in use, or itself.
inline constexpr std::size_t most_fetched_bytes = std::size_t(1) << 18;

/// Products of this thread fetch so many bytes from here on, instead of what they were told before.
inline void fetch_while_multiplying(const void* from, std::size_t bytes) noexcept {
  const auto start = reinterpret_cast<std::uintptr_t>(from);
  fetch_ahead = {start, bytes > most_fetched_bytes ? start : start + bytes};
}

/// The same while this lives. Afterwards products fetch nothing: what comes next may not read that memory.
class [[nodiscard]] FetchWhileMultiplying {
 public:
  FetchWhileMultiplying(const void* from, std::size_t bytes) noexcept { fetch_while_multiplying(from, bytes); }
  FetchWhileMultiplying(const FetchWhileMultiplying&) = delete;
  FetchWhileMultiplying& operator=(const FetchWhileMultiplying&) = delete;
  ~FetchWhileMultiplying() { fetch_ahead = {}; }
};

}  // namespace pathline::detail
