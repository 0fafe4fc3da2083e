// What pathline/precompiled.hpp asks the linker for: a definition for the options of this library, and for no others.
#include <pathline/precompiled.hpp>

namespace pathline::detail {

template <int alignment, Index pack, bool threads>
const bool PrecompiledLibrary<alignment, pack, threads>::has_these_options = true;

template struct PrecompiledLibrary<EIGEN_MAX_ALIGN_BYTES, Pack<float>::size, with_threads>;

}  // namespace pathline::detail
