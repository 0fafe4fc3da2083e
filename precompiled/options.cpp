// What pathline/precompiled.hpp asks the linker for: a definition for the options of this library, and for no others.
#include <pathline/precompiled.hpp>

namespace pathline::detail {

template <class Options>
const bool PrecompiledLibrary<Options>::has_these_options = true;

template struct PrecompiledLibrary<TheseOptions>;

}  // namespace pathline::detail
