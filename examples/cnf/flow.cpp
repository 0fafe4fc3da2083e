/// \file
/// Training, and the file of a trained flow: what does not depend on the solver, which is compiled in flow_*.cpp.
#include <examples/cnf/flow.hpp>

#include <examples/cnf/any_policies.hpp>
#include <examples/cnf/solved_flow.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/report_notes.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/fit.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

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

namespace {

/// The flow of a file. Whatever it was trained by, the file names an adaptive solver of the same tolerance, by which
/// other programs evaluate it; this one takes solver and gradient method from the notes (saved_flow.hpp).
using FlowOfFile = pathline::Cnf<Field, AnyTrace, pathline::Dopri5, pathline::PiController, pathline::Backpropagation<>,
                                 Transform, pathline::KineticEnergy>;

[[nodiscard]] FlowOfFile flow_of_file(const Field& field, const Transform& transform, const Options& options) {
  return FlowOfFile(field, trace_named(options), {}, {.rtol = options.tolerance, .atol = options.tolerance}, {},
                    transform, {.weight = options.kinetic_energy});
}

[[nodiscard]] std::unique_ptr<SolvedFlow> solved(const FlowOfFile& flow, const Options& options) {
  const auto by = [&]<class Solver>(Solver /*named*/) {
    return make_flow<Solver>(flow.field(), flow.data_transform(), options);
  };
  if (options.solver == "dopri5") return by(pathline::Dopri5{});
  if (options.solver == "tsit5") return by(pathline::Tsit5{});
  if (options.solver == "bosh3") return by(pathline::BogackiShampine{});
  if (options.solver == "rk4") return by(pathline::Rk4{});
  throw pathline::ArgumentError("--solver", options.solver, "dopri5, tsit5, bosh3 or rk4");
}

/// A flow as `fit` trains it (`Trainable`): by a solver that this source does not know.
class Learner {
 public:
  using Scalar = float;
  using DataScalar = double;
  struct Memory {
    SolvedFlow::Memory of_flow;
  };

  Learner(FlowOfFile parts, const Options& options)
      : parts_(std::move(parts)), options_(options), flow_(solved(parts_, options)) {}

  [[nodiscard]] Index dim() const { return parts_.dim(); }
  [[nodiscard]] Index data_rows() const { return parts_.data_rows(); }
  [[nodiscard]] const Transform& data_transform() const { return parts_.data_transform(); }
  [[nodiscard]] pathline::Parameters<float>& parameters() { return flow_->parameters(); }
  [[nodiscard]] auto context_warnings(const Table& X) const { return parts_.context_warnings(X); }
  [[nodiscard]] auto data_warnings(const Table& X) const { return parts_.data_warnings(X); }
  [[nodiscard]] auto log_prob(const pathline::DataRef<double>& X) const { return flow_->log_prob(X); }
  [[nodiscard]] auto refined_log_prob(const pathline::DataRef<double>& X) const { return flow_->refined_log_prob(X); }
  [[nodiscard]] auto refinement() const { return flow_->refinement(); }
  [[nodiscard]] pathline::TrainingLoss<float> make_training_loss() const { return {}; }
  void value_and_gradient(const pathline::DataRef<double>& X, std::span<const Index> samples,
                          const pathline::Draw& draw, Memory& memory, pathline::TrainingLoss<float>& result) const {
    flow_->value_and_gradient(X, samples, draw, memory.of_flow, result);
  }
  /// What a run that goes on from a checkpoint must have been asked too.
  template <class Visit>
  void settings(Visit& visit) const {
    visit("solver", options_.solver);
    visit("tolerance", options_.tolerance);
    visit("steps", options_.steps);
    visit("gradient", options_.gradient);
    visit("trace", options_.trace);
    visit("probes", options_.probes);
    visit("kinetic energy", options_.kinetic_energy);
  }

  /// With the parameters as they are now.
  [[nodiscard]] FlowOfFile to_file() const {
    FlowOfFile flow = parts_;
    flow.parameters() = flow_->parameters();
    return flow;
  }
  [[nodiscard]] const std::shared_ptr<SolvedFlow>& flow() const { return flow_; }

 private:
  FlowOfFile parts_;
  const Options& options_;
  std::shared_ptr<SolvedFlow> flow_;
};

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

/// The functions of a flow, which they keep alive.
void add_functions(const std::shared_ptr<SolvedFlow>& flow, pathline::Rng rng, TrainedFlow& result) {
  result.parameters = flow->parameters().size();
  result.log_prob = [flow](const Table& X) -> Values { return flow->log_prob(X).cast<double>(); };
  result.sample = [flow, rng](Index count) mutable -> Table { return flow->sample(count, rng); };
  result.trajectory = [flow](const Table& X, const std::vector<double>& times) {
    std::vector<Table> states;
    for (const auto& state : flow->trajectory(X, times)) states.push_back(state.cast<double>());
    return states;
  };
}

/// What training reported, from the notes of a file.
void take_report(const pathline::io::Notes& notes, TrainedFlow& result) {
  const pathline::io::Tensor* const train = notes.find("report.train_nll");
  const pathline::io::Tensor* const validation = notes.find("report.validation_loss");
  if (train == nullptr || validation == nullptr) return;
  const auto nll = pathline::io::values_of<double>(*train), loss = pathline::io::values_of<double>(*validation);
  for (std::size_t i = 0; i < std::min(nll.size(), loss.size()); ++i)
    result.history.push_back({int(i) + 1, int(nll.size()), nll[i], loss[i]});
  result.best_epoch = std::atoi(notes.text("report.best_epoch", "0").c_str());
}

}  // namespace

TrainedFlow train_flow(const Split& split, const Options& options, const std::function<void(const Epoch&)>& on_epoch) {
  pathline::Rng rng(options.seed);
  const Transform standardize(split.train);
  const std::vector<Index> hidden(std::size_t(options.depth), Index(options.width));
  Learner learner(flow_of_file(Field(split.train.rows(), hidden, rng), standardize, options), options);
  const auto tell = [&on_epoch](const pathline::EpochReport& epoch) {
    on_epoch({int(epoch.epoch), int(epoch.epochs), epoch.train_nll, epoch.validation_loss});
  };
  const pathline::EarlyStopping stopping{.patience = options.patience > 0 ? options.patience : options.epochs};
  TrainedFlow result;
  pathline::FitReport report;
  try {
    report = pathline::fit(learner, split.train, split.validation, {.epochs = options.epochs, .batch = options.batch},
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
  add_functions(learner.flow(), rng, result);
  result.save = [flow = learner.to_file(), report, rng](const std::filesystem::path& path,
                                                        const pathline::io::Notes& notes) {
    pathline::io::Notes all = pathline::io::notes_of(report);
    all.texts.insert(notes.texts.begin(), notes.texts.end());
    all.texts["draws"] = std::to_string(rng.next());  // where the generator goes on: the same samples
    pathline::io::save(path, flow, all);
  };
  return result;
}

TrainedFlow load_flow(Index columns, const Options& options) {
  const auto file = pathline::io::load<FlowOfFile>(options.load);
  if (file.dim() != columns)
    throw pathline::ShapeError("the table", "columns", columns, file.dim(),
                               "choose those that the flow of --load has learned by --columns");
  const pathline::io::Notes notes = pathline::io::read_notes(options.load);
  TrainedFlow result;
  const std::uint64_t draws = std::strtoull(notes.text("draws", "0").c_str(), nullptr, 10);
  add_functions(solved(file, options), pathline::Rng(options.seed, draws), result);
  take_report(notes, result);
  return result;
}

}  // namespace examples::cnf
