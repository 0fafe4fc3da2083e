#include <pathline/io/format/mapped_file.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/io/read_text.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <string>
#include <utility>

using pathline::FileError;
using pathline::io::detail::MappedFile;
using pathline::io::detail::read_text;

TEST_CASE("MappedFile and read_text see every byte of a file, and say why they cannot", "[io][errors]") {
  const Folder folder;
  std::string text(40000, 'a');
  text[20000] = '\0';
  text.back() = '\n';
  const auto path = folder.write("bytes", text), empty = folder.write("empty", "");
  CHECK(read_text("here", path) == text);
  MappedFile file("here", path), other("here", empty);
  CHECK(file.bytes() == text);
  CHECK(other.bytes().empty());
  other = std::move(file);
  CHECK(other.bytes() == text);
  const MappedFile moved(std::move(other));
  CHECK(moved.bytes() == text);

  CHECK_THROWS_WITH(MappedFile("here", folder.path / "none"),
                    ContainsSubstring("here: cannot read " + (folder.path / "none").string() + ": No such file"));
  CHECK_THROWS_WITH(read_text("here", folder.path), ContainsSubstring("it is a folder"));
  CHECK_THROWS_WITH(read_text("here", "no such file"), ContainsSubstring("no such file in /"));
}
