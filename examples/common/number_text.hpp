/// \file
/// Numbers as the examples print them.
#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace examples {

/// "2.522".
[[nodiscard]] inline std::string number_text(double number, int decimals = 3) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

}  // namespace examples
