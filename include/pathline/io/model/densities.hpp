/// \file
/// Base densities, data transforms and context transforms in files: what they are made from, so that they are made
/// again to the same bits.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/base/periodic_base.hpp>
#include <pathline/flow/base/student_t.hpp>
#include <pathline/flow/base/uniform_box.hpp>
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/logit.hpp>
#include <pathline/flow/transform/periodic_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/flow/transform/whiten.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/networks.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace pathline::io {

// Base densities.

template <>
struct Described<StandardNormal> {
  static constexpr std::string_view name = "StandardNormal";
};
template <class Scalar>
struct Described<DiagonalGaussian<Scalar>> {
  static constexpr std::string_view name = "DiagonalGaussian";
  static void describe(const DiagonalGaussian<Scalar>& base, Description& out) {
    out.tensor("mean", base.mean());
    out.tensor("deviation", base.deviation());
  }
  static DiagonalGaussian<Scalar> read(ModelReader& in) {
    const auto mean = in.vector<Scalar>("mean");
    return {mean, in.vector<Scalar>("deviation")};
  }
};
template <class Scalar>
struct Described<FullGaussian<Scalar>> {
  static constexpr std::string_view name = "FullGaussian";
  static void describe(const FullGaussian<Scalar>& base, Description& out) {
    out.tensor("mean", base.unrounded_mean());
    out.tensor("factor", base.unrounded_factor());
  }
  static FullGaussian<Scalar> read(ModelReader& in) {
    const auto mean = in.vector<double>("mean");
    return FullGaussian<Scalar>::from_factor(mean, in.matrix<double>("factor"));
  }
};
template <class Scalar>
struct Described<GaussianMixture<Scalar>> {
  static constexpr std::string_view name = "GaussianMixture";
  static void describe(const GaussianMixture<Scalar>& base, Description& out) {
    out.tensor("weights", base.given_weights());
    out.tensor("means", base.means());
    out.tensor("deviations", base.deviations());
  }
  static GaussianMixture<Scalar> read(ModelReader& in) {
    const auto weights = in.vector<Scalar>("weights");
    const auto means = in.matrix<Scalar>("means");
    return {weights, means, in.matrix<Scalar>("deviations")};
  }
};
template <class Scalar>
struct Described<StudentT<Scalar>> {
  static constexpr std::string_view name = "StudentT";
  static void describe(const StudentT<Scalar>& base, Description& out) {
    out.tensor("degrees", base.degrees());
    out.tensor("location", base.location());
    out.tensor("scale", base.scale());
  }
  static StudentT<Scalar> read(ModelReader& in) {
    const auto degrees = in.vector<Scalar>("degrees"), location = in.vector<Scalar>("location");
    return {degrees, location, in.vector<Scalar>("scale")};
  }
};
template <class Scalar>
struct Described<UniformBox<Scalar>> {
  static constexpr std::string_view name = "UniformBox";
  static void describe(const UniformBox<Scalar>& base, Description& out) {
    out.tensor("lower", base.lower());
    out.tensor("upper", base.upper());
  }
  static UniformBox<Scalar> read(ModelReader& in) {
    const auto lower = in.vector<Scalar>("lower");
    return {lower, in.vector<Scalar>("upper")};
  }
};

namespace detail {

/// The components that are on circles, in [-π, π).
[[nodiscard]] inline std::vector<Circle> circles_of(const std::vector<Index>& components) {
  std::vector<Circle> circles;
  for (const Index component : components) circles.push_back({.component = component});
  return circles;
}

}  // namespace detail

template <>
struct Described<PeriodicBase> {
  static constexpr std::string_view name = "PeriodicBase";
  static void describe(const PeriodicBase& base, Description& out) {
    out.size("dim", base.dim());
    out.sizes("circles", base.circles());
  }
  static PeriodicBase read(ModelReader& in) {
    const Index dim = in.size("dim");
    return {dim, detail::circles_of(in.sizes("circles"))};
  }
};

// Data transforms. Their statistics are double whatever the scalar.

