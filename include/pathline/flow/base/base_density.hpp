/// \file
/// Base densities: what the flow carries the data to, at the end of time.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>

namespace pathline {

/// - `log_density(Z, log_p)`: overwrites log_p (1 × n).
/// - `score(Z, Z_bar)`: overwrites Z_bar (d × n), which does not overlap Z, with ∇ log ν, the density's score.
/// - `sample(draw, first, Z)`: overwrites Z (d × n) with samples first, first + 1, … of a draw; sample i is the same
///   whatever the batch that it is in.
/// - `check(d)`, only of a base that has a dimension: throws ShapeError unless that is d.
///
/// The first two run in every training iteration, in several threads at once: they allocate nothing.
template <class B, class Scalar = double>
concept BaseDensity = requires(const B base, const Batch<Scalar>& Z, RowRef<Scalar> log_p, Batch<Scalar>& Z_bar,
                               const Draw& draw, Index first) {
  base.log_density(Z, log_p);
  base.score(Z, Z_bar);
  base.log_density(Z.topRows(first), log_p);  // blocks of a state, as flows have them
  base.score(Z.topRows(first), Z_bar.topRows(first));
  base.sample(draw, first, Z_bar);
};

namespace detail {

inline constexpr double log_sqrt_2_pi = 0.91893853320467274178;  // log √(2π)

}  // namespace detail

/// N(0, I), in any dimension: log ν(z) = -½‖z‖² - (d/2) log 2π.
struct StandardNormal {
  template <class Derived>
  void log_density(const Eigen::MatrixBase<Derived>& Z, RowRef<typename Derived::Scalar> log_p) const {
    using Scalar = typename Derived::Scalar;
    const Scalar constant = Scalar(detail::log_sqrt_2_pi * double(Z.rows()));
    const View<const Scalar> z(Z.derived());
    for (Index j = 0; j < z.cols(); ++j) {
      const Scalar* const own = z.data() + j * z.stride();
      log_p(j) = Scalar(-0.5) * detail::dot(own, own, z.rows()) - constant;
    }
  }
  template <class Derived>
  void score(const Eigen::MatrixBase<Derived>& Z, BatchRef<typename Derived::Scalar> Z_bar) const {
    detail::update<typename Derived::Scalar>(
        Z_bar, [](auto, auto z) { return -z; }, Z.derived());
  }
  template <class Derived>
  void sample(const Draw& draw, Index first, Eigen::MatrixBase<Derived>& Z) const {
    fill<Gaussian>(draw, first, Z.derived());
  }
};

}  // namespace pathline
