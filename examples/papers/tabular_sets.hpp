/// \file
/// Tables for the row `tabular`: one that ships, and ones made by a generator whose density is known.
#pragma once

#include <examples/common/baselines.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace examples::papers {

/// Every estimate sees the same rows, d × n, in the coordinates in which the Gaussian fitted to the training rows is
/// standard normal. `log_det` brings a log-density at a test row back to the units of the table.
struct TabularSet {
  std::string name;
  Table train, validation, test;
  Values log_det;                   ///< 1 × test rows.
  std::optional<Values> log_prob;   ///< The true one at the test rows, in the table's units, where it is known.
  std::optional<Estimate> entropy;  ///< Of the generator, nats; by 200,000 rows.

  explicit TabularSet(std::string its_name) : name(std::move(its_name)) {}
  [[nodiscard]] Index dim() const noexcept { return train.rows(); }
};

/// "diamonds", "blocks-21", "blocks-43".
[[nodiscard]] const std::vector<std::string>& tabular_names();

/// \throws pathline::FileError, pathline::DataError, pathline::ArgumentError for another name.
[[nodiscard]] TabularSet tabular_set(const std::string& name, std::uint64_t seed);

/// Writes folder/{train,validation,test,log_det[,log_prob]}.npy, with a row per sample as other libraries expect it.
void export_set(const std::filesystem::path& folder, const TabularSet& set);

}  // namespace examples::papers
