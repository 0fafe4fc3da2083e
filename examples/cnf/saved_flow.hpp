/// \file
/// What a flow's file says beside the flow: which rows it was trained on, and how the program was called.
#pragma once

#include <examples/cnf/options.hpp>
#include <examples/common/baselines.hpp>

#include <pathline/io/model/model_file.hpp>

#include <functional>

namespace examples::cnf {

/// The options that the flow, its table and its split depend on, and a fingerprint of the table's numbers.
[[nodiscard]] pathline::io::Notes notes_of(const Options& options, const Table& rows);

/// Takes those options from the file options.load, except for those of the table that the command line has given.
/// \throws pathline::Error for a file that this program has not written.
void take_saved_options(Options& options, const std::function<bool(const char*)>& given);

/// Whether these are the rows that the flow of options.load was trained and tested on.
[[nodiscard]] bool same_rows(const Options& options, const Table& rows);

}  // namespace examples::cnf
