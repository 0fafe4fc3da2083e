/// \file
/// Eigenvalues and eigenvectors of a small matrix, found while the program is compiled: they take the stages of a fully
/// implicit method apart. Hairer & Wanner II, section IV.8; docs/maths.md, (3.7).
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace pathline::detail {

/// std::complex is no constant expression in every standard library of C++20.
struct Complex {
  double re = 0, im = 0;

  friend constexpr Complex operator+(Complex x, Complex y) { return {x.re + y.re, x.im + y.im}; }
  friend constexpr Complex operator-(Complex x, Complex y) { return {x.re - y.re, x.im - y.im}; }
  friend constexpr Complex operator*(Complex x, Complex y) {
    return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
  }
  friend constexpr Complex operator/(Complex x, Complex y) {
    const double square = y.re * y.re + y.im * y.im;
    return {(x.re * y.re + x.im * y.im) / square, (x.im * y.re - x.re * y.im) / square};
  }
};

constexpr double size_of(double x) { return x < 0 ? -x : x; }
constexpr double size_of(Complex x) { return size_of(x.re) + size_of(x.im); }
constexpr double larger(double x, double y) { return x > y ? x : y; }

template <std::size_t S>
using ComplexVector = std::array<Complex, S>;
template <std::size_t S>
using RealMatrix = std::array<std::array<double, S>, S>;

/// Solves (M - shift · I) x = b, or with the transpose of M. A pivot of 0 is taken as rounding, as inverse iteration
/// needs it.
template <std::size_t S>
constexpr ComplexVector<S> solve_shifted(const RealMatrix<S>& M, Complex shift, ComplexVector<S> b,
                                         bool transposed = false) {
  std::array<ComplexVector<S>, S> U{};
  for (std::size_t i = 0; i < S; ++i)
    for (std::size_t j = 0; j < S; ++j)
      U[i][j] = Complex{transposed ? M[j][i] : M[i][j], 0} - (i == j ? shift : Complex{});
  for (std::size_t k = 0; k < S; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < S; ++i)
      if (size_of(U[i][k]) > size_of(U[pivot][k])) pivot = i;
    std::swap(U[k], U[pivot]);
    std::swap(b[k], b[pivot]);
    if (size_of(U[k][k]) < 1e-17) U[k][k] = {1e-17, 0};
    for (std::size_t i = k + 1; i < S; ++i) {
      const Complex factor = U[i][k] / U[k][k];
      for (std::size_t j = k; j < S; ++j) U[i][j] = U[i][j] - factor * U[k][j];
      b[i] = b[i] - factor * b[k];
    }
  }
  for (std::size_t k = S; k-- > 0;) {
    for (std::size_t j = k + 1; j < S; ++j) b[k] = b[k] - U[k][j] * b[j];
    b[k] = b[k] / U[k][k];
  }
  return b;
}

/// M⁻¹, of a regular M.
template <std::size_t S>
constexpr RealMatrix<S> inverse(const RealMatrix<S>& M) {
  RealMatrix<S> result{};
  for (std::size_t j = 0; j < S; ++j) {
    ComplexVector<S> unit{};
    unit[j] = {1, 0};
    const ComplexVector<S> column = solve_shifted(M, {}, unit);
    for (std::size_t i = 0; i < S; ++i) result[i][j] = column[i].re;
  }
  return result;
}

/// M v = λ v, wᵀM = λ wᵀ, wᵀv = 1.
template <std::size_t S>
struct Eigenpair {
  Complex value{};
  ComplexVector<S> right{}, left{};  ///< v and w.
};

/// M = Σ λ v wᵀ over all eigenvalues: the real ones first, then of each conjugate pair the one with Im λ > 0.
template <std::size_t S>
struct Spectrum {
  std::array<Eigenpair<S>, S> pairs{};
  std::size_t real = 0, complex = 0;

  /// The largest entry of M - Σ λ v wᵀ and of I - Σ v wᵀ; a matrix with an eigenvalue too many times has no such sum.
  [[nodiscard]] constexpr double defect(const RealMatrix<S>& M) const {
    double worst = real + 2 * complex == S ? 0 : 1;
    for (std::size_t i = 0; i < S; ++i)
      for (std::size_t j = 0; j < S; ++j) {
        double matrix = M[i][j], unit = i == j ? 1 : 0;
        for (std::size_t k = 0; k < real + complex; ++k) {
          const Complex share = pairs[k].right[i] * pairs[k].left[j];
          const double times = k < real ? 1 : 2;  // the conjugate adds the same real part
          matrix -= times * (pairs[k].value * share).re;
          unit -= times * share.re;
        }
        worst = larger(worst, larger(size_of(matrix), size_of(unit)));
      }
    return worst;
  }
};

