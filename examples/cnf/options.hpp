/// \file
/// What the command line can change. Every default leads to a picture.
#pragma once

#include <pathline/io/csv_options.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#ifndef PATHLINE_EXAMPLE_DATA
#define PATHLINE_EXAMPLE_DATA "examples/data"
#endif

namespace examples::cnf {

struct Options {
  // Data
  std::filesystem::path data = std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "faithful.csv";
  pathline::io::CsvOptions table;  ///< Its columns, whether it has a header, its separator and decimal sign.
  double test = 0.2, validation = 0.15;
  // Flow
  int width = 64, depth = 2;
  std::string solver = "dopri5", gradient = "backpropagation", trace = "exact";
  int probes = 1;
  double tolerance = 1e-5;
  int steps = 20;
  double kinetic_energy = 0.05;
  // Training
  int epochs = 300, batch = 64, patience = 50;
  double learning_rate = 1e-3;
  std::uint64_t seed = 7;
  int threads = 0;
  int folds = 0;
  std::filesystem::path checkpoint;  ///< Keeps training while it runs, so that it can go on; none if empty.
  // Output
  std::filesystem::path out = "cnf-pictures";
  int samples = 0;                     ///< How many to draw from the trained flow into a table.
  std::filesystem::path samples_file;  ///< That table; samples.csv in `out` if empty.
  std::filesystem::path save;          ///< Where to keep the trained flow; nowhere if empty.
  std::filesystem::path load;          ///< A flow that was kept, in place of training; none if empty.
};

/// Reads the command line. Ends the program after `--help` (status 0) and for a line that it cannot read.
[[nodiscard]] Options parse(int argc, char** argv);

}  // namespace examples::cnf
