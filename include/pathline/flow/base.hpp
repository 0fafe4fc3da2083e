/// \file
/// Base densities: what the flow carries the data to, at the end of time.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <numbers>

namespace pathline {

/// - `log_density(Z, log_p)`: overwrites log_p (1 × n).
/// - `score(Z, Z_bar)`: overwrites Z_bar (d × n) with ∇ log ν, the density's score.
/// - `sample(draw, first, Z)`: overwrites Z (d × n) with samples first, first + 1, … of a draw.
template <class B, class Scalar = double>
concept BaseDensity = requires(const B base, const Batch<Scalar>& Z, RowRef<Scalar> log_p, Batch<Scalar>& Z_bar,
                               const Draw& draw, Index first) {
  base.log_density(Z, log_p);
  base.score(Z, Z_bar);
  base.sample(draw, first, Z_bar);
};

/// N(0, I): log ν(z) = -½‖z‖² - (d/2) log 2π.
struct StandardNormal {
  template <class Derived>
  void log_density(const Eigen::MatrixBase<Derived>& Z, RowRef<typename Derived::Scalar> log_p) const {
    using Scalar = typename Derived::Scalar;
    const Scalar constant = Scalar(0.5 * std::log(2 * std::numbers::pi) * double(Z.rows()));
    log_p = Scalar(-0.5) * Z.colwise().squaredNorm();
    log_p.array() -= constant;
  }
  template <class Derived>
  void score(const Eigen::MatrixBase<Derived>& Z, BatchRef<typename Derived::Scalar> Z_bar) const {
    Z_bar = -Z;
  }
  template <class Derived>
  void sample(const Draw& draw, Index first, Eigen::MatrixBase<Derived>& Z) const {
    fill<Gaussian>(draw, first, Z.derived());
  }
};

}  // namespace pathline
