#include <pathline/core/compiler_options.hpp>
#include <pathline/math/pack.hpp>

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
  CHECK(std::same_as<TheseOptions, CompilerOptions<EIGEN_MAX_ALIGN_BYTES, int(Pack<float>::size), threads>>);
  CHECK(!std::same_as<TheseOptions, CompilerOptions<EIGEN_MAX_ALIGN_BYTES, int(Pack<float>::size), !threads>>);
}
