/// \file
/// Student's t distribution as the base density: for data with heavy tails, which a flow from a normal base, being
/// Lipschitz, cannot reach (Jaini, Kobyzev, Yu & Brubaker, ICML 2020).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <cmath>

namespace pathline {

/// Independent components, each t with its own degrees of freedom ν_i > 0, location μ_i and scale σ_i. With
/// u = (z_i - μ_i) / σ_i:
///
///     log ν(z) = Σ_i [log Γ((ν_i + 1) / 2) - log Γ(ν_i / 2) - ½ log(π ν_i) - log σ_i - ½ (ν_i + 1) log(1 + u² / ν_i)]
///     score_i  = -(ν_i + 1) u / (σ_i (ν_i + u²))
///
/// The moments below order ν_i exist: no mean for ν_i ≤ 1, no variance for ν_i ≤ 2. ν_i = 1 is Cauchy's distribution;
/// from ν_i = 30 on the tails are nearly normal. Samples of ν_i below 0.5 may exceed the range of float.
template <Real Scalar>
class StudentT {
 public:
  /// \param degrees  ν, d positive numbers; location 0, scale 1.
  /// \throws ArgumentError on a number of degrees that is not positive or not finite.
  explicit StudentT(const Vector<Scalar>& degrees)
      : StudentT(degrees, Vector<Scalar>::Zero(degrees.size()), Vector<Scalar>::Ones(degrees.size())) {}

  /// \param scale  σ, d positive numbers; the deviation is σ √(ν / (ν - 2)) for ν > 2.
  /// \throws ShapeError when the sizes differ; ArgumentError on degrees or a scale that are not positive and finite, or
  ///         a location that is not finite.
  StudentT(const Vector<Scalar>& degrees, const Vector<Scalar>& location, const Vector<Scalar>& scale)
      : degrees_(degrees), location_(location), scale_(scale) {
    require_rows("StudentT: location", location.size(), dim());
    require_rows("StudentT: scale", scale.size(), dim());
    detail::require_parameter("StudentT: degrees", degrees, true);
    detail::require_parameter("StudentT: location", location);
    detail::require_parameter("StudentT: scale", scale, true);
    width_.resize(dim());
    double constant = 0;
    for (Index i = 0; i < dim(); ++i) {
      const double nu = double(degrees(i)), width = double(scale(i)) * std::sqrt(nu);
      width_(i) = Scalar(width);
      constant += log_gamma_ratio(nu) - 0.5 * std::log(pi) - std::log(width);
    }
    constant_ = Scalar(constant);
  }

  [[nodiscard]] Index dim() const noexcept { return degrees_.size(); }
  [[nodiscard]] const Vector<Scalar>& degrees() const noexcept { return degrees_; }
  [[nodiscard]] const Vector<Scalar>& location() const noexcept { return location_; }
  [[nodiscard]] const Vector<Scalar>& scale() const noexcept { return scale_; }

  void check(Index d) const { require_rows("StudentT: field", d, dim()); }
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      Scalar sum = constant_;
      for (Index i = 0; i < dim(); ++i) {
        const Scalar w = std::abs(Z(i, j) - location_(i)) / width_(i);
        // Far out 1 + w² is w² to the last digit, and w² may overflow.
        const Scalar log = w < far_out ? std::log1p(w * w) : 2 * std::log(w);
        sum -= Scalar(0.5) * (degrees_(i) + 1) * log;
      }
      log_p(j) = sum;
    }
  }
  void score(ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) const {
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < dim(); ++i) {
        const Scalar w = (Z(i, j) - location_(i)) / width_(i);
        const Scalar slope = std::abs(w) < far_out ? w / (1 + w * w) : 1 / w;
        Z_bar(i, j) = -(degrees_(i) + 1) / width_(i) * slope;
      }
  }
  /// t = √(ν (U^(-2/ν) - 1)) cos(2πV) with uniform U and V: exact for every ν, without rejection. Bailey, Math. Comp.
  /// 62 (1994) 779–781.
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < dim(); ++i) {
        static_assert(Uniform::per_block == 2);
        Eigen::Matrix<detail::Double<Scalar>, 2, 1> uniform;
        Uniform::write(draw.bits(first + j, i), uniform);
        const double nu = double(degrees_(i)), exponent = -2 / nu * std::log(uniform(0));
        // For large exponents the 1 does not count, and e^exponent could overflow where its root does not.
        const double radius = exponent < 100 ? std::sqrt(std::expm1(exponent)) : std::exp(exponent / 2);
        const double t = std::sqrt(nu) * radius * std::cos(2 * pi * uniform(1));
        Z(i, j) = Scalar(double(location_(i)) + double(scale_(i)) * t);
      }
  }

 private:
  static constexpr double pi = 3.14159265358979323846;
  static constexpr Scalar far_out = Scalar(1e9);

  /// log Γ((ν + 1) / 2) - log Γ(ν / 2). The difference of two large numbers loses digits: from ν = 100 on it is the
  /// asymptotic series, whose next term is below 2e-15.
  [[nodiscard]] static double log_gamma_ratio(double nu) {
    if (nu < 100) return std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2);
    return 0.5 * std::log(nu / 2) - 1 / (4 * nu) + 1 / (24 * std::pow(nu, 3)) - 1 / (20 * std::pow(nu, 5));
  }

  Vector<Scalar> degrees_, location_, scale_, width_;  // width = σ √ν
  Scalar constant_;
};

template <class A>
StudentT(const Eigen::MatrixBase<A>&) -> StudentT<typename A::Scalar>;
template <class A, class B, class C>
StudentT(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&, const Eigen::MatrixBase<C>&)
    -> StudentT<typename A::Scalar>;

}  // namespace pathline
