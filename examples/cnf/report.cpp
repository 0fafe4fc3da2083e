/// \file
/// Tables and lines of text.
#include <examples/cnf/report.hpp>

#include <examples/common/warnings.hpp>

#include <pathline/io/table.hpp>

#include <cmath>
#include <filesystem>
#include <iomanip>
#include <limits>
#include <sstream>

namespace examples::cnf {

namespace {

constexpr int name_width = 18;

[[nodiscard]] double nll(const Values& log_prob) {
  return log_prob.size() == 0 ? std::numeric_limits<double>::quiet_NaN() : mean_nll(log_prob);
}

[[nodiscard]] bool is_array(const std::filesystem::path& data) {
  using pathline::io::TableFormat;
  return data.has_extension() && pathline::io::table_format("--data", data) == TableFormat::npy;
}

[[nodiscard]] std::string plain(double value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

}  // namespace

std::string cell(double value, int decimals, int width) {
  std::ostringstream stream;
  stream << std::setw(width);
  if (std::isnan(value))
    stream << "-";
  else
    stream << std::fixed << std::setprecision(decimals) << value;
  return stream.str();
}

std::string text(const Estimate& estimate) {
  return (estimate.mean < 0 ? "" : "+") + cell(estimate.mean, 3, 0) + " ± " + cell(estimate.standard_error, 3, 0);
}

Scores score(const std::string& name, const std::function<Values(const Table&)>& log_prob, const Split& split) {
  const auto part = [&log_prob](const Table& rows) { return rows.cols() == 0 ? Values() : log_prob(rows); };
  return {name, part(split.train), part(split.validation), part(split.test)};
}

void print_scores(std::ostream& out, const std::vector<Scores>& scores) {
  out << "\nmean negative log-likelihood in nats of the raw data (less is better)\n"
      << std::left << std::setw(name_width) << "" << std::right << std::setw(12) << "train" << std::setw(12)
      << "validation" << std::setw(12) << "test" << '\n';
  for (const Scores& one : scores)
    out << std::left << std::setw(name_width) << one.name << std::right << cell(nll(one.train))
        << cell(nll(one.validation)) << cell(nll(one.test)) << '\n';
  if (scores.size() < 2 || scores.front().test.size() < 2) return;
  out << "on the test rows, as mean of paired differences ± its standard error:\n";
  for (std::size_t i = 1; i < scores.size(); ++i)
    out << "  " << scores.front().name << " - " << scores[i].name << ": "
        << text(paired_difference(-scores.front().test, -scores[i].test)) << '\n';
}

void print_data(std::ostream& out, const Options& options, const pathline::io::Table<double>& table) {
  out << "data      " << options.data.filename().string() << ": " << table.data.cols() << " rows of ";
  for (std::size_t i = 0; i < table.names.size(); ++i) out << (i == 0 ? "" : ", ") << table.names[i];
  if (table.skipped > 0) out << "; " << table.skipped << " rows left out, where numbers are missing";
  out << "\nnames     "
      << (is_array(options.data) ? "none: an array has none"
          : table.has_header     ? "from line 1 of the table (--no-header if it is a row of data)"
                                 : "none: line 1 of the table is a row of data (--header if it names the columns)")
      << '\n';
}

void print_flow(std::ostream& out, const Options& options, Index dimensions) {
  const bool adaptive = options.solver == "dopri5" || options.solver == "tsit5" || options.solver == "bosh3";
  out << "flow      field " << dimensions;
  for (int i = 0; i < options.depth; ++i) out << '-' << options.width;
  out << '-' << dimensions << " (tanh), " << options.solver << " with "
      << (adaptive ? "tolerance " + plain(options.tolerance) : std::to_string(options.steps) + " steps") << ", "
      << options.gradient << ", "
      << (options.trace == "exact" ? std::string("exact trace")
                                   : options.trace + " trace estimate (" + std::to_string(options.probes) + ")")
      << ", kinetic energy " << plain(options.kinetic_energy) << '\n';
}

void print_training(std::ostream& out, const TrainedFlow& flow) {
  const double epochs = double(flow.history.size());
  out << "training  " << flow.history.size() << " epochs (best: " << flow.best_epoch << ") in "
      << cell(flow.seconds, 1, 0) << " s, " << cell(flow.seconds / epochs, 3, 0) << " s per epoch; "
      << flow.training_evaluations << " evaluations of the field, " << cell(flow.evaluations_per_solve, 1, 0)
      << " per forward solve; " << flow.parameters << " parameters\n";
  const Epoch& last = flow.history.back();
  if (last.validation_loss < last.train_nll)
    out << "note      validation is below training: the training figure is the mean while the epoch runs, by "
           "parameters that\n"
           "          still improve, the validation figure is of other rows, after the epoch\n";
  if (!flow.trouble.empty()) out << "note      training stopped early, best parameters kept: " << flow.trouble << '\n';
  print_warnings(out, flow.warnings);
}

void print_bandwidths(std::ostream& out, const KernelDensity& density, const std::vector<std::string>& names) {
  out << "kernel estimate: bandwidth ";
  const Eigen::VectorXd widths = density.bandwidths();
  for (Index i = 0; i < widths.size(); ++i)
    out << (i == 0 ? "" : ", ") << plain(widths(i)) << " (" << names[std::size_t(i)] << ")";
  out << ", " << (density.shape() == KernelDensity::Shape::axes ? "one per column" : "shaped like the covariance")
      << ", by leave-one-out on the training rows (" << cell(density.leave_one_out_nll(), 4, 0) << ")\n";
}

}  // namespace examples::cnf
