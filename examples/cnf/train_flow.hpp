/// \file
/// The template behind every flow_*.cpp: puts a flow together from its parts, trains it, and hands back its functions.
#pragma once

#include <examples/cnf/flow.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/report_notes.hpp>
#include <pathline/nn.hpp>
#include <pathline/train/fit.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace examples::cnf {

/// A trace estimator chosen at run time: the concept speaks of numbers of tangents and of filling them, so a choice
/// costs one visit a solve. (A solver or a gradient method chosen so would cost one in every step.)
struct AnyTrace {
  std::variant<pathline::ExactTrace, pathline::Hutchinson<pathline::Rademacher>,
               pathline::Hutchinson<pathline::Gaussian>>
      choice;

  [[nodiscard]] Index tangents(Index d) const {
    return std::visit([d](const auto& trace) { return trace.tangents(d); }, choice);
  }
  [[nodiscard]] double weight(Index d, Index j) const {
    return std::visit([&](const auto& one) { return one.weight(d, j); }, choice);
  }
  template <pathline::Real Scalar>
  void fill(const pathline::Draw& draw, std::span<const Index> samples, pathline::BatchMap<Scalar> V,
            pathline::Workspace<Scalar>& workspace) const {
    std::visit([&](const auto& trace) { trace.fill(draw, samples, V, workspace); }, choice);
  }
};

}  // namespace examples::cnf

template <>
struct pathline::io::Described<examples::cnf::AnyTrace> {
  static constexpr std::string_view name = "AnyTrace";
  static void describe(const examples::cnf::AnyTrace& trace, Description& out) {
    out.setting("choice", trace.choice.index());
    std::visit([&out](const auto& one) { out.part("one", one); }, trace.choice);
  }
  static examples::cnf::AnyTrace read(ModelReader& in) {
    const auto choice = in.setting<std::size_t>("choice");
    if (choice == 1) return {in.part<Hutchinson<Rademacher>>("one").value()};
    if (choice == 2) return {in.part<Hutchinson<Gaussian>>("one").value()};
    return {in.part<ExactTrace>("one").value()};
  }
};

