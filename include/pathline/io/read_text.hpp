/// \file
/// The whole of a file in memory.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/io/replace_file.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <system_error>

namespace pathline::io::detail {

/// \throws FileError when the file cannot be read; of a relative path it says where it was looked for.
[[nodiscard]] inline std::string read_text(const std::string& caller, const std::filesystem::path& path) {
  std::error_code ignored;
  const auto fail = [&](const std::string& reason) {
    const std::string folder = path.is_relative() ? " in " + std::filesystem::current_path(ignored).string() : "";
    throw FileError(caller + ": cannot read " + path.string() + folder + ": " + reason +
                    "; check the path and the permission to read it");
  };
  if (std::filesystem::is_directory(path, ignored)) fail("it is a folder");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(last_failure());
  std::string text;
  char block[1 << 14];
  while (stream.read(block, sizeof block) || stream.gcount() > 0) text.append(block, std::size_t(stream.gcount()));
  if (stream.bad()) fail(last_failure());
  return text;
}

}  // namespace pathline::io::detail
