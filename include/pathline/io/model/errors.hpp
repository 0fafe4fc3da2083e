/// \file
/// What reading a model's file throws.
#pragma once

#include <pathline/core/errors.hpp>

#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// A file that holds another model than the one it is read into, or numbers that no model has. Nothing has been changed
/// when it is thrown. what() names all differences, one a line.
struct ModelError : FileError {
  /// \param source  Opens the message: "io::load: flow.safetensors".
  ModelError(const std::string& source, std::vector<std::string> all_differences)
      : FileError(source + text(all_differences)), differences(std::move(all_differences)) {}
  std::vector<std::string> differences;  ///< "solver: the file has Rk4, the program Dopri5".

 private:
  static std::string text(const std::vector<std::string>& differences) {
    std::string result = differences.size() == 1 ? ": " : ": " + std::to_string(differences.size()) + " differences";
    for (const std::string& one : differences) result += (differences.size() == 1 ? "" : "\n  ") + one;
    return result;
  }
};

/// A model's file of a newer pathline, whose schema this one does not know.
struct SchemaError : FileError {
  SchemaError(const std::string& source, const std::string& writer, const std::string& reader, long file_schema,
              long known_schema)
      : FileError(source + ": written by pathline " + writer + ", schema " + std::to_string(file_schema) +
                  "; this is pathline " + reader + ", which reads schemas up to " + std::to_string(known_schema) +
                  ": read it with pathline " + writer + " or later"),
        got(file_schema),
        known(known_schema) {}
  long got, known;
};

}  // namespace pathline
