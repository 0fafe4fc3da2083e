/// \file
/// Which of the three estimates is better, by all rows: each row is scored by a flow, a Gaussian and a kernel estimate
/// that have not seen it.
#pragma once

#include <examples/cnf/options.hpp>
#include <examples/common/baselines.hpp>

#include <ostream>

namespace examples::cnf {

/// Log densities of every row, held out, in the order of the folds.
struct HeldOut {
  Values flow, gaussian, kernels;
};

/// Trains a flow in each of options.folds folds (at least two) and prints a line per fold, then the mean paired
/// differences over all rows with their standard errors. The baselines are made of all rows outside of the fold; of
/// those the flow sets the share options.validation aside to choose its epoch.
HeldOut cross_validate(std::ostream& out, const Table& rows, const Options& options);

}  // namespace examples::cnf
