/// \file
/// A file that is read at any place, in pieces, with nothing kept: for more bytes than memory holds.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace pathline::io::detail {

/// Read-only, by several threads at once if they like. Not a mapping: pages that were looked at would count as this
/// program's memory, reading blocks that are not cached takes a mapping two to seven times as long, and a file that is
/// shortened meanwhile would end the program where this one throws.
class PositionedFile {
 public:
  /// \param caller  Opens the messages: "NpyRows".
  /// \throws FileError unless it is a regular file that can be read.
  PositionedFile(const std::string& caller, const std::filesystem::path& path)
      : name_(caller + ": " + path.string()), path_(path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
      throw FileError({name_, error ? ": " + error.message() : ": is no regular file",
                       ", expected a file that can be read at any place (no pipe, no folder)"});
#if defined(__unix__) || defined(__APPLE__)
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(std::strerror(errno));
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) {
      const int reason = errno;
      ::close(descriptor_);
      fail(std::strerror(reason));
    }
    size_ = std::uintmax_t(status.st_size);
#else
    size_ = std::filesystem::file_size(path, error);
    if (error) fail(error.message());
#endif
  }
  PositionedFile(PositionedFile&& other) noexcept
      : name_(std::move(other.name_)),
        path_(std::move(other.path_)),
        size_(other.size_),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  PositionedFile& operator=(PositionedFile&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(path_, other.path_);
    std::swap(size_, other.size_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~PositionedFile() {
#if defined(__unix__) || defined(__APPLE__)
    if (descriptor_ >= 0) ::close(descriptor_);
#endif
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Bytes, when it was opened.
  [[nodiscard]] std::uintmax_t size() const noexcept { return size_; }
  /// The first bytes, `most` or all that there are.
  [[nodiscard]] std::string start(std::size_t most) const {
    std::string bytes(std::size_t(std::min<std::uintmax_t>(most, size_)), '\0');
    read(0, bytes.data(), bytes.size());
    return bytes;
  }

  /// Overwrites `to` with the bytes from `position` on.
  /// \throws FileError when there are fewer, or they cannot be read.
  void read(std::uintmax_t position, void* to, std::size_t bytes) const {
    auto* at = static_cast<char*>(to);
#if defined(__unix__) || defined(__APPLE__)
    while (bytes > 0) {
      const ssize_t count = ::pread(descriptor_, at, bytes, off_t(position));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(std::strerror(errno));
      if (count == 0) fail("it ends before byte " + std::to_string(position) + "; was it shortened meanwhile?");
      at += count;
      position += std::uintmax_t(count);
      bytes -= std::size_t(count);
    }
#else
    std::ifstream stream(path_, std::ios::binary);
    if (!stream.seekg(std::streamoff(position)).read(at, std::streamsize(bytes)))
      fail("byte " + std::to_string(position) + " and those after it cannot be read");
#endif
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw FileError({name_, ": ", why}); }

  std::string name_;
  std::filesystem::path path_;
  std::uintmax_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace pathline::io::detail
