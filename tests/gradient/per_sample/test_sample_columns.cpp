#include <pathline/gradient/per_sample/sample_columns.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <type_traits>

using namespace pathline;
using namespace pathline::detail;

static_assert(std::is_same_v<TimesOf<SampleColumns<float>>::type, ColumnTimes<float>>);

TEST_CASE("Columns of samples keep their entries where some are taken away and others come", "[gradient][per-sample]") {
  SampleColumns<double> columns;
  columns.resize(2, 3);
  REQUIRE(columns.rows() == 2);
  REQUIRE(columns.cols() == 3);
  for (Index j = 0; j < 3; ++j) columns.col(j) << double(j), 10 * double(j);
  const auto& read = columns;
  CHECK(read.view()(1, 2) == 20);
  CHECK(read.col(1)(0) == 1);

  columns.conservativeResize(2, 1);
  CHECK(columns.cols() == 1);
  CHECK(columns.view().cols() == 1);
  CHECK(columns.col(0)(1) == 0);
  columns.conservativeResize(2, 50);  // more than there is room for
  CHECK(columns.col(1)(1) == 10);
  CHECK(columns.view()(0, 2) == 2);
  columns.col(49) << 7, 8;
  CHECK(columns.view()(1, 49) == 8);
}

TEST_CASE("Columns of samples ask for memory only where there are more numbers than ever", "[gradient][per-sample]") {
  if (!AllocationCounter::available) return;
  SampleColumns<double> columns;
  columns.resize(4, 30);
  const AllocationCounter heap;
  columns.resize(4, 10);
  columns.resize(2, 60);  // as many
  columns.resize(4, 30);
  CHECK(heap.count() == 0);
  columns.resize(4, 31);
  CHECK(heap.count() == 1);
}

TEST_CASE("Every column has a time of its own", "[gradient][per-sample]") {
  ColumnTimes<float> times;
  times.resize(3);
  for (Index j = 0; j < 3; ++j) times(j) = 0.1 * double(j + 1);  // in double, also where the state is of float
  const auto& read = times;
  CHECK(read(1) == 0.2);
  times.resize(2);
  REQUIRE(read.all().size() == 2);
  CHECK(read.all()[0] == 0.1);
}