/// The roots of det(λI - M): the polynomial by Faddeev and Le Verrier, all of its roots at once by Weierstrass.
template <std::size_t S>
constexpr ComplexVector<S> rough_eigenvalues(const RealMatrix<S>& M) {
  std::array<double, S + 1> coefficients{};  // of λ^k
  coefficients[S] = 1;
  RealMatrix<S> N{};
  for (std::size_t k = 1; k <= S; ++k) {
    RealMatrix<S> product{};
    for (std::size_t i = 0; i < S; ++i) N[i][i] += coefficients[S - k + 1];
    double trace = 0;
    for (std::size_t i = 0; i < S; ++i) {
      for (std::size_t j = 0; j < S; ++j)
        for (std::size_t l = 0; l < S; ++l) product[i][j] += M[i][l] * N[l][j];
      trace += product[i][i];
    }
    N = product;
    coefficients[S - k] = -trace / double(k);
  }
  double radius = 0;  // no eigenvalue lies beyond the largest sum of a row
  for (const auto& row : M) {
    double sum = 0;
    for (const double entry : row) sum += size_of(entry);
    radius = larger(radius, sum);
  }
  ComplexVector<S> roots{};
  Complex start{radius, 0};
  for (Complex& root : roots) root = start = start * Complex{.4, .9};
  for (int iteration = 0; iteration < 100; ++iteration) {
    double moved = 0;
    for (std::size_t i = 0; i < S; ++i) {
      Complex value{1, 0}, others{1, 0};
      for (std::size_t k = S; k-- > 0;) value = value * roots[i] + Complex{coefficients[k], 0};
      for (std::size_t j = 0; j < S; ++j)
        if (j != i) others = others * (roots[i] - roots[j]);
      if (size_of(others) == 0) continue;  // two that coincide; the defect will show it
      const Complex step = value / others;
      roots[i] = roots[i] - step;
      moved = larger(moved, size_of(step));
    }
    if (!(moved > 1e-14 * radius)) break;
  }
  return roots;
}

/// All eigenvalues to rounding, by inverse iteration from both sides.
template <std::size_t S>
constexpr Spectrum<S> spectrum(const RealMatrix<S>& M) {
  Spectrum<S> result{};
  const ComplexVector<S> roots = rough_eigenvalues(M);
  const auto improve = [&](Complex value) {
    Eigenpair<S> pair{.value = value};
    for (std::size_t i = 0; i < S; ++i) pair.right[i] = pair.left[i] = {1 + .1 * double(i), 0};
    for (int iteration = 0; iteration < 3; ++iteration) {
      pair.right = solve_shifted(M, pair.value, pair.right);
      pair.left = solve_shifted(M, pair.value, pair.left, true);
      double largest_right = 0, largest_left = 0;
      for (std::size_t i = 0; i < S; ++i) {
        largest_right = larger(largest_right, size_of(pair.right[i]));
        largest_left = larger(largest_left, size_of(pair.left[i]));
      }
      Complex product{}, quotient{};
      for (std::size_t i = 0; i < S; ++i) {
        pair.right[i] = pair.right[i] / Complex{largest_right, 0};
        pair.left[i] = pair.left[i] / Complex{largest_left, 0};
      }
      for (std::size_t i = 0; i < S; ++i) {
        product = product + pair.left[i] * pair.right[i];
        for (std::size_t j = 0; j < S; ++j) quotient = quotient + pair.left[i] * Complex{M[i][j], 0} * pair.right[j];
      }
      if (size_of(product) < 1e-12) break;  // an eigenvector is missing; the defect will show it
      pair.value = quotient / product;
      for (Complex& entry : pair.left) entry = entry / product;
    }
    return pair;
  };
  for (const Complex root : roots)
    if (root.im < 1e-7 && root.im > -1e-7) result.pairs[result.real++] = improve({root.re, 0});
  for (const Complex root : roots)
    if (root.im >= 1e-7 && result.real + result.complex < S)
      result.pairs[result.real + result.complex++] = improve(root);
  return result;
}

}  // namespace pathline::detail
