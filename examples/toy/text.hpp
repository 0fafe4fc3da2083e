/// \file
/// Numbers and names as the toy programs print them.
#pragma once

#include <examples/toy/run.hpp>

#include <array>
#include <cstdio>
#include <string>

namespace examples::toy {

/// By a format of printf for one double.
[[nodiscard]] inline std::string text(const char* format, double number) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, number);
  return buffer.data();
}
/// "2.8397 ± 0.0061".
[[nodiscard]] inline std::string text(const pathline::Estimate& estimate) {
  return text("%.4f", estimate.value) + " ± " + text("%.4f", estimate.standard_error);
}
[[nodiscard]] inline std::string set_of(const Run& run) { return std::string(pathline::toy_density_name(run.density)); }

}  // namespace examples::toy
