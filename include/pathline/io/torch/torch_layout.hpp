/// \file
/// Where in θ the tensors of a state_dict are.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_names.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io::detail {

/// A matrix in θ, column by column, each `stride` numbers after the one before.
struct ThetaBlock {
  Index start, rows, columns, stride;

  ThetaBlock(Index a_start, Index a_rows, Index a_columns) : ThetaBlock(a_start, a_rows, a_columns, a_rows) {}
  ThetaBlock(Index a_start, Index a_rows, Index a_columns, Index a_stride)
      : start(a_start), rows(a_rows), columns(a_columns), stride(a_stride) {}
  [[nodiscard]] Index at(Index i, Index j) const noexcept { return start + j * stride + i; }
};

/// A tensor whose columns are those of its blocks, side by side. Without a block it is not in θ, and written as zeros.
struct TorchTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<ThetaBlock> blocks;
};

/// All tensors of a module.
struct TorchLayout {
  std::vector<TorchTensor> tensors;
  std::vector<ThetaBlock> zeros;  ///< What of θ none of them has: weights of side inputs that the module does not read.
  std::vector<std::string> ignored;  ///< Names that a file may have beside them.

  void add(std::string name, std::vector<std::int64_t> shape, std::vector<ThetaBlock> blocks) {
    tensors.push_back({std::move(name), std::move(shape), std::move(blocks)});
  }
  /// The tensors of a part of the module, whose θ begins at `start`.
  void append(TorchLayout part, Index start) {
    for (TorchTensor& tensor : part.tensors) {
      for (ThetaBlock& block : tensor.blocks) block.start += start;
      tensors.push_back(std::move(tensor));
    }
    for (ThetaBlock& block : part.zeros) {
      block.start += start;
      zeros.push_back(block);
    }
  }
};

/// A layer of a network: `in` rows and `side` side inputs to `out` rows.
struct TorchLayer {
  Index in, out, side;
};

/// The stems of the layers' names, such that stem + "weight" is a name.
[[nodiscard]] inline std::vector<std::string> named_stems(const std::string& caller, const TorchNames& names,
                                                          std::size_t count) {
  if (names.layers.size() != count)
    throw ArgumentError(caller + ": number of names in TorchNames::layers", names.layers.size(),
                        std::to_string(count) + ", one for each layer");
  std::vector<std::string> stems;
  for (const std::string& layer : names.layers) stems.push_back(names.prefix + layer + (layer.empty() ? "" : "."));
  return stems;
}

/// The stems of a file whose layers are numbered, in their order: what is before `ending` in names with the prefix.
/// \param weights  The shapes that are looked for, for messages.
/// \throws TensorError when there are not as many, or their order is not told by numbers.
[[nodiscard]] inline std::vector<std::string> numbered_stems(const std::string& caller, const TorchNames& names,
                                                             const TensorFile& file, std::string_view ending,
                                                             const std::vector<std::vector<std::int64_t>>& weights) {
  struct Found {
    std::string_view stem;
    const Tensor* tensor;
  };
  std::vector<Found> found;
  for (const Tensor& tensor : file.tensors) {
    const std::string_view name = tensor.name;
    if (!name.starts_with(names.prefix) || !name.ends_with(ending)) continue;
    if (name.size() < names.prefix.size() + ending.size()) continue;
    const std::string_view stem = name.substr(0, name.size() - ending.size());
    if (stem.size() == names.prefix.size() || stem.ends_with('.')) found.push_back({stem, &tensor});
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return numbered_order(a.stem, b.stem).sign < 0; });
  if (found.size() != weights.size()) {
    std::string message = caller + ": number of layers is " + std::to_string(found.size()) + ", expected " +
                          std::to_string(weights.size()) + " with weights of shape ";
    for (std::size_t i = 0; i < weights.size(); ++i) message += (i > 0 ? ", " : "") + shape_text(weights[i]);
    message += found.empty() ? "; no name opens with \"" + names.prefix + "\" and ends in \"" + std::string(ending) +
                                   "\"; the file has"
                             : "; found";
    if (found.empty())
      for (std::size_t i = 0; i < file.tensors.size(); ++i) message += (i > 0 ? ", " : " ") + file.tensors[i].name;
    for (std::size_t i = 0; i < found.size(); ++i)
      message += (i > 0 ? ", " : " ") + found[i].tensor->name + " " + shape_text(found[i].tensor->shape);
    throw TensorError(message);
  }
  std::vector<std::string> stems;
  for (const Found& layer : found) {
    if (!stems.empty() && !numbered_order(stems.back(), layer.stem).by_number)
      throw TensorError(caller + ": no number tells which of \"" + stems.back() + std::string(ending) + "\" and \"" +
                        layer.tensor->name + "\" comes first; name the layers in their order by TorchNames::layers");
    stems.emplace_back(layer.stem);
  }
  return stems;
}

/// The stems of a network's layers: those that the user names; else those of the file, or of one to be written,
/// `written(i)` after the prefix.
template <class Written>
[[nodiscard]] std::vector<std::string> stems_of(const std::string& caller, const TorchNames& names,
                                                const TensorFile* file, std::string_view ending,
                                                const std::vector<std::vector<std::int64_t>>& weights,
                                                Written&& written) {
  if (!names.layers.empty()) return named_stems(caller, names, weights.size());
  if (file != nullptr) return numbered_stems(caller, names, *file, ending, weights);
  std::vector<std::string> stems;
  for (std::size_t i = 0; i < weights.size(); ++i) stems.push_back(names.prefix + written(i));
  return stems;
}

}  // namespace pathline::io::detail
