/// \file
/// The stacked flows of FFJORD's code (`--num_blocks`, `--batch_norm`) as tensors: the `chain` of a `SequentialFlow`
/// has a `CNF` for each block, and a `MovingBatchNorm1d` before the first block and after each.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_layout.hpp>
#include <pathline/io/torch/torch_modules.hpp>
#include <pathline/io/torch/torch_names.hpp>
#include <pathline/nn/layer.hpp>

#include <string>
#include <vector>

namespace pathline::io::detail {

/// Refuses blocks that end at different times, which a `FieldStack` does not.
inline void require_one_end_time(const std::string& caller, const TensorFile& file,
                                 const std::vector<std::string>& names) {
  const Tensor* first = nullptr;
  for (const std::string& name : names) {
    const Tensor* const tensor = file.find(name);
    if (tensor == nullptr) continue;
    if (first == nullptr) first = tensor;
    if (values_of<double>(*tensor) != values_of<double>(*first))
      throw TensorError(caller + ": \"" + name + "\" is another number than \"" + first->name +
                        "\", expected one end time for all blocks");
  }
}

/// [norm_0 | θ_1 | norm_1 | …], a normalisation as [γ | β | mean | variance].
template <Layer L, class Normalization>
requires requires(const std::string& caller, const L& layer) { torch_layout(caller, TorchNames{}, nullptr, layer); }
[[nodiscard]] TorchLayout torch_layout(const std::string& caller, const TorchNames& names, const TensorFile* file,
                                       const FieldStack<L, Normalization>& stack) {
  const auto link = [&](Index i) { return names.prefix + "chain." + std::to_string(i) + '.'; };
  TorchLayout layout;
  std::vector<std::string> end_times;
  for (Index b = 0; b < stack.blocks(); ++b) {
    const std::string block = link(stack.normalizes ? 2 * b + 1 : b);
    TorchNames of_block = names;
    of_block.prefix = block + "odefunc.diffeq.";
    layout.append(torch_layout(caller, of_block, file, stack.layer()), stack.block_offset(b));
    layout.ignored.push_back(block + "odefunc._num_evals");
    end_times.push_back(block + "sqrt_end_time");
  }
  if (file != nullptr) require_one_end_time(caller, *file, end_times);
  layout.ignored.insert(layout.ignored.end(), end_times.begin(), end_times.end());
  if constexpr (FieldStack<L, Normalization>::normalizes)
    for (Index g = 0; g <= stack.blocks(); ++g) {
      Index at = stack.normalization_offset(g);
      for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
        layout.add(link(2 * g) + part, {stack.dim()}, {ThetaBlock(at, stack.dim(), 1)});
        at += stack.dim();
      }
      layout.ignored.push_back(link(2 * g) + "step");
    }
  return layout;
}

}  // namespace pathline::io::detail
