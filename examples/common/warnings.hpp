/// \file
/// What `fit` found doubtful, for the reader of a report.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace examples {

/// A line for each; nothing when there are none.
inline void print_warnings(std::ostream& out, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) out << "warning   " << warning << '\n';
}

}  // namespace examples
