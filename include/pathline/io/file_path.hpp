/// \file
/// The name of a file, and what the system says of one that fails, without `<filesystem>`: that header costs a compiler
/// a quarter of `<Eigen/Dense>`, and a program that reads a table by a text needs none of it.
#pragma once

#include <cerrno>
#include <concepts>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/stat.h>
#include <unistd.h>
#else
#include <filesystem>
#endif

namespace pathline::io {

/// What a reader takes: a text, or a `std::filesystem::path`.
class FilePath {
 public:
  // NOLINTBEGIN(google-explicit-constructor)
  FilePath(const char* path) : text_(path) {}
  FilePath(std::string path) : text_(std::move(path)) {}
  FilePath(std::string_view path) : text_(path) {}
  /// std::filesystem::path, or what offers the same.
  template <class Path>
  requires requires(const Path& path) {
    path.native();
    { path.string() } -> std::convertible_to<std::string>;
  }
  FilePath(const Path& path) : text_(path.string()) {}
  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] const std::string& string() const noexcept { return text_; }

 private:
  std::string text_;
};

namespace detail {

/// What the system says of the last failure, for messages.
[[nodiscard, gnu::cold]] inline std::string last_failure() {
  return errno != 0 ? std::generic_category().message(errno) : std::string("unknown reason");
}

[[nodiscard, gnu::cold]] inline bool is_folder(const FilePath& path) {
#if defined(__unix__) || defined(__APPLE__)
  struct stat status {};
  return ::stat(path.string().c_str(), &status) == 0 && S_ISDIR(status.st_mode);
#else
  std::error_code ignored;
  return std::filesystem::is_directory(path.string(), ignored);
#endif
}

/// Where a relative path is looked for; empty for an absolute one, and where the system does not say.
[[nodiscard, gnu::cold]] inline std::string folder_of_relative(const FilePath& path) {
#if defined(__unix__) || defined(__APPLE__)
  char folder[4096];
  return path.string().starts_with('/') || ::getcwd(folder, sizeof folder) == nullptr ? "" : folder;
#else
  std::error_code ignored;
  return std::filesystem::path(path.string()).is_relative() ? std::filesystem::current_path(ignored).string() : "";
#endif
}

}  // namespace detail
}  // namespace pathline::io
