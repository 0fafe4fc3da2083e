/// \file
/// What the fuzzed readers share. Each takes a file's bytes, throws pathline's errors for what it refuses, and ends the
/// program by `require` for what it should not have done.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace fuzz {

inline void require(bool truth, const char* what) {
  if (truth) return;
  std::cerr << "fuzz: " << what << '\n';
  std::abort();
}

/// The file of a small flow; in a source of its own, which takes as long to compile as all others.
void model(std::string_view bytes);

}  // namespace fuzz
