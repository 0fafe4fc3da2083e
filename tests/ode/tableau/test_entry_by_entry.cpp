// Small states of static size are stored and loaded entry by entry; what is computed is the same.
#include <pathline/ode/tableau/entry_by_entry.hpp>

#include <support/catch.hpp>

namespace pathline::detail {

static_assert(entry_by_entry<Eigen::Vector2d> && entry_by_entry<Eigen::Matrix<float, 2, 3>>);
static_assert(!entry_by_entry<Eigen::Matrix<double, 7, 1>> && !entry_by_entry<Eigen::VectorXd>);

TEMPLATE_TEST_CASE("A state moves entry by entry or as a whole", "[ode]", Eigen::Vector3d, (Eigen::Matrix<float, 2, 3>),
                   Eigen::MatrixXd) {
  TestType from = TestType::Random(TestType::RowsAtCompileTime == Eigen::Dynamic ? 4 : TestType::RowsAtCompileTime,
                                   TestType::ColsAtCompileTime == Eigen::Dynamic ? 5 : TestType::ColsAtCompileTime);
  const TestType y = from;
  TestType to = 0 * y;
  move_state(from, to);
  CHECK(to == y);
}

}  // namespace pathline::detail
