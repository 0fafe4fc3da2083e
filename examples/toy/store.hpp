/// \file
/// Results in files, so that a long table of runs can be broken off and gone on with.
#pragma once

#include <examples/toy/run.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace examples::toy {

/// "8gaussians-ot_flow-seed1-1500x1024": set, preset, seed, and iterations times samples in each.
[[nodiscard]] std::string name_of(const Run& run);

/// Writes `folder`, made if missing; judgement.csv last, so that a folder with it is complete.
/// \throws pathline::FileError, pathline::DataError when that fails, or a number is not finite.
void store(const std::filesystem::path& folder, const Result& result);

/// What store() wrote, without losses; nothing where it has not come to its end.
/// \throws pathline::FileError, pathline::DataError for files that cannot be read.
[[nodiscard]] std::optional<Result> stored(const std::filesystem::path& folder);

}  // namespace examples::toy
