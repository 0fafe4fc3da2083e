/// \file
/// Files that are either the old one or the new one, never half of it, whenever the program or the machine stops.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/io/file_path.hpp>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace pathline::io {

namespace detail {

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

/// The file that symbolic links lead to, whether it exists or not.
[[nodiscard]] inline std::filesystem::path link_target(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, error); ++links)
    path = path.parent_path() / std::filesystem::read_symlink(path, error);  // an absolute one takes the place of all
  return path;
}

/// A file or folder as the system knows it; where that is not POSIX, nothing.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
#if defined(__unix__) || defined(__APPLE__)
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  /// Creates a file. False, and errno, when it exists or cannot be created.
  [[nodiscard]] bool create(const std::filesystem::path& path, bool for_owner_alone) {
    number_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, for_owner_alone ? 0600 : 0666);
    return number_ >= 0;
  }
  [[nodiscard]] bool set_permissions(std::filesystem::perms permissions) const {
    return ::fchmod(number_, static_cast<mode_t>(permissions)) == 0;
  }
  /// Waits until the disk has what was written. False, and errno, when it does not take it. File systems that cannot
  /// say (EINVAL) are believed.
  [[nodiscard]] bool flush() const { return ::fsync(number_) == 0 || errno == EINVAL || errno == ENOTSUP; }
  /// The same for the names in a folder. One that may not be read is believed too: what is in it has been written.
  [[nodiscard]] static bool flush_folder(const std::filesystem::path& folder) {
    Descriptor descriptor;
    descriptor.number_ = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return descriptor.number_ < 0 || descriptor.flush();
  }
  [[nodiscard]] static bool may_write(const std::filesystem::path& path) { return ::access(path.c_str(), W_OK) == 0; }

 private:
  int number_ = -1;
#else
  [[nodiscard]] bool create(const std::filesystem::path&, bool) { return true; }
  [[nodiscard]] bool set_permissions(std::filesystem::perms) const { return true; }
  [[nodiscard]] bool flush() const { return true; }
  [[nodiscard]] static bool flush_folder(const std::filesystem::path&) { return true; }
  [[nodiscard]] static bool may_write(const std::filesystem::path&) { return true; }
#endif
};

/// A new file under a temporary name, until commit() puts it in the place of the old one.
class Replacement {
 public:
  Replacement(std::string caller, std::filesystem::path path) : caller_(std::move(caller)), path_(std::move(path)) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::file_status status = fs::status(path_, error);
    if (fs::is_directory(status)) fail("it is a folder");
    if (!path_.has_filename()) fail("it names no file");
    errno = 0;
    if (fs::exists(status) && !fs::is_regular_file(status)) {  // a pipe, a terminal: there is nothing to keep
      stream_.open(path_, std::ios::binary);
      if (!stream_) fail(last_failure());
      return;
    }
    target_ = link_target(path_);
    if (fs::is_symlink(target_, error)) fail("its symbolic links go in a circle");
    if (fs::exists(status)) permissions_ = status.permissions();
    if (permissions_ && !Descriptor::may_write(target_)) fail(last_failure());
    // Beside the target, because a rename is one step only within a file system. The time keeps two writers apart.
    fs::path partial = target_;
    partial += ".partial-" + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
    if (!descriptor_.create(partial, permissions_.has_value())) fail(last_failure());
    partial_.emplace(partial);
    stream_.open(partial, std::ios::binary);
    if (!stream_) fail(last_failure());
  }

  [[nodiscard]] std::ostream& stream() { return stream_; }

  void commit() {
    if (!stream_) fail(last_failure());  // what the last write left there
    errno = 0;
    stream_.close();
    if (!stream_) fail(last_failure());
    if (!partial_) return;
    if (permissions_ && !descriptor_.set_permissions(*permissions_)) fail(last_failure());
    if (!descriptor_.flush()) fail(last_failure());
    std::error_code error;
    std::filesystem::rename(partial_->path, target_, error);
    if (error) fail(error.message());
    if (!Descriptor::flush_folder(target_.parent_path())) fail("it is written, but not flushed: " + last_failure());
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw FileError({caller_, ": cannot write ", path_.string(), ": ", reason,
                     "; check that the folder exists, may be written to, and has room"});
  }

  std::string caller_;
  std::filesystem::path path_, target_;
  std::optional<std::filesystem::perms> permissions_;  ///< Of the old file, where there is one.
  std::optional<RemoveAtExit> partial_;                ///< Goes last, when the file is closed.
  Descriptor descriptor_;
  std::ofstream stream_;
};

}  // namespace detail

/// Calls write(std::ostream&) for a temporary file beside `path`, NAME.partial-NUMBER, and puts that in the place of
/// `path` when it is on disk: flushed before it gets the name, its folder after. The old file is not touched when
/// anything throws before; one that is killed meanwhile leaves it too, and the temporary file, which may be deleted.
///
/// The new file has the permissions of the old one, and belongs to the user who writes it. Of a symbolic link, the file
/// that it leads to is replaced. A pipe, a terminal or another device has nothing to keep: it is written to directly.
/// Systems other than POSIX are not told to flush the file: there a loss of power can leave an empty one.
///
/// \param caller  Opens the message: "write_csv".
/// \throws FileError when the file cannot be written; what `write` throws. Where the folder alone could not be flushed,
///         the new file is in its place, and the message says so.
template <class Write>
void replace_file(const std::string& caller, const std::filesystem::path& path, Write&& write) {
  detail::Replacement replacement(caller, path);
  errno = 0;
  write(replacement.stream());
  replacement.commit();
}

}  // namespace pathline::io
