/// \file
/// What reading a model's file throws.
#pragma once

#include <pathline/core/errors.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// A file that holds another model than the one it is read into, or numbers that no model has. Nothing has been changed
/// when it is thrown. what() names the differences, one a line, at most 100 of them.
struct ModelError : FileError {
  /// \param source  Opens the message: "io::load: flow.safetensors".
  ModelError(const std::string& source, std::vector<std::string> all_differences)
      : FileError(source + text(all_differences)), differences(std::move(all_differences)) {}
  std::vector<std::string> differences;  ///< "solver: the file has Rk4, the program Dopri5".

 private:
  static constexpr std::size_t most_named = 100;
  static std::string text(const std::vector<std::string>& differences) {
    if (differences.size() == 1) return ": " + differences[0];
    std::string result = ": " + std::to_string(differences.size()) + " differences";
    for (std::size_t i = 0; i < differences.size() && i < most_named; ++i) result += "\n  " + differences[i];
    if (differences.size() > most_named) result += "\n  …";
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
