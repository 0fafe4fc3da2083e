/// \file
/// The four pictures of a trained flow.
#pragma once

#include <examples/cnf/flow.hpp>
#include <examples/cnf/options.hpp>
#include <examples/common/plot.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace examples::cnf {

/// Makes options.out where it is missing: before training, so that hours are not lost on a wrong name.
/// \throws pathline::FileError when that fails.
void make_folder(const Options& options);

/// Writes density.png (one or two columns only), trajectories.png, samples.png and loss.png with their scripts into
/// options.out. \return the names of the files. \throws pathline::FileError when one cannot be written.
std::vector<std::filesystem::path> draw_pictures(const TrainedFlow& flow, const Split& split,
                                                 const std::vector<std::string>& names,
                                                 const std::vector<plot::Level>& levels, const Options& options);

}  // namespace examples::cnf
