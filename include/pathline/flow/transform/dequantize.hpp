/// \file
/// Likelihoods of data in integer levels, such as 8-bit pixels, by a density of continuous data.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

namespace pathline {

/// Dequantised data.
template <Real Scalar>
struct Dequantized {
  Batch<Scalar> data;  ///< d × n, in (0, 1).
  /// log |det ∂data/∂(x + u)| = -d log levels, the same for all samples: to be added to log p of `data`.
  double log_det = 0;
};

/// Uniform dequantisation, (x + u) / levels with u ~ U(0, 1)^d, of integers x among 0, 1, …, levels - 1.
///
/// With a density p of the result, log p + log_det is the density of x + u, and its mean over u is a lower bound of the
/// likelihood of the integers: by Jensen's inequality
///
///     E_u [log p((x + u) / levels)] - d log levels  <=  log P(x) = log ∫_{[0,1]^d} p((x + u) / levels) levels^-d du.
///
/// (Theis, van den Oord & Bethge 2016, arXiv 1511.01844, section 3.1.) Without noise a density could put all of its
/// mass on the levels, and its likelihood would be unbounded. Not a data transform, because the noise needs a name:
/// take another draw in each epoch.
///
/// \param X      d × n.
/// \param draw   Names the noise u.
/// \param first  The id of the sample in column 0; the next columns count on.
/// \throws ArgumentError unless levels is from 2 to 1/ε of the scalar; DataError when X holds anything but these
///         integers.
template <class Derived>
[[nodiscard]] Dequantized<typename Derived::Scalar> dequantize(const Eigen::MatrixBase<Derived>& X, Index levels,
                                                               const Draw& draw, Index first = 0) {
  using Scalar = typename Derived::Scalar;
  if (levels < 2) throw ArgumentError("dequantize: levels", levels, "at least 2");
  // Else a level holds no number of this scalar next to 1.
  constexpr auto most = Index(1 / std::numeric_limits<Scalar>::epsilon());
  if (levels > most) throw ArgumentError("dequantize: levels", levels, "at most " + std::to_string(most) + ", 1/ε");
  Dequantized<Scalar> result{X, -double(X.rows()) * std::log(double(levels))};
  const double count = double(levels);
  for (Index j = 0; j < X.cols(); ++j)
    for (Index i = 0; i < X.rows(); ++i) {
      Scalar& v = result.data(i, j);
      const double x = double(v);
      if (!(x >= 0 && x < count && x == std::floor(x)))
        throw DataError({"dequantize: data is ", x, " at component ", i, " of sample ", j,
                         ", expected an integer from 0 to ", levels - 1});
      v = Scalar((x + draw.number_at<Uniform>(first + j, i)) / count);
      // Rounding must not move a number to the next level, nor to 1.
      while (double(v) * count >= x + 1) v = std::nextafter(v, Scalar(0));
      while (double(v) * count < x) v = std::nextafter(v, Scalar(1));
    }
  return result;
}

/// The levels of numbers in (0, 1): undoes `dequantize`, and makes integers of a flow's samples. Numbers outside go to
/// the nearest level.
/// \throws ArgumentError unless levels is at least 2.
template <class Derived>
[[nodiscard]] Batch<typename Derived::Scalar> quantize(const Eigen::MatrixBase<Derived>& V, Index levels) {
  using Scalar = typename Derived::Scalar;
  if (levels < 2) throw ArgumentError("quantize: levels", levels, "at least 2");
  Batch<Scalar> result = V;
  for (Scalar& v : result.reshaped())
    v = Scalar(std::clamp(std::floor(double(v) * double(levels)), 0.0, double(levels - 1)));
  return result;
}

/// Bits per dimension of a negative log-likelihood in nats of d components: nats / (d log 2).
/// \throws ArgumentError unless d is at least 1.
[[nodiscard]] inline double nats_to_bits_per_dim(double nats, Index d) {
  if (d < 1) throw ArgumentError("nats_to_bits_per_dim: d", d, "at least 1");
  return nats / (double(d) * std::numbers::ln2);
}

}  // namespace pathline
