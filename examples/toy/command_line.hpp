/// \file
/// What the command lines of the toy programs have in common.
#pragma once

#include <examples/toy/run.hpp>

#include <string>
#include <vector>

namespace examples::toy {

/// Names of the sets that have a density to be judged by.
[[nodiscard]] inline std::vector<std::string> set_names() {
  std::vector<std::string> names;
  for (const std::string_view name : pathline::toy_density_names())
    if (pathline::has_density(pathline::toy_density_from_name(name))) names.emplace_back(name);
  return names;
}

/// "one, two, three", for help texts.
[[nodiscard]] inline std::string listed(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names) result += (result.empty() ? "" : ", ") + name;
  return result;
}

}  // namespace examples::toy
