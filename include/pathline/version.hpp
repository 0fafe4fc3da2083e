/// \file
/// The version: the build system reads it here, and it is stated nowhere else.
#pragma once

/// 10000 · major + 100 · minor + patch, for the preprocessor: `#if PATHLINE_VERSION >= 200`.
#define PATHLINE_VERSION 100

namespace pathline {

inline constexpr int version_major = PATHLINE_VERSION / 10000;
inline constexpr int version_minor = PATHLINE_VERSION / 100 % 100;
inline constexpr int version_patch = PATHLINE_VERSION % 100;

}  // namespace pathline
