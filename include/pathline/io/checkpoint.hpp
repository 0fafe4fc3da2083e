/// \file
/// A training run in a file, so that it goes on after a loss of power, a time limit or Ctrl-C:
///
///     fit(flow, data, {.epochs = 500}, rng, io::Checkpoint{.path = "run.checkpoint", .every = 10});
///
/// The same program, started again, goes on after the last epoch that was kept, and ends with the same bits as one that
/// was never stopped: parameters, report (but the seconds), generator, TrainingState.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/replace_file.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/version.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace pathline::io {

namespace detail {

/// What a checkpoint's file holds.
class CheckpointFile {
 public:
  /// \throws FileError unless the file is one.
  CheckpointFile(std::string name, TensorFile file) : name_(std::move(name)), file_(std::move(file)) {
    const auto format = file_.metadata.find("checkpoint");
    if (format == file_.metadata.end())
      throw FileError({"fit: ", name_, " is another file of tensors, expected a checkpoint of fit"});
    if (format->second != "1")
      throw FileError({"fit: ", name_, " has form ", format->second, ", expected 1: it was written by pathline ",
                       file_.metadata["pathline"]});
  }

  [[nodiscard]] RunSettings asked() const {
    RunSettings settings;
    for (const auto& [name, value] : file_.metadata)
      if (name.starts_with(front)) settings.emplace_back(name.substr(front.size()), value);
    return settings;
  }

  template <class T>
  void visit(const std::string& name, T& value) const {
    const Tensor* const tensor = file_.find(name);
    if (!tensor) throw FileError({"fit: ", name_, " has no tensor \"", name, "\"; delete it to begin anew"});
    try {
      if constexpr (std::same_as<T, bool>)
        value = value_of<std::uint8_t>(*tensor) != 0;
      else if constexpr (std::is_arithmetic_v<T>)
        value = value_of<T>(*tensor);
      else if constexpr (requires { T::IsVectorAtCompileTime; })
        value = matrix<T>(*tensor);
      else
        value = values_of<typename T::value_type>(*tensor);
    } catch (const TensorError& error) {
      throw FileError({"fit: ", name_, ": ", error.what(), "; delete the file to begin anew"});
    }
  }

  static constexpr std::string_view front = "asked: ";

 private:
  template <class T>
  [[nodiscard]] static T matrix(const Tensor& tensor) {
    using Scalar = typename T::Scalar;
    if constexpr (T::ColsAtCompileTime == 1)
      return vector_of<Scalar>(tensor, T::SizeAtCompileTime);
    else if constexpr (T::RowsAtCompileTime == 1)
      return vector_of<Scalar>(tensor, T::SizeAtCompileTime).transpose();
    else
      return matrix_of<Scalar>(tensor, T::RowsAtCompileTime, T::ColsAtCompileTime);
  }

  std::string name_;
  TensorFile file_;
};

/// Deletes what killed runs left beside the file that is written: NAME.partial-NUMBER (io/replace_file.hpp).
inline void remove_partial_files(const std::filesystem::path& given) {
  namespace fs = std::filesystem;
  const fs::path path = link_target(given);
  const std::string front = path.filename().string() + ".partial-";
  std::error_code error;
  fs::directory_iterator entry(path.has_parent_path() ? path.parent_path() : fs::path("."), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(front) && name.find_first_not_of("0123456789", front.size()) == std::string::npos) {
      std::error_code ignored;
      fs::remove(entry->path(), ignored);
    }
  }
}

}  // namespace detail

/// A policy of `fit` that keeps its run in a file, a safetensors file that other programs can read. Each write is
/// durable: after a crash the file is the old one or the new one.
///
/// - The file of a finished run gives the same report and parameters at once, without training.
/// - A run of another model, data set, setting, seed or version of pathline is refused with a CheckpointError, which
///   names every difference; a damaged file with a FileError. Flow, generator and file are then as they were.
/// - Where the file cannot be written when a run begins, `fit` throws a FileError. Later, on a full disk say, the run
///   goes on: a line on `out` says so, each next write is tried, the file stays as it was last written, and
///   FitReport::warnings says where the last write failed.
/// - Calls of `fit` that share a TrainingState need a file each.
/// - What callbacks do beside the run is theirs: a callback sees each epoch that is trained in this process, so that
///   the epochs after the last write are seen twice. What must be kept, it names (`HasState`, `with_state`).
/// - A model's state is its parameters. For a sampler, a source or a callback of your own the promise holds as far as
///   it depends on nothing else.
///
/// What killed runs left beside the file, NAME.partial-NUMBER, is deleted when a run begins: two programs at a time
/// must not share a file. Ranks of MPI keep one file together by `on_rank_0` (pathline/mpi.hpp). Other workers that
/// train one flow together (docs/guide.md) need a file each, and go on only where all of these are of one epoch, which
/// nothing checks.
struct Checkpoint {
  std::filesystem::path path;
  /// Epochs between two writes; the last epoch always has one. So many are lost at most. A write waits for the disk:
  /// some 10 ms, and 0.15 s for a million parameters.
  Index every = 1;
  std::ostream* out = &std::cerr;  ///< Takes a line when a write fails during training; null: none.

  void check() const {
    if (path.empty()) throw ArgumentError("Checkpoint: path", "empty", "the name of a file");
    pathline::detail::require_setting(every >= 1, "Checkpoint: every", double(every), "at least 1 epoch");
  }

  void warn(const std::string& text) const {
    if (out) *out << "fit: " << text << std::endl;
  }
  [[nodiscard]] std::string name() const { return "the checkpoint " + path.string(); }

  [[nodiscard]] std::optional<detail::CheckpointFile> read() const {
    detail::remove_partial_files(path);
    std::error_code error;
    const bool exists = std::filesystem::exists(path, error);
    if (error) throw FileError({"fit: ", name(), " cannot be reached: ", error.message()});
    if (!exists) return std::nullopt;
    return detail::CheckpointFile(name(), read_safetensors(path));
  }

  template <class Values>
  void write(const RunSettings& asked, const Values& values) const {
    TensorFile file;
    file.metadata = {{"checkpoint", "1"}, {"pathline", PATHLINE_VERSION_STRING}};
    for (const auto& [setting, value] : asked)
      file.metadata.emplace(std::string(detail::CheckpointFile::front) + setting, value);
    const auto add = [&file](const std::string& what, const auto& value) {
      if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, bool>)
        file.tensors.push_back(tensor_of(what, std::uint8_t(value)));
      else
        file.tensors.push_back(tensor_of(what, value));
    };
    values(add);
    write_safetensors(path, file);
  }
};

}  // namespace pathline::io
