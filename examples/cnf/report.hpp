/// \file
/// What the example prints: the comparison of one split, and that of a cross-validation.
#pragma once

#include <examples/cnf/flow.hpp>
#include <examples/cnf/options.hpp>
#include <examples/common/baselines.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace examples::cnf {

/// Fixed decimals, right-aligned; "-" for what is not a number.
[[nodiscard]] std::string cell(double value, int decimals = 4, int width = 12);

/// "-0.5123 ± 0.0612".
[[nodiscard]] std::string text(const Estimate& estimate);

/// Log densities of one estimate on the three parts of the data.
struct Scores {
  std::string name;
  Values train, validation, test;
};
[[nodiscard]] Scores score(const std::string& name, const std::function<Values(const Table&)>& log_prob,
                           const Split& split);

/// Mean negative log-likelihoods, an estimate per line; below, what the first loses to the others on the test rows.
void print_scores(std::ostream& out, const std::vector<Scores>& scores);

/// The table, and what was taken for the names of its columns.
void print_data(std::ostream& out, const Options& options, const pathline::io::Table<double>& table);
void print_flow(std::ostream& out, const Options& options, Index dimensions);
void print_training(std::ostream& out, const TrainedFlow& flow);
void print_bandwidths(std::ostream& out, const KernelDensity& density, const std::vector<std::string>& names);

}  // namespace examples::cnf
