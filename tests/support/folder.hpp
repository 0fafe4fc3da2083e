/// \file
/// Files of tests: a folder that goes with the test, and the files stored in tests/data.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <random>
#include <string>
#include <system_error>

/// A folder of its own under the system's temporary one; deleted with all that is in it.
struct Folder {
  std::filesystem::path path;
  Folder()
      : path(std::filesystem::temp_directory_path() / ("pathline-test-" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directory(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
  [[nodiscard]] std::string text(const std::string& name) const { return text_of(path / name); }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
  }
  [[nodiscard]] static std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

/// A file of tests/data.
[[nodiscard]] inline std::filesystem::path test_data(const std::string& name) {
  return std::filesystem::path(PATHLINE_TEST_DATA) / name;
}
