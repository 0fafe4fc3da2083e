// What Eigen's own solve() gives, without its temporary.
#include <pathline/ode/implicit/newton/solve_factored.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <complex>

namespace pathline {

TEMPLATE_TEST_CASE("Factored systems are solved as Eigen solves them, and allocate nothing", "[ode][memory]", double,
                   std::complex<double>) {
  using Matrix = Eigen::Matrix<TestType, Eigen::Dynamic, Eigen::Dynamic>;
  const Matrix A{{1, -2, 3}, {-40, 3, 7}, {2, 900, -8}};  // whose rows are exchanged
  const Eigen::PartialPivLU<Matrix> factors(A);
  Matrix B{{5, 1}, {2, -3}, {-1, 4}};
  Eigen::Matrix<TestType, Eigen::Dynamic, 1> x;
  const Eigen::Matrix<TestType, Eigen::Dynamic, 1> b = B.col(0), expected = factors.solve(b);
  detail::solve_factored(factors, B.col(1), x);  // sizes x
  const AllocationCounter counter;
  detail::solve_factored(factors, B.col(0).head(3), x);
  detail::solve_factored(factors, x, B.col(1));
  const long requests = counter.count();
  CHECK(requests == 0);
  CHECK(x == expected);
  CHECK(B.col(1) == factors.solve(x).eval());
  CHECK((A * x - b).norm() < 1e-13);  // by hand: its summands are of the size of 10
}

TEST_CASE("The factors of a step are those of I - hγJ", "[ode][newton]") {
  const Eigen::Matrix2d J{{1, 2}, {3, 4}};
  Eigen::MatrixXd M(2, 2);
  Eigen::PartialPivLU<Eigen::MatrixXd> factors;
  detail::factor_identity_minus(0.5, J, M, factors);
  CHECK(factors.reconstructedMatrix().isApprox(Eigen::Matrix2d{{0.5, -1}, {-1.5, -1}}));
}

}  // namespace pathline
