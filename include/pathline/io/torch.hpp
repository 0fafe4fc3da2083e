/// \file
/// Weights from PyTorch and back: fields read and write what `safetensors.torch.save_file(module.state_dict(), path)`
/// and `module.load_state_dict(safetensors.torch.load_file(path))` do. docs/torch.md.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_layout.hpp>
#include <pathline/io/torch/torch_modules.hpp>
#include <pathline/io/torch/torch_names.hpp>
#include <pathline/io/torch/torch_parameters.hpp>
#include <pathline/io/torch/torch_stack.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/parameters.hpp>

#include <concepts>
#include <filesystem>
#include <string>
#include <type_traits>

namespace pathline::io {

namespace detail {

/// The layers of a field, or of the field of a flow or a neural ODE.
template <class Model>
requires Field<std::remove_const_t<Model>> && requires(const Model& model) { model.layer(); }
[[nodiscard]] const auto& layers_of(const Model& model) { return model.layer(); }
template <Layer L, class Normalization>
[[nodiscard]] const auto& layers_of(const FieldStack<L, Normalization>& stack) {
  return stack;
}
template <class Model>
requires requires(const Model& model) { layers_of(model.field()); }
[[nodiscard]] const auto& layers_of(const Model& model) { return layers_of(model.field()); }

template <class Layers>
[[nodiscard]] Index parameters_of(const Layers& layers) {
  return layers.parameter_count();
}
template <Layer L, class Normalization>
[[nodiscard]] Index parameters_of(const FieldStack<L, Normalization>& stack) {
  return stack.block_offset(stack.blocks());
}

}  // namespace detail

/// An `Mlp`, a `SquashMlp`, a `Network` of a `ShallowMlp` or a `Potential`, a `FieldStack` of such layers, or a flow or
/// a neural ODE of one.
template <class Model>
concept TorchModule = requires(Model& model, const std::string& caller, const TorchNames& names) {
  typename Model::Scalar;
  { model.parameters() } -> std::convertible_to<const Vector<typename Model::Scalar>&>;
  detail::torch_layout(caller, names, nullptr, detail::layers_of(model));
};

/// Reads θ of a field from a PyTorch module's state_dict.
///
/// The field computes what the module computes if its widths and activation are the module's; `names` says where the
/// tensors are and which column is that of time. Doubles are rounded to the nearest float where the field is of float;
/// halves become floats or doubles without loss.
///
/// \throws FileError when the file cannot be read or is no safetensors file; TensorError when its tensors are not those
///         of the field, with every one that is missing, is of another shape or type, holds a number that is not finite
///         or too large, or is one too many; ArgumentError for names that do not fit; ShapeError for a field that has
///         been moved from. θ is then as before.
template <class Model>
void load_torch(const std::filesystem::path& path, Model& model, const TorchNames& names = {}) {
  static_assert(TorchModule<Model> && !std::is_const_v<Model>,
                "load_torch: takes an Mlp, a SquashMlp, a Network of a ShallowMlp or a Potential, a FieldStack of such "
                "layers, or a flow or neural ODE of one");
  if constexpr (TorchModule<Model> && !std::is_const_v<Model>) {
    using Scalar = typename Model::Scalar;
    const std::string caller = "load_torch: " + path.string();
    const auto& layers = detail::layers_of(model);
    Vector<Scalar>& theta = model.parameters();
    pathline::detail::require_parameter_count(caller, theta.size(), detail::parameters_of(layers));
    const TensorFile file = read_safetensors(path);
    const detail::TorchLayout layout = detail::torch_layout(caller, names, &file, layers);
    pathline::detail::set_parameters<Scalar>(
        caller.c_str(), theta, detail::parameters_of_tensors<Scalar>(caller, names, file, layout, theta.size()));
  }
}

/// Writes θ of a field as the state_dict of a PyTorch module, in the type of the field's scalar. The file is the old or
/// the new one, never half of it.
///
/// \throws FileError when it cannot be written; ArgumentError for names that do not fit, for a parameter that is not
///         finite, and for a field that reads side inputs in layers where, by `names`, the module does not; ShapeError
///         for a field that has been moved from.
template <class Model>
void save_torch(const std::filesystem::path& path, const Model& model, const TorchNames& names = {}) {
  static_assert(TorchModule<const Model>,
                "save_torch: takes an Mlp, a SquashMlp, a Network of a ShallowMlp or a Potential, a FieldStack of such "
                "layers, or a flow or neural ODE of one");
  if constexpr (TorchModule<const Model>) {
    using Scalar = typename Model::Scalar;
    const std::string caller = "save_torch: " + path.string();
    const auto& layers = detail::layers_of(model);
    const Vector<Scalar>& theta = model.parameters();
    pathline::detail::require_parameter_count(caller, theta.size(), detail::parameters_of(layers));
    const detail::TorchLayout layout = detail::torch_layout(caller, names, nullptr, layers);
    pathline::detail::require_finite_parameters<Scalar>(caller.c_str(), theta);
    write_safetensors(path, detail::tensors_of_parameters<Scalar>(caller, layout, theta));
  }
}

}  // namespace pathline::io
