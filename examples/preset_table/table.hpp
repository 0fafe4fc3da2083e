/// \file
/// The table of all runs as Markdown, and the sheet of pictures.
#pragma once

#include <examples/toy/run.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace examples::preset_table {

struct Cell {
  toy::Run run;
  std::optional<toy::Result> result = {};  ///< None while it is missing.
  std::string trouble = {};                ///< Why it is.
};

/// Date and machine above, a row per cell below, with its budget in iterations.
[[nodiscard]] std::string markdown(const std::vector<Cell>& cells);

/// A row per preset: data, samples, density, trajectories. Cells of one set and one seed.
/// \throws pathline::FileError when it cannot be written.
void draw_sheet(const std::filesystem::path& png, const std::vector<const Cell*>& cells);

}  // namespace examples::preset_table
