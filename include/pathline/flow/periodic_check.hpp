/// \file
/// Whether the parts of a flow agree on which components are circles: one that does not know it makes a density with a
/// jump at the seam.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace pathline::detail {

/// Components of a part that are circles; none where it does not say.
template <class Part>
[[nodiscard]] std::vector<Index> circles_of(const Part& part) {
  if constexpr (requires { part.circles(); })
    return part.circles();
  else
    return {};
}

/// Throws unless the data transform has the circles of the base, and the base those of the field, where it says which.
inline void require_same_circles(const std::vector<Index>& base, const std::vector<Index>& transform,
                                 const std::vector<Index>& field, bool field_says) {
  const auto list = [](const std::vector<Index>& components) {
    std::string text;
    for (const Index i : components) text += (text.empty() ? "" : ", ") + std::to_string(i);
    return text.empty() ? std::string("none") : text;
  };
  if (field_says && field != base)
    throw ArgumentError("Cnf: components on circles of the base density", list(base),
                        "those of the field, " + list(field) + ": name PeriodicBase(dim, circles)");
  if (transform != base)
    throw ArgumentError("Cnf: components on circles of the data transform", list(transform),
                        "those of the base density, " + list(base) +
                            ": name PeriodicTransform(circles, data) and PeriodicBase(dim, circles) with one list");
}

/// Throws ArgumentError when f(t, z) differs from f(t, z + 2π e_i) for a component i on a circle.
template <VectorField F>
void require_periodic(const F& field, const std::vector<Index>& circles, double t) {
  using Scalar = typename F::Scalar;
  const Index d = field.dim();
  Workspace<Scalar> workspace;
  std::vector<Scalar> tape(std::size_t(field.tape_size(2, 0)));
  const Batch<Scalar> S = Batch<Scalar>::Constant(std::max<Index>(field.side_rows(), 1), 2, Scalar(t));
  for (const Index i : circles) {
    Batch<Scalar> Z(d, 2), F_of_Z(d, 2);
    for (Index k = 0; k < d; ++k) Z.row(k).setConstant(Scalar(0.3 + 0.7 * double(k)));
    Z(i, 1) += Scalar(2 * std::numbers::pi);
    field.linearize(S, Z, 2, F_of_Z, std::span<Scalar>(tape), workspace);
    const double difference = double((F_of_Z.col(0) - F_of_Z.col(1)).norm()), size = double(F_of_Z.norm());
    if (!(difference <= std::sqrt(double(std::numeric_limits<Scalar>::epsilon())) * size))
      throw ArgumentError("Cnf: the field's change when component " + std::to_string(i) + ", a circle, makes one turn",
                          difference, "0: give it period 2π there, as PeriodicMlp or PeriodicFeatures do");
  }
}

}  // namespace pathline::detail
