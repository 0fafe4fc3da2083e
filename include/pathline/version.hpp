/// \file
/// The version, as a number for the preprocessor and as text. The build system reads it here, and packaging/version
/// compares what repeats it.
#pragma once

/// 10000 · major + 100 · minor + patch, for the preprocessor: `#if PATHLINE_VERSION >= 200`.
#define PATHLINE_VERSION 200
/// The same as it is printed.
#define PATHLINE_VERSION_STRING "0.2.0"

namespace pathline {

inline constexpr int version_major = PATHLINE_VERSION / 10000;
inline constexpr int version_minor = PATHLINE_VERSION / 100 % 100;
inline constexpr int version_patch = PATHLINE_VERSION % 100;

}  // namespace pathline
