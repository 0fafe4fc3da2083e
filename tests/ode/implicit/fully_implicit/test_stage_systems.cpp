// The systems of the eigenvalues together are the system of all stages.
#include <pathline/ode/implicit/fully_implicit/stage_systems.hpp>

#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>

#include <support/catch.hpp>

namespace pathline {

// Random entries: condition numbers of the size of 100.
TEMPLATE_TEST_CASE("The stages taken apart solve I - hA⊗J", "[ode][newton]", GaussLegendre4, RadauIia5) {
  constexpr int s = TestType::tableau.stages;
  const double h = 0.3;
  const Eigen::Matrix3d J{{-40, 3, 7}, {2, 5, -8}, {-1, 11, -900}};
  Eigen::MatrixXd whole = Eigen::MatrixXd::Identity(3 * s, 3 * s);
  for (int i = 0; i < s; ++i)
    for (int j = 0; j < s; ++j) whole.block(3 * i, 3 * j, 3, 3) -= h * TestType::tableau.A(i, j) * J;
  typename detail::StageSystems<TestType, Batch<double>>::StageColumns R(3, s), X;
  for (int i = 0; i < 3 * s; ++i) R(i) = 1. / (1 + i);

  detail::StageSystems<TestType, Batch<double>> systems;
  systems.resize(2);
  systems.factor(0, Eigen::Matrix3d::Identity(), h);
  systems.factor(1, J, h);
  systems.solve(1, R, X);
  const Eigen::VectorXd left = whole * X.reshaped() - R.reshaped();
  CHECK(left.cwiseAbs().maxCoeff() < 1e-13);
  systems.solve(0, R, X);
  CHECK((whole * X.reshaped() - R.reshaped()).norm() > 1e-3);

  if constexpr (detail::StageSystems<TestType, Batch<double>>::spectrum.real > 0) {
    const Eigen::Vector3d before(1, -2, 3);
    Eigen::Vector3d x = before;
    systems.filter(1, x);
    CHECK((x - h * RadauIia5::gamma0 * J * x - before).norm() < 1e-14 * 100);
  }
}

}  // namespace pathline
