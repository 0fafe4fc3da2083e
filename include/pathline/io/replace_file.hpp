/// \file
/// Files that are either the old one or the new one, never half of it.
#pragma once

#include <pathline/core/errors.hpp>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <ios>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

namespace pathline::io {

namespace detail {

/// What the system says of the last failure, for messages.
[[nodiscard]] inline std::string last_failure() {
  return errno != 0 ? std::generic_category().message(errno) : std::string("unknown reason");
}

/// Deletes a file at the end of its scope. Missing files are fine.
struct RemoveAtExit {
  std::filesystem::path path;
  explicit RemoveAtExit(std::filesystem::path file) : path(std::move(file)) {}
  RemoveAtExit(const RemoveAtExit&) = delete;
  RemoveAtExit& operator=(const RemoveAtExit&) = delete;
  ~RemoveAtExit() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

}  // namespace detail

/// Calls write(std::ostream&) for a temporary file beside `path` and then puts it in the place of `path`, which is not
/// touched when anything throws before.
///
/// \param caller  Opens the message: "write_csv".
/// \throws FileError when the file cannot be written; what `write` throws.
template <class Write>
void replace_file(const std::string& caller, const std::filesystem::path& path, Write&& write) {
  const auto fail = [&](const std::string& reason) {
    throw FileError(caller + ": cannot write " + path.string() + ": " + reason +
                    "; check that the folder exists, may be written to, and has room");
  };
  // Beside the target, because a rename is one step only within a file system. The time keeps two writers apart.
  const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  std::filesystem::path partial = path;
  partial += ".partial-" + std::to_string(ticks);
  errno = 0;
  std::ofstream stream(partial, std::ios::binary);
  if (!stream) fail(detail::last_failure());
  const detail::RemoveAtExit clean_up(partial);
  write(static_cast<std::ostream&>(stream));
  errno = 0;
  stream.close();
  if (!stream) fail(detail::last_failure());
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) fail(error.message());
}

}  // namespace pathline::io
