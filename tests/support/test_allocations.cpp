/// \file
/// The counter of allocations must see every way to the heap: a test that finds none is worth what this file is.
#include <support/allocations.hpp>

#include <support/catch.hpp>

#include <Eigen/Core>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

using pathline::AllocationCounter;

namespace {

// Compilers may drop a pair of new and delete that nobody looks at; a pointer that escapes they must keep.
void* volatile escaped = nullptr;

}  // namespace

TEST_CASE("AllocationCounter sees operator new, malloc and aligned memory", "[support][allocations]") {
  if (!AllocationCounter::available) return;
  AllocationCounter counter;
  const std::vector<int> vector(100);
  escaped = const_cast<int*>(vector.data());
  const long after_vector = counter.count();

  struct alignas(64) Line {
    char bytes[64];
  };
  const auto line = std::make_unique<Line>();
  escaped = line.get();
  const long after_line = counter.count();

  void* memory = std::malloc(10);
  escaped = memory;
  memory = std::realloc(memory, 100'000);
  escaped = memory;
  std::free(memory);
  const long after_malloc = counter.count();

  CHECK(after_vector == 1);
  CHECK(after_line == 2);
  CHECK(after_malloc == 4);
}

TEST_CASE("AllocationCounter sees the matrices of Eigen", "[support][allocations]") {
  if (!AllocationCounter::available) return;
  AllocationCounter counter;
  Eigen::MatrixXd A(30, 30);
  escaped = A.data();
  const long after_construction = counter.count();
  A.resize(40, 40);
  escaped = A.data();
  const long after_resize = counter.count();
  A.setOnes();
  const Eigen::Matrix4d fixed = A.topLeftCorner<4, 4>();
  const long after_use = counter.count();

  CHECK(after_construction == 1);
  CHECK(after_resize == 2);
  CHECK(after_use == 2);
  CHECK(fixed.sum() == 16);
}

TEST_CASE("AllocationCounter knows the most bytes that were in use", "[support][allocations]") {
  if (!AllocationCounter::available) return;
  const std::vector<double> before(1000);
  AllocationCounter counter;
  for (int i = 0; i < 3; ++i) {
    escaped = std::calloc(100, 8);
    escaped = std::realloc(escaped, 10'000);
    std::free(escaped);
  }
  const long after_three = counter.peak_bytes();
  Eigen::VectorXd vector(2000);
  escaped = vector.data();
  const long after_vector = counter.peak_bytes();
  const AllocationCounter later;
  CHECK(later.peak_bytes() == 0);
  // Of each block a few bytes are used to round it up, and to align it.
  CHECK(after_three >= 10'000);
  CHECK(after_three < 10'100);
  CHECK(after_vector >= 16'000);
  CHECK(after_vector < 16'200);
}

TEST_CASE("AllocationCounter sees other threads", "[support][allocations]") {
  if (!AllocationCounter::available) return;
  long before = 0, after = 0;
  std::thread([&before, &after] {
    AllocationCounter counter;
    before = counter.count();
    escaped = std::malloc(10);
    std::free(escaped);
    after = counter.count();
  }).join();
  CHECK(before == 0);
  CHECK(after == 1);
}

TEST_CASE("A count is not disturbed by the assertion that reads it", "[support][allocations]") {
  AllocationCounter counter;
  CHECK(counter.count() == 0);
}
