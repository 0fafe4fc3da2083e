/// \file
/// θ from the tensors of a state_dict, and back.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/tensor_type.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_layout.hpp>
#include <pathline/io/torch/torch_names.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io::detail {

/// Puts a tensor's numbers into its place in θ. The result is empty, or says what is wrong with it.
template <Real Scalar>
[[nodiscard]] std::string place_tensor(const Tensor& tensor, const TorchTensor& place, Vector<Scalar>& theta) {
  const std::string name = '"' + tensor.name + '"';
  if (tensor.shape != place.shape)
    return name + " has shape " + shape_text(tensor.shape) + ", expected " + shape_text(place.shape);
  const TensorType type = tensor.type;
  if (type != TensorType::f64 && type != TensorType::f32 && type != TensorType::f16 && type != TensorType::bf16)
    return name + " is of type " + std::string(type_name(type)) + ", expected F64, F32, F16 or BF16";
  std::vector<Scalar> values;
  try {
    values = values_of<Scalar>(tensor);
  } catch (const TensorError& error) {
    return error.what();
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(values[i] - values[i] == 0))
      return name + ", number " + std::to_string(i) + " is " + pathline::detail::number(double(values[i])) +
             ", expected a finite one";
  std::size_t next = 0;
  if (place.blocks.empty()) return {};
  for (Index i = 0; i < place.blocks.front().rows; ++i)
    for (const ThetaBlock& block : place.blocks)
      for (Index j = 0; j < block.columns; ++j) theta(block.at(i, j)) = values[next++];
  return {};
}

/// θ of `count` numbers, all that the tensors leave out zero.
/// \throws TensorError that names every tensor that is missing, one too many, or not as the layout has it.
template <Real Scalar>
[[nodiscard]] Vector<Scalar> parameters_of_tensors(const std::string& caller, const TorchNames& names,
                                                   const TensorFile& file, const TorchLayout& layout, Index count) {
  std::map<std::string_view, const Tensor*> unread;
  for (const Tensor& tensor : file.tensors)
    if (tensor.name.starts_with(names.prefix)) unread.emplace(tensor.name, &tensor);
  Vector<Scalar> theta = Vector<Scalar>::Zero(count);
  std::string problems;
  const auto add = [&](const std::string& problem) { problems += (problems.empty() ? "" : "; ") + problem; };
  for (const TorchTensor& place : layout.tensors) {
    const auto found = unread.find(place.name);
    if (found == unread.end()) {
      add('"' + place.name + "\" is missing, expected with shape " + shape_text(place.shape));
      continue;
    }
    if (const std::string problem = place_tensor(*found->second, place, theta); !problem.empty()) add(problem);
    unread.erase(found);
  }
  for (const std::string& name : layout.ignored) unread.erase(name);
  for (const auto& [name, tensor] : unread)
    add('"' + tensor->name + "\" of shape " + shape_text(tensor->shape) + " is one too many");
  if (!problems.empty())
    throw TensorError(caller + ": " + problems + "; see the field's widths and side inputs, and TorchNames");
  return theta;
}

/// \throws ArgumentError where θ is not zero, and the module has nothing for it.
template <Real Scalar>
[[nodiscard]] TensorFile tensors_of_parameters(const std::string& caller, const TorchLayout& layout,
                                               const Vector<Scalar>& theta) {
  for (const ThetaBlock& block : layout.zeros)
    for (Index j = 0; j < block.columns; ++j)
      for (Index i = 0; i < block.rows; ++i)
        if (theta(block.at(i, j)) != 0)
          throw ArgumentError(caller + ": parameters(" + std::to_string(block.at(i, j)) + "), a weight of a side input",
                              double(theta(block.at(i, j))),
                              "0 where the module has no such weight; see TorchNames::time");
  TensorFile file{.tensors = {}, .metadata = {{"format", "pt"}}};
  for (const TorchTensor& place : layout.tensors) {
    Tensor tensor = empty_tensor<Scalar>(place.name, place.shape);
    std::byte* next = tensor.bytes.data();
    if (!place.blocks.empty())
      for (Index i = 0; i < place.blocks.front().rows; ++i)
        for (const ThetaBlock& block : place.blocks)
          for (Index j = 0; j < block.columns; ++j, next += sizeof(Scalar)) store_number(theta(block.at(i, j)), next);
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

}  // namespace pathline::io::detail
