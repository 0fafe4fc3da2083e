/// \file
/// Periodic components of a sample, read as points of a circle: how a network becomes a vector field on a torus.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// A component of the data that lives on a circle, such as an angle, an hour of the day, or a position in a periodic
/// box. `lower` and `upper` are one point; raw data and samples are written as numbers of [lower, upper). Inside of a
/// flow every circle is in radians (`PeriodicTransform`).
struct Circle {
  Index component = 0;  ///< Row of the data, counted from 0.
  double lower = -std::numbers::pi, upper = std::numbers::pi;
};

namespace detail {

/// The components that are circles, ascending.
/// \throws ArgumentError on one that is not among `dim` rows, or named twice.
template <class = void>
[[nodiscard]] inline std::vector<Index> circle_components(const std::string& what, Index dim,
                                                          const std::vector<Circle>& circles) {
  std::vector<Index> components;
  for (const Circle& circle : circles) {
    if (circle.component < 0 || circle.component >= dim)
      throw ArgumentError(what + ": component of a circle", circle.component, "one of 0 to " + std::to_string(dim - 1));
    if (std::find(components.begin(), components.end(), circle.component) != components.end())
      throw ArgumentError(what + ": component of a circle", std::to_string(circle.component) + " twice",
                          "each component once");
    components.push_back(circle.component);
  }
  std::sort(components.begin(), components.end());
  return components;
}

}  // namespace detail

/// y = [x_j of the components that are no circles; cos x_i; sin x_i of those that are], without parameters: the first
/// layer of a field that is periodic in x_i, with period 2π. Rezende et al., "Normalizing flows on tori and spheres",
/// ICML 2020, section 2.1.
template <Real Scalar_>
class PeriodicFeatures {
 public:
  using Scalar = Scalar_;

  /// \param dim  Rows of x.
  /// \throws ArgumentError on a circle that is not among them, or named twice.
  PeriodicFeatures(Index dim, const std::vector<Circle>& circles)
      : dim_(dim), circles_(detail::circle_components("PeriodicFeatures", dim, circles)) {
    for (Index i = 0; i < dim; ++i)
      if (!std::binary_search(circles_.begin(), circles_.end(), i)) lines_.push_back(i);
  }

  /// Components on circles, ascending.
  [[nodiscard]] const std::vector<Index>& circles() const noexcept { return circles_; }
  [[nodiscard]] Index in_rows() const noexcept { return dim_; }
  [[nodiscard]] Index out_rows() const noexcept { return dim_ + count(); }
  [[nodiscard]] Index side_rows() const noexcept { return 0; }
  [[nodiscard]] Index widest() const noexcept { return out_rows(); }
  [[nodiscard]] Index parameter_count() const noexcept { return 0; }
  [[nodiscard]] Index tape_size(Index n, Index /*k*/) const noexcept { return Slices<Scalar>::size(2 * count() * n); }
  void initialize(VectorRef<Scalar> /*theta*/, Rng& /*rng*/) const {}

  void linearize(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& /*workspace*/) const {
    const Index p = count(), lines = dim_ - p;
    BatchMap<Scalar> point = points(tape, n);
    for (Index j = 0; j < X.cols(); ++j) {
      for (Index i = 0; i < lines; ++i) Y(i, j) = X(lines_[std::size_t(i)], j);
      for (Index i = 0; i < p; ++i) {
        const Scalar x = X(circles_[std::size_t(i)], j);
        Scalar& cosine = point(i, j % n);
        Scalar& sine = point(p + i, j % n);
        if (j < n) cosine = std::cos(x), sine = std::sin(x);
        Y(lines + i, j) = j < n ? cosine : -sine * x;
        Y(lines + p + i, j) = j < n ? sine : cosine * x;
      }
    }
  }

  void pullback(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> /*S*/, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> /*S_bar*/,
                VectorRef<Scalar> /*theta_bar*/, Workspace<Scalar>& /*workspace*/) const {
    const Index p = count(), lines = dim_ - p;
    const BatchMap<Scalar> point = points(tape, n);
    for (Index j = 0; j < X.cols(); ++j) {
      for (Index i = 0; i < lines; ++i) X_bar(lines_[std::size_t(i)], j) = Y_bar(i, j);
      for (Index i = 0; i < p; ++i) {
        const Index row = circles_[std::size_t(i)];
        const Scalar cosine = point(i, j % n), sine = point(p + i, j % n);
        const Scalar cosine_bar = Y_bar(lines + i, j), sine_bar = Y_bar(lines + p + i, j);
        X_bar(row, j) = cosine * sine_bar - sine * cosine_bar;
        // Tangents (-sin x ẋ, cos x ẋ) depend on x as well.
        if (j >= n) X_bar(row, j % n) -= X(row, j) * (cosine * cosine_bar + sine * sine_bar);
      }
    }
  }

 private:
  [[nodiscard]] Index count() const noexcept { return Index(circles_.size()); }
  /// cos x above sin x, 2p × n.
  [[nodiscard]] BatchMap<Scalar> points(std::span<Scalar> tape, Index n) const {
    return BatchMap<Scalar>(tape.data(), 2 * count(), n);
  }

  Index dim_;
  std::vector<Index> circles_, lines_;
};

}  // namespace pathline
