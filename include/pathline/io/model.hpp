/// \file
/// Trained models in files: flows (`Cnf`, whatever its policies), neural ODEs (`NeuralOde`) and bare fields.
///
///     io::save("flow.safetensors", flow, io::notes_of(report));
///     auto flow = io::load_cnf<Mlp<float, Tanh>, Standardize<float>>("flow.safetensors");  // in another program
///
/// The file is safetensors: parameters are tensors with names and shapes as Python expects them, settings are texts in
/// the metadata. docs/formats.md tells all names, and how to describe a field or policy of one's own
/// (io/model/described.hpp).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/model/densities.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/errors.hpp>
#include <pathline/io/model/fields.hpp>
#include <pathline/io/model/gradients.hpp>
#include <pathline/io/model/model_file.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/models.hpp>
#include <pathline/io/model/parameters.hpp>
#include <pathline/io/model/policies.hpp>
#include <pathline/io/model/solvers.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/version.hpp>

#include <cctype>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace pathline::io {

namespace detail {

template <class Model>
inline constexpr bool is_whole_model = false;
template <class FieldType, class... Policies>
inline constexpr bool is_whole_model<Cnf<FieldType, Policies...>> = true;
template <class FieldType, class... Policies>
inline constexpr bool is_whole_model<NeuralOde<FieldType, Policies...>> = true;

/// What can be saved: a flow, a neural ODE, or a field or stack of fields by itself.
template <class Model>
concept Saveable = is_whole_model<Model> || HasDescription<Model> || requires(Model& model) {
  model.parameters();
};

template <class Model>
[[nodiscard]] Description description_of(const Model& model) {
  Description description;
  if constexpr (is_whole_model<Model>) {
    description.fixed("model", Described<Model>::name);
    description.same(model);
  } else {
    description.fixed("model", "Field");
    description.scalar<typename Model::Scalar>("scalar");
    description.part("field", model);
  }
  require_all_parameters(description, model.parameters().size());
  return description;
}

template <class Model>
[[nodiscard]] Part<Model> read_whole(ReadingState& state) {
  ModelReader reader(state);
  if constexpr (is_whole_model<Model>) {
    return reader.whole<Model>();
  } else {
    reader.fixed("model", "Field");
    reader.scalar<typename Model::Scalar>("scalar");
    return reader.part<Model>("field");
  }
}

/// What the model is made of, for people: "Cnf of float with 68 parameters, saved by pathline 0.2.0: base
/// StandardNormal, field Mlp, …", without kinds whose type says no more than they do (`time_span`, TimeSpan).
[[nodiscard]] inline std::string sentence(const Description& description) {
  const std::map<std::string, std::string>& texts = description.texts();
  std::string parts;
  for (const auto& [kind, type] : texts) {
    std::string plain;
    for (const char c : type)
      plain += (std::isupper(static_cast<unsigned char>(c)) != 0 && !plain.empty() ? "_" : "") +
               std::string(1, char(std::tolower(static_cast<unsigned char>(c))));
    const bool part =
        kind.find('.') == std::string::npos && kind != "model" && kind.find("scalar") == std::string::npos;
    if (part && plain != kind && plain.substr(0, 3) != "no_") parts += (parts.empty() ? "" : ", ") + kind + ' ' + type;
  }
  return texts.at("model") + " of " + texts.at("scalar") + " with " + std::to_string(description.parameter_count()) +
         " parameters, saved by pathline " + PATHLINE_VERSION_STRING + ": " + parts;
}

/// All that a file says of a model, but its parameters.
[[nodiscard]] inline TensorFile file_of(const Description& description) {
  TensorFile file{.tensors = description.tensors(), .metadata = description.texts()};
  file.metadata["pathline.version"] = PATHLINE_VERSION_STRING;
  file.metadata["pathline.schema"] = std::to_string(model_schema);
  file.metadata["description"] = sentence(description);
  return file;
}
inline void append_notes(const Notes& notes, TensorFile& file) {
  for (const auto& [name, text] : notes.texts) file.metadata[std::string(note_prefix) + name] = text;
  for (Tensor tensor : notes.tensors) {
    tensor.name.insert(0, note_prefix);
    file.tensors.push_back(std::move(tensor));
  }
}

/// Remembers in which sizes the file differs from a model that exists.
inline void compare_sizes(ReadingState& state, const Description& own) {
  for (const std::string& name : own.architecture()) {
    const auto in_file = state.file.metadata.find(name);
    if (in_file != state.file.metadata.end() && in_file->second != own.texts().at(name) && !state.skipped(name))
      state.differ(name, in_file->second, own.texts().at(name));
  }
}

/// Remembers what the file has beyond the model.
inline void refuse_unread(ReadingState& state) {
  for (const auto& [name, text] : state.file.metadata)
    if (!state.used_texts.contains(name) && !is_note(name) && !state.skipped(name) && name != "description" &&
        name != "pathline.schema" && name != "pathline.version")
      state.differ(name, text, "nothing of this name");
  for (const Tensor& tensor : state.file.tensors)
    if (!state.used_tensors.contains(tensor.name) && !is_note(tensor.name) && !state.skipped(tensor.name))
      state.differ(tensor.name, "a tensor of shape " + shape_text(tensor.shape), "nothing of this name");
}

/// The model of a file. `like` is one that exists, whose sizes it must have, or null.
template <class Model>
[[nodiscard]] Model read_model(const std::string& source, const TensorFile& file, Rounding rounding,
                               const Model* like) {
  static_assert(Saveable<Model>, "io::load: the model must be a Cnf, a NeuralOde or a field");
  using Scalar = typename Model::Scalar;
  require_schema(source, file);
  ReadingState state(file, rounding);
  Part<Model> model = read_whole<Model>(state);
  Vector<Scalar> theta;
  if (like != nullptr || model) {
    const Description own = description_of(like != nullptr ? *like : model.value());
    if (like != nullptr) compare_sizes(state, own);
    theta = read_parameters<Scalar>(state, own);
    refuse_unread(state);
  }
  if (!model && state.differences.empty()) state.differences.emplace_back("a part of the model is missing");
  if (!state.differences.empty()) throw ModelError(source, state.differences);
  model.value().parameters() = theta;
  return std::move(model.value());
}

}  // namespace detail

