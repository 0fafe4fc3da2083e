#include <pathline/core/compiler_options.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/version.hpp>

#include <support/catch.hpp>

#include <concepts>

using namespace pathline;
using detail::CompilerOptions, detail::TheseOptions;

TEST_CASE("What a compiled library must agree on is part of a type", "[core]") {
#ifdef _OPENMP
  constexpr bool threads = true;
#else
  constexpr bool threads = false;
#endif
#ifdef __FMA__
  constexpr bool fused = true;
#else
  constexpr bool fused = false;
#endif
  constexpr int alignment = EIGEN_MAX_ALIGN_BYTES, pack = int(Pack<float>::size),
                eigen = 10000 * EIGEN_WORLD_VERSION + 100 * EIGEN_MAJOR_VERSION + EIGEN_MINOR_VERSION;
  CHECK(std::same_as<TheseOptions, CompilerOptions<alignment, pack, fused, threads, eigen, PATHLINE_VERSION>>);
  CHECK(!std::same_as<TheseOptions, CompilerOptions<alignment, pack, !fused, threads, eigen, PATHLINE_VERSION>>);
  CHECK(!std::same_as<TheseOptions, CompilerOptions<alignment, pack, fused, !threads, eigen, PATHLINE_VERSION>>);
}
