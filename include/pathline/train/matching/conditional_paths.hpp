/// \file
/// Conditional paths of flow matching: how a sample z₀ of the data and a base point ε are joined. docs/maths.md,
/// section 14.
///
/// A path is affine in both ends, z(s) = a(s) z₀ + b(s) ε, as Lipman et al. 2023 have it. Here s = 0 at the data and
/// s = 1 at the base; the literature's time is 1 - s.
#pragma once

#include <pathline/core/errors.hpp>

#include <cmath>
#include <concepts>

namespace pathline {

/// a, b and their derivatives by s.
struct PathCoefficients {
  double data, base;            ///< a(s), b(s)
  double data_rate, base_rate;  ///< a'(s), b'(s)
};

/// - `at(s)`: the coefficients, finite for first() < s ≤ 1.
/// - `first()`, where a path has it: training draws s between this number and 1, neither included; else from (0, 1).
/// - `check()`, where a path has it: throws ArgumentError for settings that make no path.
template <class P>
concept ConditionalPath = requires(const P path, double s) {
  { path.at(s) } -> std::same_as<PathCoefficients>;
};

namespace detail {

template <ConditionalPath P>
[[nodiscard]] double first_position(const P& path) {
  if constexpr (requires { path.first(); })
    return path.first();
  else
    return 0;
}

}  // namespace detail

/// z(s) = (1 - s) z₀ + (σ + (1 - σ) s) ε, at constant velocity: the optimal-transport path of Lipman et al. 2023,
/// equations 20 and 22. At the data it ends in z₀ + σ ε. With σ = 0, the default, that is z₀ itself: rectified flow
/// (Liu et al. 2023) and I-CFM (Tong et al. 2024).
struct StraightPath {
  double sigma_min = 0;

  void check() const {
    if (!(sigma_min >= 0 && sigma_min < 1)) throw ArgumentError("StraightPath: sigma_min", sigma_min, "in [0, 1)");
  }
  [[nodiscard]] PathCoefficients at(double s) const {
    return {1 - s, sigma_min + (1 - sigma_min) * s, -1, 1 - sigma_min};
  }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("sigma_min", sigma_min);
  }
};

/// z(s) = α(s) z₀ + √(1 - α²) ε with α = exp(-½ ∫₀ˢ β), β(s) = β_min + s (β_max - β_min): the variance-preserving
/// diffusion of Song et al. 2021; Lipman et al. 2023, equation 19. Where z₀ has the covariance I, so has z(s).
///
/// α(1) = exp(-(β_min + β_max) / 4) of the data are left at the base, 0.0066 with the defaults. The velocity grows like
/// s^-½ towards the data, and its mean square like 1 / s: training draws s > `s_min`, the
/// ε of Song et al. and Lipman et al.
struct VariancePreservingPath {
  double beta_min = 0.1, beta_max = 20;
  double s_min = 1e-5;

  void check() const {
    if (!(beta_min >= 0 && std::isfinite(beta_min)))
      throw ArgumentError("VariancePreservingPath: beta_min", beta_min, "0 or a positive number");
    if (!(beta_max > 0 && std::isfinite(beta_max)))
      throw ArgumentError("VariancePreservingPath: beta_max", beta_max, "a positive number");
    if (!(s_min > 0 && s_min < 1)) throw ArgumentError("VariancePreservingPath: s_min", s_min, "in (0, 1)");
  }
  [[nodiscard]] double first() const { return s_min; }
  /// At s = 0 the rate of the base is infinite.
  [[nodiscard]] PathCoefficients at(double s) const {
    const double beta = beta_min + s * (beta_max - beta_min), integral = s * (beta_min + beta) / 2;
    const double alpha = std::exp(-integral / 2), sigma = std::sqrt(-std::expm1(-integral));
    return {alpha, sigma, -beta / 2 * alpha, beta / 2 * alpha * alpha / sigma};
  }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("beta_min", beta_min);
    visit("beta_max", beta_max);
    visit("s_min", s_min);
  }
};

}  // namespace pathline
