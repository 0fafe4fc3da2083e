/// \file
/// The whole of a file in memory.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/io/file_path.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>

namespace pathline::io::detail {

/// \throws FileError when the file cannot be read; of a relative path it says where it was looked for.
template <class = void>
[[nodiscard, gnu::cold]] inline std::string read_text(const std::string& caller, const FilePath& path) {
  const auto fail = [&](const std::string& reason) {
    const std::string folder = folder_of_relative(path);
    throw FileError({caller, ": cannot read ", path.string(), folder.empty() ? "" : " in ", folder, ": ", reason,
                     "; check the path and the permission to read it"});
  };
  if (is_folder(path)) fail("it is a folder");
  struct Stream {  // closed in every case
    std::FILE* file;
    ~Stream() {
      if (file != nullptr) std::fclose(file);
    }
  };
  errno = 0;
  const Stream stream{std::fopen(path.string().c_str(), "rb")};
  if (stream.file == nullptr) fail(last_failure());
  std::string text;
  char block[1 << 14];
  while (const std::size_t count = std::fread(block, 1, sizeof block, stream.file)) text.append(block, count);
  if (std::ferror(stream.file) != 0) fail(last_failure());
  return text;
}

}  // namespace pathline::io::detail
