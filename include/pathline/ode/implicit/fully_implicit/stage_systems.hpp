/// \file
/// The linear systems of a fully implicit step, one set for every column of a batch. docs/maths.md, (3.7).
///
/// Newton's method for all s stages of a column needs (I - hA⊗J)⁻¹, of a matrix of s·d rows. With A = Σ λ v wᵀ it is
/// Σ v wᵀ ⊗ (I - hλJ)⁻¹: one real matrix of d rows for each real eigenvalue and one complex for each conjugate pair.
/// Butcher, BIT 16 (1976) 237–240; Hairer & Wanner II, section IV.8.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/implicit/newton/jacobian.hpp>
#include <pathline/ode/implicit/newton/matrix_spectrum.hpp>
#include <pathline/ode/implicit/newton/solve_factored.hpp>
#include <pathline/ode/stepper.hpp>

#include <Eigen/LU>

#include <array>
#include <complex>
#include <cstddef>

namespace pathline::detail {

/// Storage of the factors. After the first shape nothing is allocated (more than 16 rows: Eigen's LU may).
template <class Method, OdeState State>
class StageSystems {
 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = Method::tableau.stages;
  static constexpr Spectrum<std::size_t(stages)> spectrum = detail::spectrum(Method::tableau.matrix());
  /// One column of the batch in all stages: d × s.
  using StageColumns = SystemColumns<State, stages>;

  void resize(Index columns) { resize_columns(factors_, columns); }

  /// Bytes that the factors of a column take.
  [[nodiscard]] static std::size_t bytes_of_column(Index d) {
    return sizeof(Factors) + spectrum.real * heap_bytes_of_factors<Scalar>(d) +
           spectrum.complex * heap_bytes_of_factors<std::complex<Scalar>>(d);
  }

  /// Factors of I - hλJ for column j, J d × d.
  template <class Derived>
  void factor(Index j, const Eigen::MatrixBase<Derived>& J, double h) {
    Factors& factors = factors_[std::size_t(j)];
    const Index d = J.rows();
    for (std::size_t k = 0; k < spectrum.real; ++k)
      factors.real[k].compute(RealMatrix::Identity(d, d) - Scalar(h * spectrum.pairs[k].value.re) * J);
    for (std::size_t k = 0; k < spectrum.complex; ++k) {
      const auto value = spectrum.pairs[spectrum.real + k].value;
      factors.complex[k].compute(ComplexMatrix::Identity(d, d) -
                                 std::complex<Scalar>(Scalar(h * value.re), Scalar(h * value.im)) *
                                     J.template cast<std::complex<Scalar>>());
    }
  }

  /// X = (I - hA⊗J)⁻¹ R for column j.
  void solve(Index j, const StageColumns& R, StageColumns& X) {
    const Factors& factors = factors_[std::size_t(j)];
    X.setZero(R.rows(), stages);
    for (std::size_t k = 0; k < spectrum.real; ++k) {
      const auto& pair = spectrum.pairs[k];
      real_.setZero(R.rows());
      for (int i = 0; i < stages; ++i) real_ += Scalar(pair.left[std::size_t(i)].re) * R.col(i);
      solve_factored(factors.real[k], real_, real_solution_);
      for (int i = 0; i < stages; ++i) X.col(i) += Scalar(pair.right[std::size_t(i)].re) * real_solution_;
    }
    for (std::size_t k = 0; k < spectrum.complex; ++k) {
      const auto& pair = spectrum.pairs[spectrum.real + k];
      complex_.setZero(R.rows());
      for (int i = 0; i < stages; ++i) {
        const Complex w = pair.left[std::size_t(i)];
        complex_.real() += Scalar(w.re) * R.col(i);
        complex_.imag() += Scalar(w.im) * R.col(i);
      }
      solve_factored(factors.complex[k], complex_, complex_solution_);
      for (int i = 0; i < stages; ++i) {  // with the conjugate: twice the real part
        const Complex v = pair.right[std::size_t(i)];
        X.col(i) += Scalar(2 * v.re) * complex_solution_.real() - Scalar(2 * v.im) * complex_solution_.imag();
      }
    }
  }

  /// x becomes (I - hγ₀J)⁻¹ x, γ₀ the first real eigenvalue, for column j.
  template <class Derived>
  void filter(Index j, Eigen::MatrixBase<Derived>& x) requires(spectrum.real > 0) {
    real_ = x;
    solve_factored(factors_[std::size_t(j)].real[0], real_, real_solution_);
    x = real_solution_;
  }

 private:
  using RealMatrix = SystemMatrix<State>;
  using ComplexMatrix = SystemMatrix<State, std::complex<Scalar>>;
  struct Factors {
    std::array<Eigen::PartialPivLU<RealMatrix>, spectrum.real> real{};
    std::array<Eigen::PartialPivLU<ComplexMatrix>, spectrum.complex> complex{};
  };

  PerColumn<State, Factors> factors_;
  SystemColumns<State, 1> real_, real_solution_;
  SystemColumns<State, 1, std::complex<Scalar>> complex_, complex_solution_;
};

}  // namespace pathline::detail
