/// \file
/// The folds.
#include <examples/cnf/cross_validation.hpp>

#include <examples/cnf/flow.hpp>
#include <examples/cnf/report.hpp>

#include <pathline/core/random.hpp>
#include <pathline/train/progress_line.hpp>
#include <pathline/train/split.hpp>

#include <iomanip>
#include <iostream>

namespace examples::cnf {

HeldOut cross_validate(std::ostream& out, const Table& rows, const Options& options) {
  const Index n = rows.cols();
  HeldOut scores{Values(n), Values(n), Values(n)};
  pathline::Rng rng(options.seed);
  const pathline::Draw draw = rng.draw();
  out << "\nheld-out mean negative log-likelihood in nats of the raw data\n"
      << std::setw(6) << "fold" << std::setw(8) << "rows" << std::setw(12) << "flow" << std::setw(12) << "Gaussian"
      << std::setw(18) << "kernel estimate" << std::setw(12) << "best epoch" << '\n'
      << std::flush;
  Index first = 0;
  pathline::ProgressLine progress(std::cerr, "folds", long(options.folds) * options.epochs);
  for (int fold = 0; fold < options.folds; ++fold) {
    const auto parts = pathline::fold_of(rows, fold, options.folds, draw);
    pathline::Rng fold_rng(options.seed + 1 + std::uint64_t(fold));
    const auto seen = pathline::split(parts.rest, options.validation, fold_rng);
    const TrainedFlow flow = train_flow({seen.rest, seen.held_out, {}}, options, [&](const Epoch& epoch) {
      progress.update(long(fold) * options.epochs + epoch.number, "fold " + std::to_string(fold + 1) + "  train " +
                                                                      cell(epoch.train_nll, 3, 0) + "  validation " +
                                                                      cell(epoch.validation_loss, 3, 0));
    });
    const Index count = parts.held_out.cols();
    scores.flow.segment(first, count) = flow.log_prob(parts.held_out);
    scores.gaussian.segment(first, count) = FittedGaussian(parts.rest).log_prob(parts.held_out);
    scores.kernels.segment(first, count) = KernelDensity(parts.rest).log_prob(parts.held_out);
    out << std::setw(6) << fold + 1 << std::setw(8) << count << cell(mean_nll(scores.flow.segment(first, count)))
        << cell(mean_nll(scores.gaussian.segment(first, count)))
        << cell(mean_nll(scores.kernels.segment(first, count)), 4, 18) << std::setw(12) << flow.best_epoch << '\n'
        << std::flush;
    first += count;
  }
  out << std::setw(6) << "all" << std::setw(8) << n << cell(mean_nll(scores.flow)) << cell(mean_nll(scores.gaussian))
      << cell(mean_nll(scores.kernels), 4, 18) << '\n'
      << "mean paired difference ± its standard error over all rows:\n"
      << "  flow - Gaussian: " << text(paired_difference(-scores.flow, -scores.gaussian)) << '\n'
      << "  flow - kernel estimate: " << text(paired_difference(-scores.flow, -scores.kernels)) << '\n';
  return scores;
}

}  // namespace examples::cnf
