/// \file
/// Room `io`: tables of numbers, read. Start at io/csv.hpp.
///
/// Not part of it, so that only those who need them compile them: io/write_csv.hpp (tables written), io/table.hpp
/// (tables by their extension, numpy's too), io/mapped_npy.hpp (those larger than memory), io/replace_file.hpp (files
/// that stay whole), io/safetensors.hpp (files of named tensors), io/model.hpp (trained flows and fields),
/// io/load_any.hpp (saved flows whose type the program does not name).
#pragma once

#include <pathline/io/csv.hpp>
#include <pathline/io/csv/csv_advice.hpp>
#include <pathline/io/csv/csv_cells.hpp>
#include <pathline/io/csv/csv_header.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/csv_options.hpp>
#include <pathline/io/file_path.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/read_text.hpp>
