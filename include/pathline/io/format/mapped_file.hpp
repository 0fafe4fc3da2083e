/// \file
/// The bytes of a file, mapped into memory where the system can: only what is looked at is read.
#pragma once

#include <pathline/io/read_text.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace pathline::io::detail {

/// Read-only. Pipes, empty files and other systems than POSIX are read whole. A file that another program shortens
/// meanwhile ends this one (SIGBUS), as with every mapping: replace it, as replace_file() does, in place of that.
class MappedFile {
 public:
  /// \param caller  Opens the messages: "read_npy".
  /// \throws FileError when the file cannot be read.
  MappedFile(const std::string& caller, const std::filesystem::path& path) {
#if defined(__unix__) || defined(__APPLE__)
    // A pipe is not even opened: whoever writes into it would see it closed, and be gone when it is read.
    std::error_code ignored;
    const bool regular = std::filesystem::is_regular_file(path, ignored);
    const int descriptor = regular ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1;
    struct stat status {};
    if (descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
      void* const start = ::mmap(nullptr, std::size_t(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
      if (start != MAP_FAILED) mapped_ = {static_cast<const char*>(start), std::size_t(status.st_size)};
    }
    if (descriptor >= 0) ::close(descriptor);
#endif
    if (mapped_.empty()) text_ = read_text(caller, path);
  }
  MappedFile(MappedFile&& other) noexcept
      : mapped_(std::exchange(other.mapped_, {})), text_(std::exchange(other.text_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(mapped_, other.mapped_);
    std::swap(text_, other.text_);
    return *this;
  }
  ~MappedFile() {
#if defined(__unix__) || defined(__APPLE__)
    if (!mapped_.empty()) ::munmap(const_cast<char*>(mapped_.data()), mapped_.size());
#endif
  }

  [[nodiscard]] std::string_view bytes() const { return mapped_.empty() ? std::string_view(text_) : mapped_; }

 private:
  std::string_view mapped_;  ///< Empty when it is not mapped.
  std::string text_;
};

}  // namespace pathline::io::detail
