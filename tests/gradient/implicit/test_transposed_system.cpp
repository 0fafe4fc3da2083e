#include <pathline/gradient/implicit/transposed_system.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>

using namespace pathline;

namespace {

/// The largest residual |Mᵀ w - b| of systems of m rows.
template <Real S>
S largest_residual(detail::TransposedSystem<S>& system, Index m) {
  S largest(0);
  for (int i = 0; i < 20; ++i) {
    Batch<S> M = Batch<S>::Random(m, m);
    M.diagonal().array() *= S(1e-6);  // nothing is solved without exchanges of rows
    M.diagonal(-1).array() += S(3);
    if (m > 0) M(0, m - 1) += S(3);
    const Vector<S> b = Vector<S>::Random(m);
    system.matrix = M;
    system.right = b;
    system.solve();
    largest = std::max(largest, (M.transpose() * system.solution - b).cwiseAbs().maxCoeff());
  }
  return largest;
}

}  // namespace

TEMPLATE_TEST_CASE("TransposedSystem solves small systems and larger ones, with exchanges of rows",
                   "[gradient][implicit]", float, double) {
  std::srand(5);
  for (Index m = 1; m <= 12; ++m) {  // to 8 rows by its own elimination
    CAPTURE(m);
    detail::TransposedSystem<TestType> system;
    system.resize(m);
    // Entries are up to 4, solutions below 3, and elimination with exchanges keeps residuals at rounding.
    CHECK(largest_residual(system, m) < 200 * std::numeric_limits<TestType>::epsilon());
  }
}

TEST_CASE("TransposedSystem allocates nothing after the first system of a size", "[gradient][implicit]") {
  for (const Index m : {3, 12}) {
    detail::TransposedSystem<double> system;
    system.resize(m);
    const Batch<double> M = Batch<double>::Identity(m, m) * 2;
    long count = 1;
    for (int i = 0; i < 2; ++i) {
      system.matrix = M;
      system.right.setOnes();
      const AllocationCounter counter;
      system.solve();
      count = counter.count();
    }
    CHECK(count == 0);
    CHECK(system.solution == Vector<double>::Constant(m, 0.5));
  }
}

TEST_CASE("TransposedSystem: a singular matrix has no finite solution", "[gradient][implicit]") {
  detail::TransposedSystem<double> system;
  system.resize(2);
  system.matrix << 1, 2, 2, 4;
  system.right << 1, 0;
  system.solve();
  CHECK_FALSE(system.solution.allFinite());
}
