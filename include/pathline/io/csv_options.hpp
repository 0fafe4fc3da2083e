/// \file
/// Options of a reader of tables, and what it returns.
#pragma once

#include <pathline/core/types.hpp>

#include <string>
#include <vector>

namespace pathline::io {

/// Whether the first line names the columns. `detect` decides by the rules of io/csv/csv_header.hpp and refuses a line
/// that can be either: say `present` or `absent` then.
enum class CsvHeader { detect, present, absent };

struct CsvOptions {
  /// By name, or by number from 1: "#2" is always column 2. "2" is too, but an error where another column
  /// has that name. Empty: all.
  std::vector<std::string> columns = {};
  char separator = ',';  ///< ' ' stands for blanks and tabs, as many as there are.
  CsvHeader header = CsvHeader::detect;
  char decimal = '.';         ///< Or ','.
  bool skip_missing = false;  ///< Leaves out rows with a missing number in a chosen column: an empty cell, NA, nan, …
};

/// Numbers with the names of their columns in the file ("column 2" for one without a name).
template <Real Scalar>
struct Table {
  std::vector<std::string> names;  ///< d of them.
  Batch<Scalar> data;              ///< d × n.
  bool has_header = false;         ///< Whether the first line was taken for names.
  Index skipped = 0;               ///< Rows left out by `skip_missing`.
};

}  // namespace pathline::io
