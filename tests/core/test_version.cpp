#include <pathline/version.hpp>

#include <support/catch.hpp>

#include <string>

// That CMake's package has this version is seen by tests/consumer.
TEST_CASE("version: the number, the constants and the text agree", "[core]") {
  CHECK(PATHLINE_VERSION == 10000 * pathline::version_major + 100 * pathline::version_minor + pathline::version_patch);
  CHECK(PATHLINE_VERSION_STRING == std::to_string(pathline::version_major) + '.' +
                                       std::to_string(pathline::version_minor) + '.' +
                                       std::to_string(pathline::version_patch));
}
