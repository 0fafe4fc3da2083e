/// \file
/// The uniform density of a box.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <cmath>
#include <limits>

namespace pathline {

/// Uniform on lower_i <= z_i <= upper_i: log ν(z) = -Σ log (upper_i - lower_i) inside, -∞ outside.
///
/// Only for flows that map the box to itself, such as a field that vanishes or runs along on the faces. Another flow
/// carries some data out of the box, where the likelihood is 0, the loss ∞ and the score 0: no gradient leads back in.
/// Data on all of R^d belong to a normal base; data in a box to `Logit` with one.
template <Real Scalar>
class UniformBox {
 public:
  /// \throws ShapeError when the sizes differ; ArgumentError unless lower < upper, both finite, in each component.
  UniformBox(const Vector<Scalar>& lower, const Vector<Scalar>& upper) : lower_(lower), upper_(upper) {
    detail::require_box("UniformBox", lower, upper);
    double log_volume = 0;
    for (Index i = 0; i < dim(); ++i) log_volume += std::log(double(upper(i)) - double(lower(i)));
    inside_ = Scalar(-log_volume);
  }

  [[nodiscard]] Index dim() const noexcept { return lower_.size(); }
  [[nodiscard]] const Vector<Scalar>& lower() const noexcept { return lower_; }
  [[nodiscard]] const Vector<Scalar>& upper() const noexcept { return upper_; }

  void check(Index d) const { require_rows("UniformBox: field", d, dim()); }
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      bool inside = true;  // a NaN is outside
      for (Index i = 0; i < dim(); ++i) inside = inside && Z(i, j) >= lower_(i) && Z(i, j) <= upper_(i);
      log_p(j) = inside ? inside_ : -std::numeric_limits<Scalar>::infinity();
    }
  }
  /// 0: inside it is the score, outside there is none.
  void score(ConstBatchRef<Scalar> /*Z*/, BatchRef<Scalar> Z_bar) const { Z_bar.setZero(); }
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    fill<Uniform>(draw, first, Z);
    // The nearer face is the origin, so that rounding does not push a sample through the other one.
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < dim(); ++i) {
        const Scalar u = Z(i, j), width = upper_(i) - lower_(i);
        Z(i, j) = u < Scalar(0.5) ? lower_(i) + u * width : upper_(i) - (Scalar(1) - u) * width;
      }
  }

 private:
  Vector<Scalar> lower_, upper_;
  Scalar inside_;
};

template <class A, class B>
UniformBox(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&) -> UniformBox<typename A::Scalar>;

}  // namespace pathline
