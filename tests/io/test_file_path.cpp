/// \file
/// A file is named by a text or by a path of the standard library, and messages say where it was looked for.
#include <pathline/io/file_path.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/io/read_text.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>

using namespace pathline;
using io::FilePath;

TEST_CASE("A file path is made of a text or of the standard library's path, and of nothing else", "[io]") {
  const std::filesystem::path path = std::filesystem::path("a folder") / "x.csv";
  CHECK(FilePath(path).string() == path.string());
  CHECK(FilePath("x.csv").string() == "x.csv");
  CHECK(FilePath(std::string("x.csv")).string() == "x.csv");
  CHECK(FilePath(std::string_view("x.csv, y").substr(0, 5)).string() == "x.csv");
  STATIC_REQUIRE(std::is_convertible_v<std::filesystem::path, FilePath>);
  STATIC_REQUIRE(!std::is_constructible_v<FilePath, int>);
}

TEST_CASE("The whole of a file is read, of any length and any bytes", "[io]") {
  const Folder folder;
  for (const std::size_t length : {0U, 1U, (1U << 14) - 1, 1U << 14, (1U << 14) + 1, 100'000U}) {
    std::string text(length, '\0');
    for (std::size_t i = 0; i < length; ++i) text[i] = char(i * i % 251);
    CHECK(io::detail::read_text("read", folder.write("x", text)) == text);
  }
}

TEST_CASE("What cannot be read is named, and where a relative path was looked for", "[io][errors]") {
  const Folder folder;
  CHECK_THROWS_WITH(
      io::detail::read_text("read", folder.path),
      "read: cannot read " + folder.path.string() + ": it is a folder; check the path and the permission to read it");
  const auto absent = folder.path / "absent";
  CHECK_THROWS_WITH(io::detail::read_text("read", absent),
                    "read: cannot read " + absent.string() +
                        ": No such file or directory; check the path and the permission to read it");
  CHECK_THROWS_WITH(io::detail::read_text("read", "absent.csv"),
                    "read: cannot read absent.csv in " + std::filesystem::current_path().string() +
                        ": No such file or directory; check the path and the permission to read it");
}