/// What `save` writes, in memory.
/// \throws ArgumentError for parameters that are not finite.
template <class Model>
[[nodiscard]] TensorFile to_tensors(const Model& model, const Notes& notes = {}) {
  static_assert(detail::Saveable<Model>, "io::save: the model must be a Cnf, a NeuralOde or a field");
  TensorFile file;
  if constexpr (detail::Saveable<Model>) {
    pathline::detail::require_finite_parameters("io::save", std::as_const(model).parameters());
    const Description description = detail::description_of(model);
    file = detail::file_of(description);
    detail::append_parameters<typename Model::Scalar>(description, model.parameters(), file.tensors);
    detail::append_notes(notes, file);
  }
  return file;
}

/// The model of `to_tensors`; `source` opens messages. Errors as `load`.
template <class Model>
[[nodiscard]] std::remove_const_t<Model> from_tensors(const TensorFile& file, Rounding rounding = Rounding::refuse,
                                                      const std::string& source = "io::from_tensors") {
  return detail::read_model<std::remove_const_t<Model>>(source, file, rounding, nullptr);
}
/// The same in place of a model that exists. Errors as `load`; the model is then as it was.
template <class Model>
void from_tensors(const TensorFile& file, Model& model, Rounding rounding = Rounding::refuse,
                  const std::string& source = "io::from_tensors") {
  static_assert(
      std::is_move_assignable_v<Model>,
      "io::load: this model cannot be assigned to (a lambda with captures among its parts?): use the load that "
      "returns one");
  Model read = detail::read_model<Model>(source, file, rounding, &model);
  if constexpr (detail::is_whole_model<Model>)
    detail::PartsAccess::parts(read).threads = detail::PartsAccess::parts(model).threads;
  model = std::move(read);
}

/// Keeps a model in one file: its parameters, all policies with their settings and statistics, and notes. The same
/// model gives the same bytes. The file is replaced whole, or left as it was.
///
/// \throws ArgumentError for parameters that are not finite, or two notes of one name; FileError when the file cannot
///         be written.
template <class Model>
void save(const std::filesystem::path& path, const Model& model, const Notes& notes = {}) {
  write_safetensors(path, to_tensors(model, notes));
}

/// The model that a file holds, with the sizes and all settings of the file: it computes the same bits as the one that
/// was saved. The type says which kinds of parts it has: `io::load<decltype(flow)>(path)`.
///
/// \param rounding  Whether doubles of the file may be rounded to a model of float. A file of float is read into a
///                  model of double as it is.
/// \throws FileError when the file cannot be read or is no model's; SchemaError when a newer pathline wrote it;
///         ModelError, with all differences by name, when it holds another model than the type says, or numbers that it
///         cannot have.
template <class Model>
[[nodiscard]] std::remove_const_t<Model> load(const std::filesystem::path& path, Rounding rounding = Rounding::refuse) {
  return from_tensors<Model>(read_safetensors(path), rounding, "io::load: " + path.string());
}

/// Makes a model that exists the one of the file: of the same sizes (widths, blocks, rows), else it is refused.
/// Settings (tolerances, weights, seeds, the span of time) and statistics are those of the file from then on; threads
/// stay. Errors as above; the model is then as it was.
template <class Model>
void load(const std::filesystem::path& path, Model& model, Rounding rounding = Rounding::refuse) {
  from_tensors(read_safetensors(path), model, rounding, "io::load: " + path.string());
}

/// The flow of a file, by its field and policies: `load<Cnf<Field, Policies...>>`.
template <class FieldType, class... Policies>
[[nodiscard]] Cnf<FieldType, Policies...> load_cnf(const std::filesystem::path& path,
                                                   Rounding rounding = Rounding::refuse) {
  return load<Cnf<FieldType, Policies...>>(path, rounding);
}

}  // namespace pathline::io
