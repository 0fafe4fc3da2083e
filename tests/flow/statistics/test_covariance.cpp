#include <pathline/flow/statistics/covariance.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <limits>

using namespace pathline;

TEST_CASE("cholesky, solve_lower and multiply_lower are each other's check", "[flow][covariance]") {
  Batch<double> A(5, 9);
  fill<Gaussian>(Draw{2, 3}, 0, A);
  const Batch<double> C = A * A.transpose();
  Batch<double> L;
  REQUIRE(detail::cholesky(C, 1e-12, L) == -1);
  CHECK((L * L.transpose()).isApprox(C, 1e-14));
  CHECK(L.isLowerTriangular(0));
  const Vector<double> x = A.col(0);
  Vector<double> y = x;
  detail::multiply_lower(L, y);
  CHECK(y.isApprox(L * x, 1e-14));
  detail::solve_lower(L, y);
  CHECK(y.isApprox(x, 1e-12));
}

TEMPLATE_TEST_CASE("mean_and_factor finds dependent components whatever their offset and unit", "[flow][covariance]",
                   float, double) {
  Batch<double> A(3, 200);
  fill<Gaussian>(Draw{2, 4}, 0, A);
  for (const double offset : {0.0, 1.0, 300.0})
    for (const double unit : {1e-3, 1.0, 1e4}) {
      INFO("offset " << offset << ", unit " << unit);
      Batch<double> X = unit * (A.array() + offset);
      const detail::MeanAndFactor sound = detail::mean_and_factor("test", X.cast<TestType>());
      const Batch<double> centred = X.colwise() - X.rowwise().mean();
      // Rounding of the data, 6e-8 · 300 deviations in float.
      CHECK((sound.factor * sound.factor.transpose()).isApprox(centred * centred.transpose() / 200., 1e-4));
      X.row(2) = 2 * X.row(0) - 0.3 * X.row(1);
      X.row(2).array() += unit * offset;
      CHECK_THROWS_WITH(detail::mean_and_factor("test", X.cast<TestType>()),
                        ContainsSubstring("test: component 2 of the data is a linear combination"));
    }
  // Nearly dependent, but told apart by the scalar: a part of 1e-4 of its own.
  Batch<double> X = A;
  X.row(2) = 1e-4 * A.row(2) + A.row(0);
  CHECK_NOTHROW(detail::mean_and_factor("test", X.cast<TestType>()));
}

TEST_CASE("mean_and_factor is of any unit, mixed ones too", "[flow][covariance]") {
  Batch<double> A(3, 100);
  fill<Gaussian>(Draw{2, 5}, 0, A);
  A.row(2) += 0.5 * A.row(0);
  const detail::MeanAndFactor expected = detail::mean_and_factor("test", A);
  const Eigen::Vector3d units(1e250, 1e-280, 3);
  const detail::MeanAndFactor got = detail::mean_and_factor("test", units.asDiagonal() * A);
  CHECK((units.cwiseInverse().asDiagonal() * got.factor).isApprox(expected.factor, 1e-14));
  CHECK((units.cwiseInverse().asDiagonal() * got.mean).isApprox(expected.mean, 1e-13));
  const Batch<double> inverse = detail::inverse_transposed(got.factor).transpose() * units.asDiagonal();
  CHECK((inverse * expected.factor).isApprox(Batch<double>::Identity(3, 3), 1e-13));
}

TEST_CASE("A steep combination of components that nearly depend on each other is found", "[flow][covariance]") {
  // x_2 is 1e5 times the difference of two components that are equal but for 1e-5: the rounding of these is not small
  // beside it, and is what it is measured against.
  Batch<double> X(3, 100);
  fill<Gaussian>(Draw{2, 6}, 0, X);
  X.row(1) = X.row(0) + 1e-5 * X.row(1);
  X.row(0).array() += 10;
  X.row(1).array() += 10;
  CHECK_NOTHROW(detail::mean_and_factor("test", X));
  X.row(2) = 0.3 * X.row(0) + 1e5 * (X.row(1) - X.row(0));
  CHECK_THROWS_WITH(detail::mean_and_factor("test", X), ContainsSubstring("component 2 of the data is a linear"));
}

TEST_CASE("mean_and_factor refuses data that have no covariance", "[flow][covariance][errors]") {
  CHECK_THROWS_WITH(detail::mean_and_factor("test", Batch<double>(2, 0)), ContainsSubstring("test: data is empty"));
  CHECK_THROWS_WITH(detail::mean_and_factor("test", Batch<double>::Random(3, 3)),
                    "test: data has 3 samples, expected at least 4 to tell the covariance of 3 components");
  Batch<float> X = Batch<float>::Random(2, 7);
  X.row(1).setConstant(0.1F);
  CHECK_THROWS_WITH(detail::mean_and_factor("test", X), ContainsSubstring("component 1 of the data is constant"));
  X(0, 3) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(detail::mean_and_factor("test", X), ContainsSubstring("inf at component 0 of sample 3"));
}