namespace examples::cnf {

[[nodiscard]] inline AnyTrace trace_named(const Options& options) {
  if (options.trace == "rademacher") return {pathline::Hutchinson<pathline::Rademacher>{options.probes}};
  if (options.trace == "gaussian") return {pathline::Hutchinson<pathline::Gaussian>{options.probes}};
  return {pathline::ExactTrace{}};
}

namespace detail {

/// The functions of a flow, which they keep alive.
template <class Flow>
void add_functions(const std::shared_ptr<Flow>& flow, pathline::Rng rng, TrainedFlow& result) {
  result.parameters = flow->parameters().size();
  result.log_prob = [flow](const Table& X) -> Values { return flow->log_prob(X).template cast<double>(); };
  result.sample = [flow, rng](Index count) mutable -> Table { return flow->sample(count, rng); };
  result.trajectory = [flow](const Table& X, const std::vector<double>& times) {
    std::vector<Table> states;
    for (const auto& state : flow->trajectory(X, times)) states.push_back(state.template cast<double>());
    return states;
  };
}

/// Keeps the run where the options name a file.
struct CheckpointIfNamed : pathline::io::Checkpoint {
  void check() const {
    if (!path.empty()) Checkpoint::check();
  }
  [[nodiscard]] decltype(Checkpoint().read()) read() const { return path.empty() ? std::nullopt : Checkpoint::read(); }
  template <class Values>
  void write(const pathline::RunSettings& asked, const Values& values) const {
    if (!path.empty()) Checkpoint::write(asked, values);
  }
};

struct SayResumed {
  [[nodiscard]] auto start(const pathline::TrainingStart& start) const {
    if (start.resumed) std::cerr << "training resumed after epoch " << start.done << " of " << start.total << '\n';
    return [](const pathline::EpochReport& /*epoch*/) {};
  }
};

/// Trains `flow` and keeps it alive in the functions of the result.
template <class Flow>
[[nodiscard]] TrainedFlow trained(std::shared_ptr<Flow> flow, const Split& split, const Options& options,
                                  pathline::Rng& rng, const std::function<void(const Epoch&)>& on_epoch) {
  const auto tell = [&on_epoch](const pathline::EpochReport& epoch) {
    on_epoch({int(epoch.epoch), int(epoch.epochs), epoch.train_nll, epoch.validation_loss});
  };
  const pathline::EarlyStopping stopping{.patience = options.patience > 0 ? options.patience : options.epochs};
  TrainedFlow result;
  pathline::FitReport report;
  try {
    report = pathline::fit(*flow, split.train, split.validation, {.epochs = options.epochs, .batch = options.batch},
                           rng, pathline::Adam{.learning_rate = options.learning_rate},
                           pathline::Cosine{.final_rate = 0.02 * options.learning_rate},
                           pathline::ClipByNorm{.max_norm = 10}, stopping, tell,
                           CheckpointIfNamed{{.path = options.checkpoint}}, SayResumed{});
  } catch (const pathline::TrainingError& error) {
    if (error.report.best_epoch == 0) throw;
    report = error.report;
    result.trouble = error.what();
  }
  double solves = 0;
  for (const pathline::EpochReport& epoch : report.epochs) {
    result.history.push_back({int(epoch.epoch), int(epoch.epochs), epoch.train_nll, epoch.validation_loss});
    result.seconds += epoch.seconds;
    result.training_evaluations += epoch.forward.evaluations + epoch.backward.evaluations;
    solves += double(epoch.evaluations);
  }
  result.warnings = report.warnings;
  result.best_epoch = int(report.best_epoch);
  result.evaluations_per_solve = solves / double(report.epochs.size());
  add_functions(flow, rng, result);
  result.save = [flow, report, rng](const std::filesystem::path& path, const pathline::io::Notes& notes) {
    pathline::io::Notes all = pathline::io::notes_of(report);
    all.texts.insert(notes.texts.begin(), notes.texts.end());
    all.texts["draws"] = std::to_string(rng.next());  // where the generator goes on: the same samples
    pathline::io::save(path, *flow, all);
  };
  return result;
}

/// What training reported, from the notes of a file.
inline void take_report(const pathline::io::Notes& notes, TrainedFlow& result) {
  const pathline::io::Tensor* const train = notes.find("report.train_nll");
  const pathline::io::Tensor* const validation = notes.find("report.validation_loss");
  if (train == nullptr || validation == nullptr) return;
  const auto nll = pathline::io::values_of<double>(*train), loss = pathline::io::values_of<double>(*validation);
  for (std::size_t i = 0; i < std::min(nll.size(), loss.size()); ++i)
    result.history.push_back({int(i) + 1, int(nll.size()), nll[i], loss[i]});
  result.best_epoch = std::atoi(notes.text("report.best_epoch", "0").c_str());
}

}  // namespace detail

/// Calls `of` with a flow of this solver, which has the parts that the options name.
template <class Solver, class Of>
[[nodiscard]] TrainedFlow with_flow(Index dimensions, const pathline::Standardize<double>& standardize,
                                    pathline::Rng& rng, const Options& options, Of&& of) {
  const std::vector<Index> hidden(std::size_t(options.depth), Index(options.width));
  const pathline::Mlp<float, pathline::Tanh> field(dimensions, hidden, rng);
  const auto control = [&options] {
    if constexpr (pathline::EmbeddedMethod<Solver>)
      return pathline::PiController{.rtol = options.tolerance, .atol = options.tolerance};
    else
      return pathline::FixedSteps(options.steps);
  }();
  const auto with = [&](const auto& gradient) {
    return of(std::make_shared<decltype(pathline::Cnf(field, trace_named(options), Solver{}, control, gradient,
                                                      standardize, pathline::KineticEnergy{}, pathline::Threads{}))>(
        field, trace_named(options), Solver{}, control, gradient, standardize,
        pathline::KineticEnergy{.weight = options.kinetic_energy}, pathline::Threads{options.threads}));
  };
  return options.gradient == "adjoint" ? with(pathline::Adjoint{}) : with(pathline::Backpropagation<>{});
}

/// `train_flow` with the solver fixed.
template <class Solver>
[[nodiscard]] TrainedFlow train_flow_with(const Split& split, const Options& options,
                                          const std::function<void(const Epoch&)>& on_epoch) {
  pathline::Rng rng(options.seed);
  // In double: a time in seconds, or a large identifier, keeps its spread. The network sees float.
  const pathline::Standardize standardize(split.train);
  return with_flow<Solver>(split.train.rows(), standardize, rng, options,
                           [&](auto flow) { return detail::trained(std::move(flow), split, options, rng, on_epoch); });
}

/// `load_flow` with the solver fixed.
template <class Solver>
[[nodiscard]] TrainedFlow load_flow_with(Index columns, const Options& options) {
  const auto description = pathline::io::read_description(options.load);
  const auto widths = description.find("field.widths");
  if (widths == description.end())
    throw pathline::FileError(options.load.string() +
                              " has no field.widths: it is not a file of this program's --save");
  if (const Index dimensions = std::atoi(widths->second.c_str()); dimensions != columns)
    throw pathline::ShapeError("the table", "columns", columns, dimensions,
                               "choose those that the flow of --load has learned by --columns");
  const pathline::io::Notes notes = pathline::io::read_notes(options.load);
  pathline::Rng any_rng(0);
  const pathline::Standardize<double> any(Table::Zero(columns, 1), Table::Ones(columns, 1));
  return with_flow<Solver>(columns, any, any_rng, options, [&](auto flow) {
    pathline::io::load(options.load, *flow);
    TrainedFlow result;
    const std::uint64_t draws = std::strtoull(notes.text("draws", "0").c_str(), nullptr, 10);
    detail::add_functions(flow, pathline::Rng(options.seed, draws), result);
    detail::take_report(notes, result);
    return result;
  });
}

}  // namespace examples::cnf
