/// \file
/// A folder that goes with the test.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <system_error>

namespace pathline {

struct TemporaryFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("pathline-" + std::to_string(std::random_device{}()) + std::to_string(std::random_device{}()));
  TemporaryFolder() { std::filesystem::create_directory(path); }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path / name; }
};

}  // namespace pathline
