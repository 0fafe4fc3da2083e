#include <pathline/io/format/positioned_file.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <string>
#include <utility>

using namespace pathline;
using io::detail::PositionedFile;

TEST_CASE("A file is read at any place, and no further than it goes", "[io]") {
  const Folder folder;
  PositionedFile first("here", folder.write("a", "0123456789"));
  CHECK(first.size() == 10);
  const PositionedFile file(std::move(first));
  CHECK(file.name() == "here: " + (folder.path / "a").string());
  CHECK(file.start(3) == "012");
  CHECK(file.start(11) == "0123456789");
  std::string text(4, ' ');
  file.read(6, text.data(), 4);
  CHECK(text == "6789");
  file.read(10, text.data(), 0);
  CHECK_THROWS_AS(file.read(7, text.data(), 4), FileError);
  CHECK_THROWS_WITH(PositionedFile("here", folder.path),
                    "here: " + folder.path.string() +
                        ": is no regular file, expected a file that can be read at any place (no pipe, no folder)");
}
