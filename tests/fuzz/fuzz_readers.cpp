/// \file
/// Readers of files against arbitrary bytes, by libFuzzer: nothing but pathline's errors may come out of them, and what
/// they accept must survive being written and read again. One program for all: the environment's PATHLINE_FUZZ names
/// the reader, so that it is built once. tests/fuzz/run builds and runs it.
#include <fuzz/fuzz.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/io/npy.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/write_csv.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace pathline;
using fuzz::require;

void safetensors(std::string_view bytes) {
  const io::TensorFile file = io::parse_safetensors(bytes);
  std::size_t size = 0;
  for (const io::Tensor& tensor : file.tensors) {
    size += tensor.bytes.size();
    require(file.find(tensor.name) == &tensor, "a tensor is found by its name");
    try {
      require(io::values_of<float>(tensor).size() == io::size_of(tensor), "as many numbers as the shape says");
    } catch (const io::TensorError&) {
      continue;  // numbers that float does not hold
    }
  }
  require(size < bytes.size(), "a file holds no more than its bytes");
  std::ostringstream out;
  io::write_safetensors(out, file);
  const io::TensorFile again = io::parse_safetensors(out.str());
  require(again.metadata == file.metadata && again.tensors.size() == file.tensors.size(), "as many entries again");
  for (std::size_t i = 0; i < file.tensors.size(); ++i)
    require(again.tensors[i].name == file.tensors[i].name && again.tensors[i].type == file.tensors[i].type &&
                again.tensors[i].shape == file.tensors[i].shape && again.tensors[i].bytes == file.tensors[i].bytes,
            "the same tensor again");
}

/// Which options is in the first byte: a file's own bytes follow.
io::CsvOptions options_of(std::uint8_t byte) {
  io::CsvOptions options;
  options.skip_missing = (byte & 1U) != 0;
  options.header = (byte & 2U) != 0 ? io::CsvHeader::absent : io::CsvHeader::detect;
  options.separator = ",;\t "[(byte >> 2U) % 4];
  if ((byte & 16U) != 0) options.columns = {"2", "#1"};
  return options;
}

template <Real Scalar>
void npy(std::string_view bytes) {
  const io::CsvOptions options{.columns = {}, .skip_missing = true};
  const Batch<Scalar> X = io::parse_npy_table<Scalar>(bytes, options).data;
  require(X.allFinite() && std::size_t(X.size()) <= bytes.size(), "finite, and no more than the file's bytes");
  std::ostringstream out;
  io::write_npy(out, X);
  require(io::parse_npy_table<Scalar>(out.str()).data == X, "the same numbers again");
}

void csv(std::string_view bytes) {
  if (bytes.empty()) return;
  const io::CsvOptions options = options_of(static_cast<std::uint8_t>(bytes[0]));
  const io::Table<double> table = io::parse_csv_table<double>(bytes.substr(1), options);
  require(table.data.allFinite() && table.data.rows() == Index(table.names.size()), "finite, a name a column");
  std::ostringstream out;
  io::write_csv(out, {}, table.data, options.separator);
  const io::CsvOptions again{.separator = options.separator, .header = io::CsvHeader::absent};
  require(io::parse_csv_table<double>(out.str(), again).data == table.data, "the same numbers again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const char* const named = std::getenv("PATHLINE_FUZZ");
  static const std::string_view reader = named == nullptr ? "" : named;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    if (reader == "safetensors")
      safetensors(bytes);
    else if (reader == "npy")
      size % 2 == 0 ? npy<float>(bytes) : npy<double>(bytes);
    else if (reader == "csv")
      csv(bytes);
    else if (reader == "model")
      fuzz::model(bytes);
    else
      require(false, "set PATHLINE_FUZZ to safetensors, npy, csv or model");
  } catch (const Error&) {
    return 0;  // refused
  }
  return 0;
}
