/// \file
/// What every model's file says of itself, before anything is known of the model: who wrote it, by which schema, and
/// what its writer noted.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/io/model/errors.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/version.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io {

/// Of the files that this pathline writes: docs/formats.md. Files of this one and of all before it are read.
inline constexpr long model_schema = 1;

/// What a program wants to keep beside a model, under names of its own: texts, and numbers such as those of
/// `notes_of(report)` (io/model/report_notes.hpp). Nothing of it is part of the model.
struct Notes {
  std::map<std::string, std::string> texts;
  std::vector<Tensor> tensors;

  /// The text of that name, or `otherwise`.
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto found = texts.find(name);
    return found == texts.end() ? otherwise : found->second;
  }
  /// The tensor of that name, or null.
  [[nodiscard]] const Tensor* find(std::string_view name) const {
    for (const Tensor& tensor : tensors)
      if (tensor.name == name) return &tensor;
    return nullptr;
  }
  /// Adds the texts and tensors of `more`.
  /// \throws ArgumentError for a text or a tensor of a name that is there already. Nothing has changed then.
  Notes& operator+=(Notes more) {
    for (const auto& [name, text] : more.texts)
      if (texts.contains(name))
        throw ArgumentError("io::Notes: name of a text to add", '"' + name + '"', "one that is not there already");
    for (const Tensor& tensor : more.tensors)
      if (find(tensor.name) != nullptr)
        throw ArgumentError("io::Notes: name of a tensor to add", '"' + tensor.name + '"',
                            "one that is not there already");
    tensors.reserve(tensors.size() + more.tensors.size());
    texts.merge(more.texts);
    for (Tensor& tensor : more.tensors) tensors.push_back(std::move(tensor));
    return *this;
  }
  /// What both have: `io::notes_of(report) + io::notes_of(flow, average)`. Errors as above.
  [[nodiscard]] friend Notes operator+(Notes notes, Notes more) {
    notes += std::move(more);
    return notes;
  }
};

namespace detail {

inline constexpr std::string_view note_prefix = "notes.";

[[nodiscard]] inline bool is_note(std::string_view name) { return name.substr(0, note_prefix.size()) == note_prefix; }

/// \throws FileError unless it is a model's file, of a schema that is known.
inline void require_schema(const std::string& source, const TensorFile& file) {
  const auto schema = file.metadata.find("pathline.schema"), version = file.metadata.find("pathline.version");
  if (schema == file.metadata.end())
    throw FileError(source +
                    ": pathline.schema is missing in its metadata, expected in the file of a model; tensors "
                    "alone are read by io::read_safetensors");
  const auto number = parse_whole<long>(schema->second);
  if (!number || *number < 1)
    throw FileError(source + ": pathline.schema is \"" + schema->second + "\", expected a whole number from 1 on");
  if (*number > model_schema)
    throw SchemaError(source, version == file.metadata.end() ? "of an unknown version" : version->second,
                      PATHLINE_VERSION_STRING, *number, model_schema);
}

/// \throws FileError when it cannot be read or is no model's file.
[[nodiscard]] inline TensorFile read_model_file(const std::string& caller, const std::filesystem::path& path) {
  TensorFile file = read_safetensors(path);
  require_schema(caller + ": " + path.string(), file);
  return file;
}

}  // namespace detail

/// What was noted in a model's file when it was saved.
/// \throws FileError when it cannot be read or is no model's file.
[[nodiscard]] inline Notes read_notes(const std::filesystem::path& path) {
  Notes notes;
  TensorFile file = detail::read_model_file("io::read_notes", path);
  for (const auto& [name, text] : file.metadata)
    if (detail::is_note(name)) notes.texts.emplace(name.substr(detail::note_prefix.size()), text);
  for (Tensor& tensor : file.tensors)
    if (detail::is_note(tensor.name)) {
      tensor.name.erase(0, detail::note_prefix.size());
      notes.tensors.push_back(std::move(tensor));
    }
  return notes;
}

/// The texts that say what a model is, as `{"solver", "Dopri5"}`: which type to read a file into. docs/formats.md.
/// \throws FileError when it cannot be read or is no model's file.
[[nodiscard]] inline std::map<std::string, std::string> read_description(const std::filesystem::path& path) {
  std::map<std::string, std::string> texts = detail::read_model_file("io::read_description", path).metadata;
  std::erase_if(texts, [](const auto& text) { return detail::is_note(text.first); });
  return texts;
}

}  // namespace pathline::io
