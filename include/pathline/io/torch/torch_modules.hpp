/// \file
/// The tensors of `nn.Linear` layers, FFJORD's `ConcatSquashLinear` layers and OT-Flow's `Phi`, and where they are in θ
/// of `Mlp`, `ShallowMlp`, `SquashMlp` and `Potential`. docs/torch.md has the names.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_layout.hpp>
#include <pathline/io/torch/torch_names.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/potential/potential.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline::io::detail {

/// The layers of a `Repeat` and the one after it.
template <class Layers>
[[nodiscard]] std::vector<TorchLayer> torch_layers(const Layers& layers) {
  const auto& [hidden, last] = layers.layers();
  std::vector<TorchLayer> result;
  for (const auto& layer : hidden.layers()) result.push_back({layer.in_rows(), layer.out_rows(), layer.side_rows()});
  result.push_back({last.in_rows(), last.out_rows(), last.side_rows()});
  return result;
}

inline void require_no_time(const std::string& caller, const TorchNames& names, const std::string& reason) {
  if (names.time && *names.time != TorchTime::none)
    throw ArgumentError(caller + ": TorchNames::time", "given", "none, since " + reason);
}

/// The side inputs that each layer of the module reads, of the `side` that it has here.
[[nodiscard]] inline std::vector<Index> torch_sides(const std::string& caller, const TorchNames& names,
                                                    const std::vector<TorchLayer>& layers) {
  std::vector<Index> sides(layers.size(), layers.front().side);
  if (layers.front().side == 0) {
    require_no_time(caller, names, "the field has no side inputs");
    return sides;
  }
  if (!names.time)
    throw ArgumentError(caller + ": TorchNames::time", "not given",
                        "TorchTime::first_column where the module's layers read torch.cat([t, x], 1), last_column for "
                        "torch.cat([x, t], 1), first_column_once or last_column_once where the first layer alone "
                        "does, or none: a file does not tell");
  const bool once = *names.time == TorchTime::first_column_once || *names.time == TorchTime::last_column_once;
  for (std::size_t i = 0; i < sides.size(); ++i)
    if (*names.time == TorchTime::none || (once && i > 0)) sides[i] = 0;
  return sides;
}

/// [U | W | b] of each layer: weight is [U | W] or [W | U], or W alone.
[[nodiscard]] inline TorchLayout linear_layout(const std::string& caller, const TorchNames& names,
                                               const TensorFile* file, const std::vector<TorchLayer>& layers) {
  const std::vector<Index> sides = torch_sides(caller, names, layers);
  std::vector<std::vector<std::int64_t>> weights;
  for (std::size_t i = 0; i < layers.size(); ++i) weights.push_back({layers[i].out, layers[i].in + sides[i]});
  const std::vector<std::string> stems = stems_of(caller, names, file, "weight", weights, [](std::size_t i) {
    return std::to_string(2 * i) + '.';  // of nn.Sequential, with an activation after each
  });
  const bool last = names.time == TorchTime::last_column || names.time == TorchTime::last_column_once;
  TorchLayout layout;
  Index at = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto [in, out, side] = layers[i];
    const ThetaBlock U(at, out, side), W(at + out * side, out, in), b(at + out * (side + in), out, 1);
    if (sides[i] == 0) {
      layout.zeros.push_back(U);
      layout.add(stems[i] + "weight", weights[i], {W});
    } else {
      layout.add(stems[i] + "weight", weights[i], last ? std::vector{W, U} : std::vector{U, W});
    }
    layout.add(stems[i] + "bias", {out}, {b});
    at += out * (side + in + 1);
  }
  return layout;
}

