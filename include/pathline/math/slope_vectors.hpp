/// \file
/// Loops over the slopes of a number with derivatives (math/dual.hpp), in vectors where the target has them.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

namespace pathline::detail {

/// Bytes of the widest vectors of the target into which N numbers T go without a rest; 0 where there are none.
template <class T, std::size_t N>
[[nodiscard]] constexpr std::size_t vector_bytes() {
#if defined(__AVX512F__)
  std::size_t bytes = 64;
#elif defined(__AVX__)
  std::size_t bytes = 32;
#else
  std::size_t bytes = 16;
#endif
  while (bytes >= 16 && N * sizeof(T) % bytes != 0) bytes /= 2;
  constexpr bool in_vectors = std::same_as<T, float> || std::same_as<T, double>;
  return in_vectors && bytes >= 16 ? bytes : 0;
}
/// Where slopes lie, so that no vector of them is in two lines of the cache.
template <class T, std::size_t N>
[[nodiscard]] constexpr std::size_t slope_alignment() {
  return vector_bytes<T, N>() > 0 ? vector_bytes<T, N>() : alignof(T);
}
/// z_i = formula(x_i…), in vectors where the target has them: in the middle of a user's formula compilers find them
/// only now and then.
template <class T, std::size_t N, class Formula, class... Others>
inline void for_slopes(std::array<T, N>& z, const Formula& formula, const Others&... x) {
  constexpr std::size_t bytes = vector_bytes<T, N>();
  if constexpr (bytes > 0) {
    using Vector [[gnu::vector_size(bytes)]] = T;
    const auto load = [](const T* from) {
      Vector vector;
      __builtin_memcpy(&vector, from, bytes);
      return vector;
    };
    for (std::size_t i = 0; i < N; i += bytes / sizeof(T)) {
      const Vector result = formula(load(x.data() + i)...);
      __builtin_memcpy(z.data() + i, &result, bytes);
    }
  } else {
    for (std::size_t i = 0; i < N; ++i) z[i] = formula(x[i]...);
  }
}
/// z = x.
template <class T, std::size_t N>
inline void copy_slopes(std::array<T, N>& z, const std::array<T, N>& x) {
  for_slopes(
      z, [](const auto& a) { return a; }, x);
}

}  // namespace pathline::detail
