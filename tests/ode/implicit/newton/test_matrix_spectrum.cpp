// Eigenvalues and eigenvectors that the compiler finds, against Eigen's and against matrices whose spectrum is known.
#include <pathline/ode/implicit/newton/matrix_spectrum.hpp>

#include <support/catch.hpp>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <complex>

namespace pathline::detail {
namespace {

constexpr RealMatrix<2> rotation{{{0, -2}, {2, 0}}};
static_assert(spectrum(rotation).real == 0 && spectrum(rotation).complex == 1);
static_assert(spectrum(rotation).defect(rotation) < 1e-15);

constexpr RealMatrix<3> triangular{{{1, 0, 0}, {5, 2, 0}, {-3, 4, 3}}};
static_assert(spectrum(triangular).real == 3);
static_assert(spectrum(triangular).defect(triangular) < 1e-13);

constexpr RealMatrix<2> jordan{{{1, 0}, {1, 1}}};
static_assert(spectrum(jordan).defect(jordan) > 1e-3, "an eigenvector is missing");

// Radau IIA of order 9 has one real eigenvalue and two pairs; here a companion matrix of (x - 1)(x² + 1)(x² + 2x + 5).
constexpr RealMatrix<5> companion{
    {{0, 0, 0, 0, 5}, {1, 0, 0, 0, -3}, {0, 1, 0, 0, 4}, {0, 0, 1, 0, -4}, {0, 0, 0, 1, -1}}};
constexpr auto five = spectrum(companion);
static_assert(five.real == 1 && five.complex == 2);
static_assert(five.defect(companion) < 1e-13);

constexpr RealMatrix<3> product(const RealMatrix<3>& X, const RealMatrix<3>& Y) {
  RealMatrix<3> result{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) result[i][j] += X[i][k] * Y[k][j];
  return result;
}

}  // namespace

TEST_CASE("Eigenvalues of a small matrix agree with Eigen's", "[ode][tableau]") {
  Eigen::Matrix<double, 5, 5> M;
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 5; ++j) M(i, j) = companion[std::size_t(i)][std::size_t(j)];
  const Eigen::VectorXcd expected = M.eigenvalues();
  for (std::size_t k = 0; k < 3; ++k) {
    const std::complex<double> value(five.pairs[k].value.re, five.pairs[k].value.im);
    CHECK((expected.array() - value).abs().minCoeff() < 1e-13);
  }
  CHECK(five.pairs[0].value.re == Approx(1));
  CHECK((five.pairs[1].value.im > 0 && five.pairs[2].value.im > 0));
}

TEST_CASE("The inverse of a small matrix needs pivots and finds them", "[ode][tableau]") {
  constexpr RealMatrix<3> M{{{0, 2, 1}, {1, 0, 3}, {4, 1, 0}}};
  const RealMatrix<3> unit = product(M, inverse(M));
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) CHECK(unit[i][j] == Approx(i == j ? 1 : 0).margin(1e-15));
}

}  // namespace pathline::detail
