// A formula of states entry by entry: every entry of every shape, and nothing else.
#include <pathline/ode/tableau/set_entries.hpp>

#include <support/catch.hpp>

#include <limits>

namespace pathline::detail {

TEMPLATE_TEST_CASE("A formula is evaluated at each entry, whatever the shape", "[ode][stepper]", Eigen::MatrixXf,
                   Eigen::MatrixXd, (Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>),
                   (Eigen::Matrix<float, 2, Eigen::Dynamic>)) {
  using Scalar = typename TestType::Scalar;
  for (const Index columns : {0, 1, 3, 17}) {  // none, less than a pack, packs and a rest
    INFO("columns = " << columns);
    TestType x(2, columns), y(2, columns), to(2, 1);
    for (Index i = 0; i < x.size(); ++i) {
      x.data()[i] = Scalar(i) + Scalar(0.5);
      y.data()[i] = Scalar(3 * i) - 7;
    }
    set_entries(
        to, [a = Scalar(2)](auto p, auto q) { return p + a * q; }, x, y);
    REQUIRE(to.cols() == columns);
    for (Index i = 0; i < x.size(); ++i) CHECK(to.data()[i] == x.data()[i] + 2 * y.data()[i]);  // exact in both scalars
    set_entries(
        y, [](auto p) { return p * p; }, y);
    for (Index i = 0; i < x.size(); ++i) CHECK(y.data()[i] == (Scalar(3 * i) - 7) * (Scalar(3 * i) - 7));
  }
}

TEST_CASE("States of static size likewise", "[ode][stepper]") {
  const Eigen::Vector3d x(1, 2, 3), y(-1, 0, 4);
  Eigen::Vector3d to;
  set_entries(
      to, [](auto p, auto q, auto r) { return p * q - r; }, x, y, x);
  CHECK(to == Eigen::Vector3d(-2, -2, 9));
}

TEMPLATE_TEST_CASE("What is not finite is found at each entry, whatever the shape", "[ode][stepper]", Eigen::MatrixXf,
                   (Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>), Eigen::Vector3d,
                   (Eigen::Matrix<float, 2, 3>), (Eigen::Matrix<double, 7, 1>)) {
  using Scalar = typename TestType::Scalar;
  using Limits = std::numeric_limits<Scalar>;
  TestType y;
  if constexpr (TestType::SizeAtCompileTime == Eigen::Dynamic) y.resize(2, 17);
  y.fill(Limits::max());
  CHECK(is_finite_state(y));
  for (const Scalar bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()})
    for (Index i = 0; i < y.size(); ++i) {
      y.data()[i] = bad;
      CHECK_FALSE(is_finite_state(y));
      y.data()[i] = -Limits::max();
    }
}

}  // namespace pathline::detail
