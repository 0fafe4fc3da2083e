/// \file
/// What the example prints, and the pictures that it draws.
#pragma once

#include <examples/toy/run.hpp>

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace examples::cnf_toy {

void print_run(std::ostream& out, const toy::Run& run);
void print_judgement(std::ostream& out, const toy::Run& run, const toy::Judgement& judgement);

/// Writes samples.png, density.png, trajectories.png and loss.png with their scripts into the folder.
/// \return their names. \throws pathline::FileError when one cannot be written.
std::vector<std::filesystem::path> draw_pictures(const toy::Run& run, const toy::Result& result,
                                                 const std::filesystem::path& folder);

}  // namespace examples::cnf_toy
