/// \file
/// Messages say where, what, got and expected; every error is a pathline::Error.
#include <pathline/core/errors.hpp>

#include <support/catch.hpp>

#include <limits>
#include <string>
#include <type_traits>

namespace {

using namespace pathline;

static_assert(std::is_base_of_v<std::runtime_error, Error>);
static_assert(std::is_base_of_v<Error, ArgumentError> && std::is_base_of_v<Error, ShapeError>);
static_assert(std::is_base_of_v<Error, DataError> && std::is_base_of_v<Error, FileError>);

TEST_CASE("Messages are put together from parts: texts and numbers of each kind", "[core]") {
  CHECK(std::string(DataError({"a", "b"}).what()) == "ab");
  CHECK(std::string(FileError({std::string("x"), Index{-3}, " ", 0.1}).what()) == "x-3 0.1");
  CHECK(std::string(ArgumentError("f: h", 0.5F, "at least " + std::to_string(2)).what()) ==
        "f: h is 0.5, expected at least 2");
  CHECK(std::string(ArgumentError(std::string("f: n"), std::size_t{7}, "0").what()) == "f: n is 7, expected 0");
}

TEST_CASE("ArgumentError says what was got and what was expected", "[core][errors]") {
  CHECK_THROWS_WITH(throw ArgumentError("fit: learning_rate", "-1", "a positive number"),
                    "fit: learning_rate is -1, expected a positive number");
}

TEST_CASE("A wrong number of rows or columns is named and kept", "[core][errors]") {
  CHECK_NOTHROW(require_rows("solve: y0", 2, 2));
  CHECK_NOTHROW(require_columns("solve: y0", 5, 5));
  CHECK_THROWS_WITH(require_rows("solve: y0", 3, 2), "solve: y0 has 3 rows, expected 2");
  CHECK_THROWS_WITH(require_columns("solve: y0", 4, 5), "solve: y0 has 4 columns, expected 5");
  CHECK_NOTHROW(require_batch_rows("X", 2, 500, 2));
  CHECK_THROWS_WITH(require_batch_rows("X", 3, 500, 2), "X has 3 rows, expected 2");
  CHECK_THROWS_WITH(require_batch_rows("X", 3, 1, 2), "X has 3 rows, expected 2");  // one sample of three components
  const std::string advice = "; a batch has a column per sample: data with a row per sample need transpose()";
  for (const Index columns : {2, 3}) {
    CHECK_THROWS_WITH(require_batch_rows("X", 500, columns, 2), "X has 500 rows, expected 2" + advice);
  }
  try {
    require_rows("solve: y0", 3, 2);
    FAIL("no error");
  } catch (const ShapeError& error) {
    CHECK(error.got == 3);
    CHECK(error.expected == 2);
  }
}

TEMPLATE_TEST_CASE("require_finite names the first sample that is not finite", "[core][errors]", float, double) {
  Batch<TestType> X = Batch<TestType>::Constant(3, 5, std::numeric_limits<TestType>::max());
  CHECK_NOTHROW(require_finite("fit: data", X));
  X(0, 4) = std::numeric_limits<TestType>::infinity();
  CHECK_THROWS_WITH(require_finite("fit: data", X),
                    "fit: data is inf at component 0 of sample 4, expected a finite number");
  X(2, 1) = std::numeric_limits<TestType>::quiet_NaN();
  CHECK_THROWS_WITH(require_finite("fit: data", X),
                    "fit: data is nan at component 2 of sample 1, expected a finite number");
  CHECK_THROWS_AS(require_finite("fit: data", X), DataError);
  CHECK_NOTHROW(require_finite("fit: data", X.leftCols(1)));
}

TEST_CASE("require_finite refuses an empty batch", "[core][errors]") {
  CHECK_THROWS_WITH(require_finite("fit: data", Batch<float>(2, 0)),
                    "fit: data is empty, expected at least one sample and one component");
  CHECK_THROWS_AS(require_finite("fit: data", Batch<double>(0, 3)), DataError);
}

}  // namespace
