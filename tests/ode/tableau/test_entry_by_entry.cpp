// Small states of static size are stored and loaded entry by entry; what is computed is the same.
#include <pathline/ode/tableau/entry_by_entry.hpp>

#include <support/catch.hpp>

namespace pathline::detail {

static_assert(entry_by_entry<Eigen::Vector2d> && entry_by_entry<Eigen::Matrix<float, 2, 3>>);
static_assert(!entry_by_entry<Eigen::Matrix<double, 7, 1>> && !entry_by_entry<Eigen::VectorXd>);

TEMPLATE_TEST_CASE("A state moves, and a slope is written, entry by entry or as a whole", "[ode]", Eigen::Vector3d,
                   (Eigen::Matrix<float, 2, 3>), Eigen::MatrixXd) {
  TestType from = TestType::Random(TestType::RowsAtCompileTime == Eigen::Dynamic ? 4 : TestType::RowsAtCompileTime,
                                   TestType::ColsAtCompileTime == Eigen::Dynamic ? 5 : TestType::ColsAtCompileTime);
  const TestType y = from;
  TestType to = 0 * y, dy = 0 * y;
  const auto rhs = [](double t, const TestType& at, TestType& slope) {
    slope = typename TestType::Scalar(t) * at + at.cwiseProduct(at);
  };
  evaluate_entries(rhs, 0.5, y, dy);
  CHECK(dy.isApprox(0.5 * y + y.cwiseProduct(y)));
  move_state(from, to);
  CHECK(to == y);
}

// g++ -O3 warned that the loop might leave entries unset.
TEST_CASE("A loop of run-time length may write the slope", "[ode]") {
  const auto evaluated = [](Index length) {
    const auto rhs = [length](double, const Eigen::Vector3d& y, Eigen::Vector3d& dy) {
      for (Index i = 0; i < length; ++i) dy(i) = -y(i);
    };
    const Eigen::Vector3d y(1, 2, 3);
    Eigen::Vector3d dy(7, 7, 7);
    evaluate_entries(rhs, 0, y, dy);
    return dy;
  };
  CHECK(evaluated(3) == Eigen::Vector3d(-1, -2, -3));
  CHECK(evaluated(2) == Eigen::Vector3d(-1, -2, 0));
}

}  // namespace pathline::detail