/// [W | b | G | g | H] of each layer.
[[nodiscard]] inline TorchLayout squash_layout(const std::string& caller, const TorchNames& names,
                                               const TensorFile* file, const std::vector<TorchLayer>& layers) {
  require_no_time(caller, names, "layers of ConcatSquashLinear have parameters of their own for it");
  std::vector<std::vector<std::int64_t>> weights;
  for (const TorchLayer& layer : layers) weights.push_back({layer.out, layer.in});
  const std::vector<std::string> stems = stems_of(caller, names, file, "_layer.weight", weights,
                                                  [](std::size_t i) { return "layers." + std::to_string(i) + '.'; });
  TorchLayout layout;
  Index at = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Index in = layers[i].in, out = layers[i].out, side = layers[i].side;
    const auto take = [&](Index columns) {
      const ThetaBlock block(at, out, columns);
      at += out * columns;
      return std::vector{block};
    };
    layout.add(stems[i] + "_layer.weight", {out, in}, take(in));
    layout.add(stems[i] + "_layer.bias", {out}, take(1));
    layout.add(stems[i] + "_hyper_gate.weight", {out, side}, take(side));
    layout.add(stems[i] + "_hyper_gate.bias", {out}, take(1));
    layout.add(stems[i] + "_hyper_bias.weight", {out, side}, take(side));
  }
  return layout;
}

/// θ of a potential. A file's A may have fewer rows than that of θ, which then ends in rows of zeros: Φ reads AᵀA.
template <Real Scalar>
[[nodiscard]] TorchLayout potential_layout(const std::string& caller, const TorchNames& names, const TensorFile* file,
                                           const Potential<Scalar>& potential) {
  require_no_time(caller, names, "the last column of Phi's first layer is that of time");
  if (!names.layers.empty())
    throw ArgumentError(caller + ": TorchNames::layers", "given", "none, since Phi has its own");
  const Index inputs = potential.in_rows() + 1, m = potential.width(), rank = potential.rank();
  TorchLayout layout;
  Index at = 0;
  const auto take = [&](const std::string& name, std::vector<std::int64_t> shape, Index rows, Index columns) {
    layout.add(names.prefix + name, std::move(shape), {ThetaBlock(at, rows, columns)});
    at += rows * columns;
  };
  for (Index i = 0; i <= potential.depth(); ++i) {
    const std::string stem = "N.layers." + std::to_string(i);
    const Index in = i == 0 ? inputs : m;
    take(stem + ".weight", {m, in}, m, in);
    take(stem + ".bias", {m}, m, 1);
  }
  take("w.weight", {1, m}, 1, m);
  const Tensor* A = file == nullptr ? nullptr : file->find(names.prefix + "A");
  const bool lower = A != nullptr && A->shape.size() == 2 && A->shape[0] > 0 && A->shape[0] < rank;
  const Index rows = lower ? Index(A->shape[0]) : rank;
  layout.add(names.prefix + "A", {rows, inputs}, {ThetaBlock(at, rows, inputs, rank)});
  if (lower) layout.zeros.emplace_back(at + rows, rank - rows, inputs, rank);
  at += rank * inputs;
  take("c.weight", {1, inputs}, 1, inputs);
  layout.add(names.prefix + "c.bias", {1}, {});  // a constant: the field is the same without it
  return layout;
}

// By the type of a field's layers.

template <Real Scalar, class Sigma>
[[nodiscard]] TorchLayout torch_layout(const std::string& caller, const TorchNames& names, const TensorFile* file,
                                       const Sequential<Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>& layers) {
  return linear_layout(caller, names, file, torch_layers(layers));
}
template <Real Scalar, class Sigma>
[[nodiscard]] TorchLayout torch_layout(const std::string& caller, const TorchNames& names, const TensorFile* file,
                                       const ShallowMlp<Scalar, Sigma>& layers) {
  return linear_layout(caller, names, file, torch_layers(layers.layers()));
}
template <Real Scalar, class Sigma>
[[nodiscard]] TorchLayout torch_layout(
    const std::string& caller, const TorchNames& names, const TensorFile* file,
    const Sequential<Repeat<Sequential<ConcatSquash<Scalar>, Elementwise<Scalar, Sigma>>>, ConcatSquash<Scalar>>&
        layers) {
  return squash_layout(caller, names, file, torch_layers(layers));
}
template <Real Scalar>
[[nodiscard]] TorchLayout torch_layout(const std::string& caller, const TorchNames& names, const TensorFile* file,
                                       const Potential<Scalar>& potential) {
  return potential_layout<Scalar>(caller, names, file, potential);
}

}  // namespace pathline::io::detail
