/// \file
/// Says once per translation unit that it is compiled without optimisation, where Eigen's expressions take more than
/// ten times as long. It is a note that -Werror lets pass. `PATHLINE_NO_OPTIMIZATION_NOTE` silences it.
#pragma once

#if defined(__GNUC__) && !defined(__OPTIMIZE__) && !defined(PATHLINE_NO_OPTIMIZATION_NOTE)
// clang-format off
#ifdef __clang__
// #warning, because clang shows no `#pragma message` of system headers, as which find_package() gives the headers.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpedantic"
#pragma clang diagnostic warning "-W#warnings"
#warning "pathline is more than ten times slower without optimisation: set CMAKE_BUILD_TYPE to Release, or pass -O2. PATHLINE_NO_OPTIMIZATION_NOTE silences this."
#pragma clang diagnostic pop
#else
#pragma message("pathline is more than ten times slower without optimisation: set CMAKE_BUILD_TYPE to Release, or pass -O2. PATHLINE_NO_OPTIMIZATION_NOTE silences this.")
#endif
// clang-format on
#endif
