/// \file
/// What all rows share: the options that each can be told, and figures of several seeds as text.
#pragma once

#include <examples/command_line/command_line.hpp>

#include <pathline/core/types.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace examples::papers {

struct Setting {
  pathline::Index seeds = 3;
  bool full = false;   ///< Longer than minutes.
  bool brief = false;  ///< A few iterations, to see that it runs: the figures mean nothing.
  std::filesystem::path out = ".";
  bool draws = false;

  /// Adds `--seeds`, `--full`, `--brief`, and `--out` for a row that draws.
  void add_to(CommandLine& line, bool draws = true);
  /// Reads the line and makes the folder of the picture: before hours of training, not after.
  /// \throws pathline::ArgumentError for `--brief` with `--full`, pathline::FileError.
  void parse(CommandLine& line, int argc, char** argv);
  /// Whichever of the three lengths of the row holds.
  template <class T>
  [[nodiscard]] T length(T in_brief, T in_minutes, T in_full) const {
    return brief ? in_brief : full ? in_full : in_minutes;
  }
  /// 1, 2, ... up to `seeds`.
  [[nodiscard]] std::vector<std::uint64_t> all_seeds() const;
  /// Calls draw(png) with `out`/`name`, then says where the picture is, or its script and how to get gnuplot.
  void picture(const std::string& name, const std::function<void(const std::filesystem::path& png)>& draw) const;
};

/// Mean and range of what the seeds gave: "0.038 (0.028 to 0.050)", or "0.038" where they agree.
[[nodiscard]] std::string spread(const std::vector<double>& values, int decimals);

/// Of an even number of values the mean of the two in the middle. \throws pathline::ArgumentError for none.
[[nodiscard]] double median(std::vector<double> values);

/// Seconds of the processor that this program has used: other programs do not count.
[[nodiscard]] double processor_seconds();

}  // namespace examples::papers
