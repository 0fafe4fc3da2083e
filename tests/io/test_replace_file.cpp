/// \file
/// Files are the old one or the new one, whatever goes wrong in between: an exception, a full disk, the end of the
/// program.
#include <pathline/io/replace_file.hpp>

#include <pathline/core/errors.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>
#include <support/posix.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <ios>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace pathline;
namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) {
  io::replace_file("save", path, [&](std::ostream& out) { out << text; });
}

TEST_CASE("replace_file: the old file stays until all is written", "[io][errors]") {
  const Folder folder;
  const fs::path path = folder.write("model", "old");
  CHECK_THROWS_WITH(io::replace_file("save", path,
                                     [](std::ostream& out) {
                                       out << "half of it";
                                       throw std::runtime_error("in the middle");
                                     }),
                    "in the middle");
  CHECK(folder.text("model") == "old");
  CHECK_THROWS_WITH(io::replace_file("save", path, [](std::ostream& out) { out.setstate(std::ios::badbit); }),
                    ContainsSubstring("save: cannot write " + path.string()));
  CHECK(folder.text("model") == "old");
  CHECK(folder.files() == 1);
  write_text(path, "new");
  CHECK(folder.text("model") == "new");
  CHECK(folder.files() == 1);
}

TEST_CASE("replace_file: what cannot be replaced is named", "[io][errors]") {
  const Folder folder;
  CHECK_THROWS_WITH(write_text(folder.path, "new"), ContainsSubstring("it is a folder"));
  CHECK_THROWS_AS(write_text(folder.path / "none" / "model", "new"), FileError);
  CHECK_THROWS_AS(write_text(folder.path / std::string(250, 'n'), "new"), FileError);  // no room for the temporary name
  CHECK_THROWS_WITH(write_text("", "new"), ContainsSubstring("it names no file"));
  CHECK(folder.files() == 0);
}

#if defined(__unix__) || defined(__APPLE__)

TEST_CASE("replace_file: permissions stay, symbolic links are followed", "[io]") {
  const Folder folder;
  const fs::path path = folder.write("model", "old");
  for (const fs::perms permissions :
       {fs::perms::owner_read | fs::perms::owner_write, fs::perms(0644), fs::perms(0666), fs::perms(0750)}) {
    fs::permissions(path, permissions);
    write_text(path, "new");
    CHECK(fs::status(path).permissions() == permissions);
  }

  fs::create_directory(folder.path / "other");
  fs::create_symlink("model", folder.path / "near");
  fs::create_symlink(folder.path / "near", folder.path / "other" / "far");
  write_text(folder.path / "other" / "far", "by two links");
  CHECK(folder.text("model") == "by two links");
  CHECK(fs::is_symlink(folder.path / "near"));
  CHECK(fs::is_symlink(folder.path / "other" / "far"));
  fs::create_symlink("../made", folder.path / "other" / "dangling");
  write_text(folder.path / "other" / "dangling", "made");
  CHECK(folder.text("made") == "made");

  fs::create_symlink("b", folder.path / "a");
  fs::create_symlink("a", folder.path / "b");
  CHECK_THROWS_WITH(write_text(folder.path / "a", "new"), ContainsSubstring("in a circle"));
  CHECK(fs::is_symlink(folder.path / "a"));
}

TEST_CASE("replace_file: a device is written to and not replaced", "[io][errors]") {
  write_text("/dev/null", "gone");
  CHECK(fs::is_character_file("/dev/null"));
#ifdef __linux__
  CHECK_THROWS_WITH(write_text("/dev/full", "text"), ContainsSubstring("No space left on device"));
  CHECK(fs::is_character_file("/dev/full"));
#endif
}

TEST_CASE("replace_file: a full disk leaves the old file", "[io][errors]") {
  // A limit on the size of files stands for the disk's end.
  struct Limit {
    rlimit old{};
    void (*handler)(int);
    explicit Limit(rlim_t bytes) : handler(std::signal(SIGXFSZ, SIG_IGN)) {
      getrlimit(RLIMIT_FSIZE, &old);
      rlimit limit = old;
      limit.rlim_cur = bytes;
      setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~Limit() {
      setrlimit(RLIMIT_FSIZE, &old);
      std::signal(SIGXFSZ, handler);
    }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;
  };
  const Folder folder;
  const fs::path path = folder.write("model", "old");
  for (const std::size_t size : {std::size_t(1001), std::size_t(1) << 20U}) {
    std::string message;
    {
      const Limit limit(1000);
      try {
        write_text(path, std::string(size, 'x'));
      } catch (const FileError& error) {
        message = error.what();
      }
    }
    CHECK_THAT(message, ContainsSubstring("File too large"));
    CHECK(folder.text("model") == "old");
    CHECK(folder.files() == 1);
  }
  write_text(path, std::string(1001, 'x'));
  CHECK(folder.text("model").size() == 1001);
}

TEST_CASE("replace_file: a program that is killed leaves the old file or the new one", "[io]") {
  const Folder folder;
  const fs::path path = folder.path / "model";
  // A file is a run of one letter: a mixture, or another length, would show half of one.
  const auto content = [](int i) { return std::string(std::size_t(200'000 + 1000 * (i % 26)), char('a' + i % 26)); };
  write_text(path, content(0));
  std::mt19937 bits(29);
  int replaced = 0, interrupted = 0;  // Enough of both, or the kills have shown nothing.
  std::string last = folder.text("model");
  for (unsigned kills = 0; replaced < 10 || interrupted < 10; ++kills) {
    REQUIRE(kills < 1000);
    const pid_t child = fork();
    if (child == 0) {  // no test in here: it would go on with the others
      try {
        for (int i = 0;; ++i) write_text(path, content(i));
      } catch (...) {
        _exit(1);
      }
    }
    REQUIRE(child > 0);
    std::this_thread::sleep_for(std::chrono::microseconds(bits() % (8000 + 400 * kills)));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));

    const std::string now = folder.text("model");
    REQUIRE(!now.empty());
    REQUIRE(now == content(now[0] - 'a'));
    replaced += now != last ? 1 : 0;
    last = now;
    for (const auto& entry : fs::directory_iterator(folder.path)) {
      if (entry.path() == path) continue;
      CHECK(entry.path().filename().string().starts_with("model.partial-"));
      ++interrupted;
      fs::remove(entry.path());
    }
  }
}

#endif

}  // namespace
