/// \file
/// Where `fit` keeps a run that may be interrupted: `io::Checkpoint` (io/checkpoint.hpp), or another place.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// What a run was asked: names and values, as text.
using RunSettings = std::vector<std::pair<std::string, std::string>>;

/// What was kept is of a run that was asked something else. Nothing has been changed when it is thrown.
struct CheckpointError : Error {
  CheckpointError(const std::string& keeper, std::vector<std::string> what_differs)
      : Error(message(keeper, what_differs)), differences(std::move(what_differs)) {}
  std::vector<std::string> differences;  ///< "epochs is 200 in place of 100": of this run and of the one that was kept.

 private:
  static std::string message(const std::string& keeper, const std::vector<std::string>& differences) {
    std::string text = "fit: " + keeper + " keeps another run: ";
    for (std::size_t i = 0; i < differences.size(); ++i) text += (i > 0 ? "; " : "") + differences[i];
    return text + ". Start the same run, give this one a checkpoint of its own, or delete that file";
  }
};

namespace detail {

struct WritesNothing {
  template <class Visit>
  void operator()(Visit& /*visit*/) const {}
};

/// Whether a keeper has `static constexpr bool keeps_for_all = true`: one of several processes keeps the run for all.
template <class K>
inline constexpr bool keeps_for_all = false;
template <class K>
requires requires { K::keeps_for_all; }
inline constexpr bool keeps_for_all<K> = K::keeps_for_all;

}  // namespace detail

/// - `every`: epochs from one `write` to the next.
/// - `name()`: for messages, a path say.
/// - `read()`: what the last `write` kept, or an empty optional. `(*kept).asked()` are the RunSettings, and
///   `(*kept).visit(name, value)` sets a value that was written under this name: a number, a vector or matrix, or a
///   std::vector of numbers, with every bit. Throws a FileError where it has none of this kind.
/// - `write(asked, values)`: keeps the settings and what values(visit) visits, by visit(name, value), in place of what
///   was kept before. A program that is killed meanwhile leaves one or the other, whole. Throws a FileError where it
///   cannot: the first time, before training, `fit` throws it; later it calls `warn(text)`, if the keeper has it, and
///   trains on.
template <class K>
concept RunKeeper = requires(const K& keeper, const RunSettings& asked, double& value) {
  { keeper.every } -> std::convertible_to<Index>;
  { keeper.name() } -> std::convertible_to<std::string>;
  { keeper.read().has_value() } -> std::convertible_to<bool>;
  { (*keeper.read()).asked() } -> std::convertible_to<RunSettings>;
  (*keeper.read()).visit(std::string(), value);
  keeper.write(asked, detail::WritesNothing{});
};

}  // namespace pathline
