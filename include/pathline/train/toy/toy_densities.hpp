/// \file
/// Toy densities of the plane: the ten sets of the FFJORD and OT-Flow papers and a mixture of our own, with exact
/// densities, so that a trained flow can be held against the truth.
///
///     const ToyDensity kind = toy_density_from_name("moons");
///     const Batch<float> X = sample_toy<float>(kind, 10'000, rng.draw());
///     const Estimate kl = kl_estimate(toy_log_density(kind, X), flow.log_prob(X));
///
/// Samples are independent, and sample i of a draw is the same point whatever the number of samples; the FFJORD code
/// makes batches with equally many points per arm and equal distances instead. docs/maths.md, section 12.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/toy/toy_curves.hpp>
#include <pathline/train/toy/toy_gaussians.hpp>
#include <pathline/train/toy/toy_pinwheel.hpp>
#include <pathline/train/toy/toy_set.hpp>
#include <pathline/train/toy/toy_spirals.hpp>
#include <pathline/train/toy/toy_uniform.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace pathline {

/// Every set but `line` and `cosine` has a density.
enum class ToyDensity {
  eight_gaussians,
  pinwheel,
  two_spirals,
  checkerboard,
  moons,
  circles,
  swissroll,
  rings,
  line,
  cosine,
  mixture,  ///< Three Gaussians of unequal weights and covariances; not of the literature.
};

namespace detail {

inline constexpr std::size_t toy_density_count = 11;

/// Calls work.template operator()<S>() with the `ToySet` S of that kind.
template <class Work>
decltype(auto) with_toy_set(ToyDensity kind, Work&& work) {
  // clang-format off
  switch (kind) {
    case ToyDensity::eight_gaussians: return work.template operator()<EightGaussians>();
    case ToyDensity::pinwheel:        return work.template operator()<Pinwheel>();
    case ToyDensity::two_spirals:     return work.template operator()<TwoSpirals>();
    case ToyDensity::checkerboard:    return work.template operator()<Checkerboard>();
    case ToyDensity::moons:           return work.template operator()<Moons>();
    case ToyDensity::circles:         return work.template operator()<Circles>();
    case ToyDensity::swissroll:       return work.template operator()<SwissRoll>();
    case ToyDensity::rings:           return work.template operator()<Rings>();
    case ToyDensity::line:            return work.template operator()<Line>();
    case ToyDensity::cosine:          return work.template operator()<Cosine>();
    case ToyDensity::mixture:         return work.template operator()<UnequalMixture>();
  }
  // clang-format on
  throw ArgumentError("toy density", static_cast<int>(kind), "one of the enumerators of ToyDensity");
}

[[nodiscard]] inline ArgumentError no_density(const std::string& function, std::string_view name) {
  return {function + ": kind", std::string(name), "a set with a density; this one is a curve without noise"};
}

}  // namespace detail

/// The literature's name of a set: "8gaussians" for ToyDensity::eight_gaussians.
[[nodiscard]] inline std::string_view toy_density_name(ToyDensity kind) {
  return detail::with_toy_set(kind, []<detail::ToySet S>() { return S::name; });
}

/// All names, in the order of the enumerators.
[[nodiscard]] inline std::array<std::string_view, detail::toy_density_count> toy_density_names() {
  std::array<std::string_view, detail::toy_density_count> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = toy_density_name(ToyDensity(i));
  return names;
}

/// \throws ArgumentError, which lists the names, when there is no set of that name.
[[nodiscard]] inline ToyDensity toy_density_from_name(std::string_view name) {
  const auto names = toy_density_names();
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return ToyDensity(i);
    list += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  throw ArgumentError("toy density", '"' + std::string(name) + '"', "one of " + list);
}

/// Whether the set has a density: not `line` and `cosine`, which are curves without noise.
[[nodiscard]] inline bool has_density(ToyDensity kind) {
  return detail::with_toy_set(kind, []<detail::ToySet S>() { return detail::ToySetWithDensity<S>; });
}

/// Samples first, first + 1, …, first + n - 1 of a draw, 2 × n. Each is the same point whatever n and first are; a
/// float is the rounded double. Points agree between machines up to the rounding of their sines and cosines.
/// \throws ArgumentError when n is below 1 or first below 0.
template <Real Scalar = double>
[[nodiscard]] Batch<Scalar> sample_toy(ToyDensity kind, Index n, const Draw& draw, Index first = 0) {
  if (n < 1) throw ArgumentError("sample_toy: n", n, "at least 1");
  if (first < 0) throw ArgumentError("sample_toy: first", first, "at least 0");
  Batch<Scalar> X(2, n);
  detail::with_toy_set(kind, [&]<detail::ToySet S>() {
    for (Index j = 0; j < n; ++j) X.col(j) = S::sample(detail::ToyNumbers(draw, first + j)).template cast<Scalar>();
  });
  return X;
}

/// log p of X (2 × n, float or double), 1 × n nats; -inf outside of the support. Computed in double, to a relative
/// error of p below 1e-6 wherever samples lie (each set says how accurate it is).
/// \throws ArgumentError when the set has no density; ShapeError, DataError on bad points.
template <class Derived>
[[nodiscard]] Row<double> toy_log_density(ToyDensity kind, const Eigen::MatrixBase<Derived>& X) {
  require_batch_rows("toy_log_density: X", X.rows(), X.cols(), 2);
  const Batch<double> points = X.template cast<double>();
  require_finite("toy_log_density: X", points);
  Row<double> log_p(points.cols());
  detail::with_toy_set(kind, [&]<detail::ToySet S>() {
    if constexpr (detail::ToySetWithDensity<S>) {
      const S set;
      for (Index j = 0; j < points.cols(); ++j) log_p(j) = set.log_density(Eigen::Vector2d(points.col(j)));
    } else {
      throw detail::no_density("toy_log_density", S::name);
    }
  });
  return log_p;
}

/// Entropy -E log p in nats, to 1e-6: the least negative log-likelihood that a model of the set can have on average.
/// \throws ArgumentError when the set has no density.
[[nodiscard]] inline double toy_entropy(ToyDensity kind) {
  return detail::with_toy_set(kind, []<detail::ToySet S>() -> double {
    if constexpr (detail::ToySetWithDensity<S>)
      return S::entropy;
    else
      throw detail::no_density("toy_entropy", S::name);
  });
}

}  // namespace pathline