template <>
struct Described<NoTransform> {
  static constexpr std::string_view name = "NoTransform";
};
template <class Scalar>
struct Described<Standardize<Scalar>> {
  static constexpr std::string_view name = "Standardize";
  static void describe(const Standardize<Scalar>& transform, Description& out) {
    out.tensor("mean", transform.mean());
    out.tensor("deviation", transform.deviation());
  }
  static Standardize<Scalar> read(ModelReader& in) {
    const auto mean = in.vector<double>("mean");
    return {mean, in.vector<double>("deviation")};
  }
};
template <class Scalar>
struct Described<Whiten<Scalar>> {
  static constexpr std::string_view name = "Whiten";
  static void describe(const Whiten<Scalar>& transform, Description& out) {
    out.tensor("mean", transform.mean());
    out.tensor("factor", transform.factor());
  }
  static Whiten<Scalar> read(ModelReader& in) {
    const auto mean = in.vector<double>("mean");
    return {mean, in.matrix<double>("factor")};
  }
};
template <class Scalar>
struct Described<Logit<Scalar>> {
  static constexpr std::string_view name = "Logit";
  static void describe(const Logit<Scalar>& transform, Description& out) {
    out.tensor("lower", transform.lower());
    out.tensor("upper", transform.upper());
    out.setting("squeeze", transform.squeeze());
  }
  static Logit<Scalar> read(ModelReader& in) {
    const auto lower = in.vector<Scalar>("lower"), upper = in.vector<Scalar>("upper");
    return {lower, upper, in.setting<double>("squeeze")};
  }
};
template <class Scalar>
struct Described<Log<Scalar>> {
  static constexpr std::string_view name = "Log";
  static void describe(const Log<Scalar>& transform, Description& out) {
    out.size("dim", transform.dim());
    out.sizes("rows", transform.rows());
    out.tensor("shift", transform.shift());
  }
  static Log<Scalar> read(ModelReader& in) {
    const Index dim = in.size("dim");
    const std::vector<Index> rows = in.sizes("rows");
    return {dim, rows, in.vector<Scalar>("shift")};
  }
};
/// `circles` are the components on circles, `lower` and `upper` the ends of each. `mean` and `deviation` have a number
/// for each component; those of circles follow from their ends.
template <class Scalar>
struct Described<PeriodicTransform<Scalar>> {
  static constexpr std::string_view name = "PeriodicTransform";
  static void describe(const PeriodicTransform<Scalar>& transform, Description& out) {
    const std::vector<Circle>& circles = transform.given_circles();
    std::vector<Index> components;
    Vector<double> lower(Index(circles.size())), upper(Index(circles.size()));
    for (std::size_t i = 0; i < circles.size(); ++i) {
      components.push_back(circles[i].component);
      lower(Index(i)) = circles[i].lower;
      upper(Index(i)) = circles[i].upper;
    }
    out.sizes("circles", components);
    out.tensor("lower", lower);
    out.tensor("upper", upper);
    out.tensor("mean", transform.mean());
    out.tensor("deviation", transform.deviation());
  }
  static PeriodicTransform<Scalar> read(ModelReader& in) {
    std::vector<Circle> circles = detail::circles_of(in.sizes("circles"));
    const auto lower = in.vector<double>("lower"), upper = in.vector<double>("upper");
    require_rows("lower", lower.size(), Index(circles.size()));
    require_rows("upper", upper.size(), Index(circles.size()));
    for (std::size_t i = 0; i < circles.size(); ++i) {
      circles[i].lower = lower(Index(i));
      circles[i].upper = upper(Index(i));
    }
    const auto mean = in.vector<double>("mean");
    return {circles, mean, in.vector<double>("deviation")};
  }
};
template <class... Transforms>
struct Described<Chain<Transforms...>> {
  static constexpr std::string_view name = "Chain";
  static void describe(const Chain<Transforms...>& chain, Description& out) {
    detail::describe_parts(chain.transforms(), out);
  }
  static Chain<Transforms...> read(ModelReader& in) {
    return detail::read_parts<Chain<Transforms...>, Transforms...>(in);
  }
};

// Context transforms.

template <>
struct Described<NoContextTransform> {
  static constexpr std::string_view name = "NoContextTransform";
};
template <>
struct Described<StandardizeContext> {
  static constexpr std::string_view name = "StandardizeContext";
  static void describe(const StandardizeContext& transform, Description& out) {
    out.tensor("mean", transform.mean());
    out.tensor("deviation", transform.deviation());
  }
  static StandardizeContext read(ModelReader& in) {
    const auto mean = in.vector<double>("mean");
    return {mean, in.vector<double>("deviation")};
  }
};

}  // namespace pathline::io
