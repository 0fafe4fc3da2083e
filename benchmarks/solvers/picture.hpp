/// \file
/// A work-precision diagram of two panels, time and evaluations against the error reached, by gnuplot.
#pragma once

#include <benchmarks/solvers/work.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace pathline {

enum class Library { pathline, odeint, sundials };

/// A solver at a row of tolerances.
struct Curve {
  std::string name;
  Library library = Library::pathline;
  std::vector<Work> points = {};
};

/// Writes the picture and beside it its script, which has the data in it.
/// \throws std::runtime_error where gnuplot or the folder is missing.
void draw(const std::filesystem::path& png, const std::string& title, const std::vector<Curve>& curves);

}  // namespace pathline
