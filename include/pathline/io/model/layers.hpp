/// \file
/// Names of the layers in files, their sizes, and what their parameters are called: as in PyTorch where it has the
/// same. `side_weight` multiplies the side inputs, time first and then context.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/model/activations.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/hyper_linear.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/layer/periodic_features.hpp>
#include <pathline/nn/potential/potential.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io {

namespace detail {

/// θ = [U | W | b] of `Affine`.
inline void describe_affine(Index in, Index out, Index side, Description& to, const std::string& prefix = "") {
  if (side > 0) to.parameter(prefix + "side_weight", out, side);
  to.parameter(prefix + "weight", out, in);
  to.parameter(prefix + "bias", out);
}

/// Sizes of a layer of `in` rows, `out` rows and `side` side inputs.
struct InOutSide {
  static void describe(const auto& layer, Description& out) {
    out.size("in", layer.in_rows());
    out.size("out", layer.out_rows());
    out.size("side", layer.side_rows());
  }
  template <class L>
  static L read(ModelReader& in) {
    const Index rows = in.size("in"), out = in.size("out");
    return L(rows, out, in.size("side"));
  }
};

}  // namespace detail

template <class Scalar>
struct Described<Linear<Scalar>> {
  static constexpr std::string_view name = "Linear";
  static void describe(const Linear<Scalar>& layer, Description& out) {
    detail::InOutSide::describe(layer, out);
    detail::describe_affine(layer.in_rows(), layer.out_rows(), layer.side_rows(), out);
  }
  static Linear<Scalar> read(ModelReader& in) { return detail::InOutSide::read<Linear<Scalar>>(in); }
};

template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<Dense<Scalar, Sigma>> {
  static constexpr std::string_view name = "Dense";
  static void describe(const Dense<Scalar, Sigma>& layer, Description& out) {
    detail::InOutSide::describe(layer, out);
    out.fixed("activation", Described<Sigma>::name);
    detail::describe_affine(layer.in_rows(), layer.out_rows(), layer.side_rows(), out);
  }
  static Dense<Scalar, Sigma> read(ModelReader& in) {
    in.fixed("activation", Described<Sigma>::name);
    return detail::InOutSide::read<Dense<Scalar, Sigma>>(in);
  }
};

template <class Scalar>
struct Described<ConcatSquash<Scalar>> {
  static constexpr std::string_view name = "ConcatSquash";
  static void describe(const ConcatSquash<Scalar>& layer, Description& out) {
    detail::InOutSide::describe(layer, out);
    const Index rows = layer.out_rows(), side = layer.side_rows();
    detail::describe_affine(layer.in_rows(), rows, 0, out);
    detail::describe_affine(side, rows, 0, out, "gate.");
    out.parameter("shift.weight", rows, side);
  }
  static ConcatSquash<Scalar> read(ModelReader& in) { return detail::InOutSide::read<ConcatSquash<Scalar>>(in); }
};

/// W₀ and b₀, then what each side input adds to them.
template <class Scalar>
struct Described<HyperLinear<Scalar>> {
  static constexpr std::string_view name = "HyperLinear";
  static void describe(const HyperLinear<Scalar>& layer, Description& out) {
    detail::InOutSide::describe(layer, out);
    const Index in = layer.in_rows(), rows = layer.out_rows();
    detail::describe_affine(in, rows, 0, out);
    for (Index r = 0; r < layer.side_rows(); ++r)
      detail::describe_affine(in, rows, 0, out, "side." + std::to_string(r) + '.');
  }
  static HyperLinear<Scalar> read(ModelReader& in) { return detail::InOutSide::read<HyperLinear<Scalar>>(in); }
};

template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<Elementwise<Scalar, Sigma>> {
  static constexpr std::string_view name = "Elementwise";
  static void describe(const Elementwise<Scalar, Sigma>& layer, Description& out) {
    out.size("rows", layer.in_rows());
    out.fixed("activation", Described<Sigma>::name);
  }
  static Elementwise<Scalar, Sigma> read(ModelReader& in) {
    in.fixed("activation", Described<Sigma>::name);
    return Elementwise<Scalar, Sigma>(in.size("rows"));
  }
};

template <class Scalar>
struct Described<PeriodicFeatures<Scalar>> {
  static constexpr std::string_view name = "PeriodicFeatures";
  static void describe(const PeriodicFeatures<Scalar>& layer, Description& out) {
    out.size("dim", layer.in_rows());
    out.sizes("circles", layer.circles());
  }
  static PeriodicFeatures<Scalar> read(ModelReader& in) {
    const Index dim = in.size("dim");
    std::vector<Circle> circles;
    for (const Index component : in.sizes("circles")) circles.push_back({.component = component});
    return {dim, circles};
  }
};

/// The names of the state dictionary of OT-Flow's code, in which c.bias is the constant that is left out here.
template <class Scalar>
struct Described<Potential<Scalar>> {
  static constexpr std::string_view name = "Potential";
  static void describe(const Potential<Scalar>& layer, Description& out) {
    const Index columns = layer.in_rows() + 1, width = layer.width();
    out.size("dim", layer.in_rows());
    out.size("width", width);
    out.size("depth", layer.depth());
    for (Index i = 0; i <= layer.depth(); ++i)
      detail::describe_affine(i == 0 ? columns : width, width, 0, out, "N.layers." + std::to_string(i) + '.');
    out.parameter("w.weight", 1, width);
    out.parameter("A", layer.rank(), columns);
    out.parameter("c.weight", 1, columns);
  }
  static Potential<Scalar> read(ModelReader& in) {
    const Index dim = in.size("dim"), width = in.size("width");
    return Potential<Scalar>(dim, width, in.size("depth"));
  }
};

}  // namespace pathline::io
