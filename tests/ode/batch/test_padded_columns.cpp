#include <pathline/ode/batch/padded_columns.hpp>

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/small_network.hpp>

#include <algorithm>

namespace pathline {
namespace {

template <class Method, class Rhs>
bool same_bits_in_any_batch(const Rhs& rhs) {
  const Eigen::MatrixXd Y = states_of_network(41);
  const Eigen::MatrixXd together = solve(Rhs(rhs), Y, 0, 2, Method{}, FixedSteps(13));
  bool same = true;
  for (const Index j : {0, 17, 40})
    for (const Index n : {1, 6}) {
      const Index first = std::min(j, 41 - n);
      same = same &&
             solve(Rhs(rhs), Y.middleCols(first, n), 0, 2, Method{}, FixedSteps(13)) == together.middleCols(first, n);
    }
  return same;
}

}  // namespace

TEMPLATE_TEST_CASE("With fixed steps and padded columns a sample's bits do not depend on the batch", "[ode]", Rk4,
                   Dopri5, AdamsBashforthMoulton<4>, Sdirk2) {
  CHECK(same_bits_in_any_batch<TestType>(PaddedColumns(SmallNetwork{})));
}

TEST_CASE("Without padding the products of this network do depend on it", "[ode]") {
  CHECK_FALSE(same_bits_in_any_batch<Rk4>(SmallNetwork{}));
}

TEST_CASE("Padded columns change nothing but bits, and allocate once", "[ode][allocations]") {
  PaddedColumns padded(SmallNetwork{});
  SmallNetwork network;
  const Eigen::MatrixXd Y = states_of_network(5);
  Eigen::MatrixXd dy(3, 5), expected(3, 5);
  network(0.3, Y, expected);
  padded(0.3, Y, dy);
  CHECK((dy - expected).norm() < 1e-14 * expected.norm());
  const AllocationCounter counter;
  padded(0.4, Y, dy);
  CHECK(counter.count() == 0);
}

}  // namespace pathline
