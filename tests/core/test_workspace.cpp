/// \file
/// Scratch memory: frames nest, buffers never move, everything is aligned, and a second pass asks for nothing.
#include <pathline/core/workspace.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace pathline;

template <class Scalar>
using Frame = typename Workspace<Scalar>::Frame;

TEMPLATE_TEST_CASE("Workspace: every buffer starts on a cache line and has the shape asked for", "[core][workspace]",
                   float, double) {
  Workspace<TestType> workspace;
  Frame<TestType> frame(workspace);
  for (Index size = 0; size < 50'000; size = size * 5 / 4 + 1) {
    CHECK(reinterpret_cast<std::uintptr_t>(frame.scalars(size).data()) % 64 == 0);
    const BatchMap<TestType> batch = frame.batch(3, size);
    CHECK(reinterpret_cast<std::uintptr_t>(batch.data()) % 64 == 0);
    CHECK(batch.rows() == 3);
    CHECK(batch.cols() == size);
    CHECK(frame.vector(size).size() == size);
    CHECK(frame.scalars(size).size() == std::size_t(size));
  }
}

TEMPLATE_TEST_CASE("Workspace: open buffers never move nor overlap while others are taken", "[core][workspace]", float,
                   double) {
  Workspace<TestType> workspace;
  Frame<TestType> frame(workspace);
  std::vector<std::span<TestType>> buffers;
  // 300 growing buffers, 2.7 million scalars: many blocks, and the list of blocks itself is reallocated on the way.
  for (Index i = 0; i < 300; ++i) {
    buffers.push_back(frame.scalars(i * 60 + 1));
    std::fill(buffers.back().begin(), buffers.back().end(), TestType(i));
  }
  Index wrong = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i)
    for (const TestType value : buffers[i]) wrong += value != TestType(i);
  CHECK(wrong == 0);
}

TEST_CASE("Workspace: frames nest, and a closed frame gives its memory back", "[core][workspace]") {
  Workspace<double> workspace;
  Frame<double> outer(workspace);
  VectorMap<double> kept = outer.vector(100);
  kept.setConstant(1);
  double* inner_first = nullptr;
  {
    Frame<double> inner(workspace);
    VectorMap<double> scratch = inner.vector(100);
    inner_first = scratch.data();
    scratch.setConstant(2);
    Frame<double> innermost(workspace);
    innermost.vector(40'000).setConstant(3);  // in another block
    CHECK((scratch.array() == 2).all());
  }
  CHECK((kept.array() == 1).all());
  CHECK(outer.vector(100).data() == inner_first);
}

TEST_CASE("Workspace: a frame that an exception leaves gives its memory back", "[core][workspace]") {
  Workspace<float> workspace;
  float* first = nullptr;
  try {
    Frame<float> frame(workspace);
    first = frame.scalars(10).data();
    throw std::runtime_error("in the middle");
  } catch (const std::runtime_error&) {
  }
  Frame<float> frame(workspace);
  CHECK(frame.scalars(10).data() == first);
}

// Buffers of all sizes in nested frames; the addresses that were given.
std::vector<const float*> pass(Workspace<float>& workspace) {
  std::vector<const float*> addresses;
  addresses.reserve(40);
  Frame<float> frame(workspace);
  for (Index i = 0; i < 20; ++i) {
    addresses.push_back(frame.batch(7, 500 * i).data());
    Frame<float> inner(workspace);
    addresses.push_back(inner.vector(3000 * (20 - i)).data());
  }
  return addresses;
}

TEST_CASE("Workspace: the second pass through the same code allocates nothing", "[core][workspace]") {
  Workspace<float> workspace;
  CHECK(workspace.capacity() == 0);
  const auto first = pass(workspace);
  const Index capacity = workspace.capacity();
  CHECK(capacity >= 7 * 500 * 190);  // what is in use at the end
  const AllocationCounter counter;
  const auto second = pass(workspace);
  CHECK(counter.count() == (AllocationCounter::available ? 1 : 0));  // the list of addresses
  CHECK(second == first);
  CHECK(workspace.capacity() == capacity);
}

TEST_CASE("Workspace: a copy starts empty, an assignment keeps what the target had", "[core][workspace]") {
  Workspace<float> workspace;
  const auto first = pass(workspace);
  const Workspace<float> copy(workspace);  // NOLINT: copied on purpose
  CHECK(copy.capacity() == 0);
  Workspace<float> target;
  target = workspace;
  CHECK(target.capacity() == 0);
  CHECK(pass(workspace) == first);
}

TEST_CASE("Workspace: moving it moves the memory", "[core][workspace]") {
  Workspace<float> workspace;
  const auto first = pass(workspace);
  Workspace<float> moved(std::move(workspace));
  CHECK(pass(moved) == first);
}

TEST_CASE("Workspace: what is derived of unchanged parameters is computed once a scope", "[core][workspace]") {
  Vector<double> theta = Vector<double>::LinSpaced(20, 0, 19), elsewhere = theta;
  Workspace<double> workspace;
  int made = 0;
  const auto sum = [&](View<const double> A, int kind = 0) {
    Frame<double> frame(workspace);
    const double* const result = frame.derived(A, kind, 1, [&](double* to) {
      *to = A(0, 0) + kind;
      ++made;
    });
    CHECK(reinterpret_cast<std::uintptr_t>(result) % 64 == 0);
    return *result;
  };
  const View<const double> part(theta.data() + 5, 3, 2), shorter(theta.data() + 5, 2, 2), other(elsewhere);
  CHECK(sum(part) + sum(part) == 10);
  CHECK(made == 2);  // nothing is known of θ here
  {
    const Workspace<double>::Unchanged unchanged(workspace, theta);
    CHECK(sum(part) + sum(part) == 10);
    CHECK(made == 3);
    CHECK(sum(part, 1) == 6);  // of another kind, of another shape: not the same
    CHECK(sum(shorter) == 5);
    CHECK(made == 5);
    CHECK(sum(other) + sum(other) == 0);  // not part of θ
    CHECK(made == 7);
    {
      const Workspace<double>::Unchanged inner(workspace, elsewhere);
      CHECK(sum(other) + sum(other) == 0);
      CHECK(made == 8);
      CHECK(sum(part) == 5);  // the inner scope knows nothing of θ
      CHECK(made == 9);
    }
    CHECK(sum(part) + sum(part, 1) + sum(shorter) == 16);
    CHECK(made == 9);
  }
  theta(5) = 100;
  const Workspace<double>::Unchanged again(workspace, theta);
  CHECK(sum(part) == 100);
}

TEST_CASE("Workspace: counts are padded to whole cache lines", "[core][workspace]") {
  CHECK(Workspace<float>::padded(0) == 0);
  CHECK(Workspace<float>::padded(1) == 16);
  CHECK(Workspace<float>::padded(16) == 16);
  CHECK(Workspace<double>::padded(9) == 16);
}

}  // namespace
