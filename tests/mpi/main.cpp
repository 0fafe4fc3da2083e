/// \file
/// What `Distributed` promises. `mpirun -n RANKS distributed alone matching variational warnings weights failures` ends
/// with 0 when the cases hold on every rank. `mpirun -n RANKS distributed bits THREADS CHECKPOINT [kill|throw]` trains,
/// and prints on rank 0 what must be the same for every number of ranks and threads. With `kill` or `throw` the last
/// rank does that, after a run with weights has stopped on all, and another call goes on from both checkpoints.
#include <pathline/core/errors.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/mpi.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/checkpoint/model_settings.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/source/row_set.hpp>
#include <pathline/train/source/shuffled_source.hpp>
#include <pathline/train/toy/toy_densities.hpp>
#include <pathline/train/variational/fit_variational.hpp>

#include <mpi.h>

#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

int rank_of_this() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int ranks_of_all() {
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return ranks;
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("rank " + std::to_string(rank_of_this()) + ": " + what);
}

/// The error that `work` throws, which must be an E.
template <class E, class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const E& error) {
    return error.what();
  }
  throw std::runtime_error("nothing was thrown");
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

auto make_flow(const Batch<double>& X, int threads = 1, Index chunk_width = 0) {
  Rng rng(7);
  return Cnf(Mlp<double, Tanh>(2, {8}, rng), Rk4{}, FixedSteps(3), Standardize(X), Threads{threads},
             ChunkWidth{chunk_width});
}

using Flow = decltype(make_flow(Batch<double>{}));

/// The mean of (x - θ)² / 2, weighted, with θ known; it refuses data above 100.
struct Quadratic {
  using Scalar = double;
  using DataScalar = double;
  struct Memory {};
  Vector<double> theta = Vector<double>::Constant(1, 0.5);

  Vector<double>& parameters() { return theta; }
  const Vector<double>& parameters() const { return theta; }
  Index data_rows() const { return 1; }
  TrainingLoss<double> make_training_loss() const { return {}; }
  Row<double> losses(ConstDataRef<double> X) const { return (X.array() - theta(0)).square() / 2; }

  void value_and_gradient(ConstDataRef<double> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          TrainingLoss<double>& loss) const {
    value_and_gradient(X, samples, Vector<double>::Ones(X.cols()), draw, memory, loss);
  }
  void value_and_gradient(ConstDataRef<double> X, std::span<const Index>, const Vector<double>& weights, const Draw&,
                          Memory&, TrainingLoss<double>& loss) const {
    if (X.maxCoeff() > 200) {
      SolveFailure at;
      at.t = 0.25;
      at.sample = 1;
      throw StepLimitError(at);
    }
    if (X.maxCoeff() > 100) throw DataError("data above 100");
    const Row<double> residuals = X.array() - theta(0);
    loss.loss = residuals.array().square().matrix().dot(weights.transpose()) / 2 / double(X.cols());
    loss.gradient = Vector<double>::Constant(1, -residuals.dot(weights.transpose()) / double(X.cols()));
    loss.solves = 1;
  }
};

std::vector<Index> ids_of(Index n) {
  std::vector<Index> ids(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) ids[std::size_t(i)] = i;
  return ids;
}

/// A Gaussian with mean (1, -1) and deviation 1 / 2, unnormalised.
struct Bell {
  void log_density(ConstBatchRef<double> X, RowRef<double> log_p) const {
    for (Index j = 0; j < X.cols(); ++j)
      log_p(j) = -2 * ((X(0, j) - 1) * (X(0, j) - 1) + (X(1, j) + 1) * (X(1, j) + 1));
  }
  void score(ConstBatchRef<double> X, BatchRef<double> X_bar) const {
    for (Index j = 0; j < X.cols(); ++j) {
      X_bar(0, j) = -4 * (X(0, j) - 1);
      X_bar(1, j) = -4 * (X(1, j) + 1);
    }
  }
};

/// Some rows with a weight each, 0 to 3, behind their two numbers.
Batch<double> weighted_rows(Index n) {
  Batch<double> rows(3, n);
  rows.topRows(2) = sample_toy<double>(ToyDensity::moons, n, Draw{1, 0});
  for (Index j = 0; j < n; ++j) rows(2, j) = double(j % 4);
  return rows;
}

/// Four epochs from a source of such rows; what is trained ends with its last parameters.
template <class Objective, class Source, class... Policies>
void train_by(Objective& objective, const Source& source, Policies&&... policies) {
  Rng rng(3);
  fit(objective, source, {.epochs = 4, .batch = 16}, rng, Sgd{.learning_rate = 0.05},
      std::forward<Policies>(policies)...);
}

// From a source with weights. Where it stops, all ranks do after two epochs, and the next run goes on.
void train_by_weights(Distributed<FlowMatching<Flow>>& objective, const std::string& checkpoint, bool stops) {
  struct Stopped {};
  const Batch<double> rows = weighted_rows(50);
  const RowsInMemory in_memory(rows);
  try {
    train_by(objective, ShuffledSource(in_memory, {.epoch = 30, .last_is_weight = true}),
             on_rank_0(io::Checkpoint{.path = checkpoint}), [&](const EpochReport& epoch) {
               if (stops && epoch.epoch == 3) throw Stopped{};
             });
  } catch (const Stopped&) {
  }
}

// A gradient, and what a run of training ends with. Its last mini-batch has fewer rows than there are shares; shares of
// the others have several chunks.
void bits(int threads, const std::string& checkpoint, const std::string& end) {
  const Batch<double> X = sample_toy<double>(ToyDensity::moons, 105, Rng(1).draw());
  auto flow = make_flow(X, threads, 2);
  Distributed distributed(flow);
  const bool last = distributed.rank() == distributed.ranks() - 1;
  auto matched = make_flow(X, threads, 2);
  FlowMatching matching(matched);
  Distributed shared_matching(matching);
  train_by_weights(shared_matching, checkpoint + ".weights", !end.empty());
  decltype(distributed)::Memory memory;
  auto loss = flow.make_training_loss();
  distributed.value_and_gradient(X, ids_of(X.cols()), Rng(5).draw(), memory, loss);
  Rng rng(3);
  const FitReport report =
      fit(distributed, X, {.epochs = 4, .batch = 50}, rng, on_rank_0(io::Checkpoint{.path = checkpoint}),
          on_rank_0(PrintProgress{}), [&](const EpochReport& epoch) {
            if (!last || epoch.epoch < 3) return;
            if (end == "kill") std::raise(SIGKILL);
            if (end == "throw") throw std::runtime_error("the last rank has enough");
          });
  const auto log_prob = distributed.log_prob(X);
  const auto samples = distributed.sample(20, rng);
  auto sampler = make_flow(X, threads, 2);
  VariationalInference inference(sampler, Bell{});
  Distributed shared(inference);
  Rng order(4);
  const FitReport variational = fit(shared, {.iterations = 3, .batch = 50, .report_every = 3}, order);
  if (distributed.rank() > 0) return;
  for (const double theta : matched.parameters()) std::printf("%a\n", theta);
  for (const std::string& warning : variational.warnings) std::printf("%s\n", warning.c_str());
  for (const double theta : sampler.parameters()) std::printf("%a\n", theta);
  std::printf("%a\n", variational.epochs.back().train_loss);
  for (const double entry : loss.gradient) std::printf("%a\n", entry);  // a step of Adam would round the last bits off
  for (const double theta : flow.parameters()) std::printf("%a\n", theta);
  for (const double x : samples.reshaped()) std::printf("%a\n", x);
  std::printf("%a %a %a %lld %a\n", loss.loss, report.best_criterion, log_prob.sum(),
              static_cast<long long>(report.epochs.back().solves), report.solver_check.refined_nll);
}

// The sum is that of the model alone, up to rounding: steps are fixed.
void alone() {
  const Batch<double> X = sample_toy<double>(ToyDensity::moons, 50, Rng(1).draw());
  auto flow = make_flow(X);
  Distributed distributed(flow);
  const std::vector<Index> ids = ids_of(X.cols());
  const Draw draw = Rng(5).draw();
  Row<double> factors = Row<double>::LinSpaced(X.cols(), 0, 2);
  decltype(flow)::Memory memory;
  decltype(distributed)::Memory shared;
  auto expected = flow.make_training_loss(), got = expected;
  for (const bool weighted : {false, true}) {
    if (weighted) {
      const Vector<double> weights = factors.transpose();
      flow.value_and_gradient(X, ids, weights, draw, memory, expected);
      distributed.value_and_gradient(X, ids, weights, draw, shared, got);
    } else {
      flow.value_and_gradient(X, ids, draw, memory, expected);
      distributed.value_and_gradient(X, ids, draw, shared, got);
    }
    require((got.gradient - expected.gradient).norm() < 1e-13 * expected.gradient.norm(), "the gradient differs");
    require(std::abs(got.loss - expected.loss) < 1e-13 * std::abs(expected.loss), "the loss differs");
    require(std::abs(got.negative_log_likelihood - expected.negative_log_likelihood) < 1e-13 * std::abs(expected.loss),
            "the likelihood differs");
    require(got.forward.evaluations == 8 * 12 && got.solves == 8, "the statistics are not those of eight shares");
  }
  detail::SettingsList of_flow, of_both;
  of_flow.add("model: shares", "8");
  detail::add_settings_of_model(flow, of_flow);
  of_both.add_settings_of("model", distributed);
  detail::add_settings_of_model(distributed, of_both);
  require(of_flow.settings() == of_both.settings(), "a checkpoint does not know the model's settings");
  require((distributed.log_prob(X) - flow.log_prob(X)).cwiseAbs().maxCoeff() < 1e-12, "likelihoods differ");
  require((distributed.log_prob(X.leftCols(3)) - flow.log_prob(X.leftCols(3))).cwiseAbs().maxCoeff() < 1e-12,
          "likelihoods of few rows differ");
  require((distributed.transform(X) - flow.transform(X)).cwiseAbs().maxCoeff() < 1e-12, "base points differ");
  require(distributed.data_warnings(X) == flow.data_warnings(X), "warnings of data differ");
  Rng rng(11), same(11);
  for (const Index count : {3, 30})
    require((distributed.sample(count, rng) - flow.sample(count, same)).cwiseAbs().maxCoeff() < 1e-12,
            "samples differ");
  require(rng.next() == same.next(), "the generators differ");
  require(contains(message_of<ArgumentError>([&] { (void)distributed.sample(0, rng); }), "count is 0, expected"),
          "no samples");
}

// Flow matching draws base points and times by the numbers of rows, whichever share they are in.
void matching() {
  const Batch<double> X = sample_toy<double>(ToyDensity::moons, 50, Rng(1).draw());
  auto flow = make_flow(X);
  FlowMatching objective(flow, ByMatchingLoss{.draws = 2});
  Distributed distributed(objective);
  decltype(objective)::Memory memory;
  decltype(distributed)::Memory shared;
  auto expected = objective.make_training_loss(), got = expected;
  objective.value_and_gradient(X, ids_of(X.cols()), Draw{5, 0}, memory, expected);
  distributed.value_and_gradient(X, ids_of(X.cols()), Draw{5, 0}, shared, got);
  require((got.gradient - expected.gradient).norm() < 1e-13 * expected.gradient.norm(), "the gradient differs");
  require(std::abs(got.loss - expected.loss) < 1e-13 * expected.loss, "the loss differs");
  const Row<double> losses = objective.losses(X);
  require((distributed.losses(X) - losses).cwiseAbs().maxCoeff() < 1e-12 * losses.maxCoeff(), "losses differ");
}

// The reverse divergence of base points that are shared out is that of all of them.
void variational() {
  const Batch<double> X = sample_toy<double>(ToyDensity::moons, 50, Rng(1).draw());
  auto flow = make_flow(X);
  VariationalInference inference(flow, Bell{});
  Distributed distributed(inference);
  decltype(inference)::Memory memory;
  decltype(distributed)::Memory shared;
  auto expected = inference.make_training_loss(), got = expected;
  const Batch<double> Z = inference.base_points(50, Draw{5, 0});
  require(distributed.base_points(50, Draw{5, 0}) == Z, "the base points differ");
  inference.value_and_gradient(Z, ids_of(50), Draw{5, 1}, memory, expected);
  distributed.value_and_gradient(Z, ids_of(50), Draw{5, 1}, shared, got);
  require((got.gradient - expected.gradient).norm() < 1e-13 * expected.gradient.norm(), "the gradient differs");
  require(std::abs(got.loss - expected.loss) < 1e-13 * std::abs(expected.loss), "the loss differs");
  require((distributed.losses(Z) - inference.losses(Z)).cwiseAbs().maxCoeff() < 1e-12, "losses differ");
}

// What variational inference finds doubtful about a whole mini-batch is said in the same words on every rank.
void warnings() {
  const Batch<double> X = sample_toy<double>(ToyDensity::moons, 50, Rng(1).draw());
  auto flow = make_flow(X);
  flow.parameters() *= 12;  // a few fixed steps are then too long
  VariationalInference inference(flow, Bell{});
  Distributed distributed(inference);
  decltype(inference)::Memory memory;
  decltype(distributed)::Memory shared;
  auto loss = inference.make_training_loss();
  const Batch<double> Z = inference.base_points(50, Draw{5, 0});
  inference.value_and_gradient(Z, ids_of(50), Draw{5, 1}, memory, loss);
  distributed.value_and_gradient(Z, ids_of(50), Draw{5, 1}, shared, loss);
  const std::vector<std::string> expected = inference.training_warnings(memory);
  require(!expected.empty(), "there are no warnings");
  require(distributed.training_warnings(shared) == expected, "the warnings are others");
  Rng rng(3);
  const FitReport report = fit(distributed, {.iterations = 2, .batch = 50, .report_every = 1}, rng);
  require(!report.warnings.empty(), "a run has no warnings");
}

// A source's weights reach every share.
void weights() {
  const Batch<double> rows = weighted_rows(50), samples = rows.topRows(2);
  Batch<double> equal = rows;
  equal.row(2).setConstant(0.1);
  const RowsInMemory with_weight(rows), with_equal(equal), without(samples);
  const ShuffledSource weighted(with_weight, {.last_is_weight = true}), evenly(with_equal, {.last_is_weight = true}),
      plain(without);
  const auto check = [&](const auto& objective_of) {
    const auto trained = [&](const auto& source, bool on_ranks) {
      auto flow = make_flow(samples);
      auto&& objective = objective_of(flow);
      Distributed distributed(objective);
      if (on_ranks)
        train_by(distributed, source);
      else
        train_by(objective, source);
      return Vector<double>(std::as_const(flow).parameters());
    };
    const Vector<double> expected = trained(weighted, false), got = trained(weighted, true);
    require((got - expected).norm() < 1e-12 * expected.norm(), "the parameters are not those of the model alone");
    require((got - trained(plain, true)).norm() > 1e-3 * got.norm(), "weights make no difference");
    require(trained(evenly, true) == trained(plain, true), "equal weights have other bits than none");
  };
  check([](Flow& flow) -> Flow& { return flow; });
  check([](Flow& flow) { return FlowMatching(flow); });
}

// What goes wrong on one rank is thrown on all; afterwards all go on.
void failures() {
  Quadratic model;
  if (rank_of_this() > 0) model.theta(0) = 9;
  Distributed distributed(model);
  require(model.theta(0) == 0.5, "the parameters are not those of rank 0");
  const Index n = 80;
  const std::vector<Index> ids = ids_of(n);
  decltype(distributed)::Memory memory;
  TrainingLoss<double> loss;
  const int last = ranks_of_all() - 1;
  const std::string culprit = "rank " + std::to_string(last) + ": ";
  Batch<double> X = Batch<double>::Ones(1, n);
  const auto value = [&](Index number = 0) {
    distributed.value_and_gradient(X, ids, Draw{1, std::uint64_t(number)}, memory, loss);
  };
  value();
  require(loss.loss == 0.125 && loss.gradient(0) == -0.5, "the loss is wrong");

  X(0, n - 1) = 101;
  const std::string words = culprit + "data above 100; sample numbers count from sample 70 of the batch";
  require(contains(message_of<RankError>(value), words), "the words of the rank that failed");
  X(0, n - 1) = 201;
  try {
    value();
    require(false, "nothing was thrown");
  } catch (const SolveError& error) {
    require(contains(error.what(), culprit + "solve: the step limit is used up at t = 0.25") &&
                contains(error.what(), "sample 71"),
            "the words of the solve that failed");
    require(error.t == 0.25 && error.sample == 71, "the failure of the solve that failed");
  }
  X(0, n - 1) = 1;
  value();
  require(loss.loss == 0.125, "the loss after failures is wrong");

  const Batch<double> two_rows = Batch<double>::Ones(2, n);
  const auto wrong_shape = [&] { (void)distributed.losses(rank_of_this() == last ? two_rows : X); };
  require(contains(message_of<RankError>(wrong_shape), culprit + "Distributed: data has 2 rows, expected 1"),
          "data of another shape on one rank");
  if (last > 0) {
    const auto refused = [&](const auto& work) { return contains(message_of<RankError>(work), "the ranks differ in"); };
    require(refused([&] { value(rank_of_this() == last ? 1 : 0); }), "draws that differ");
    X(0, 3) = rank_of_this() == last ? 2 : 1;
    require(refused(value), "data that differ");
    Rng rng(rank_of_this() == last ? 1 : 0);
    auto flow = make_flow(Batch<double>{{0, 1, 2}, {1, 0, 1}});
    require(refused([&] { (void)Distributed(flow).sample(10, rng); }), "samples of generators that differ");
    X(0, 3) = 1;
    Vector<double> weights = Vector<double>::Ones(n);
    weights(3) = rank_of_this() == last ? 2 : 1;
    require(refused([&] {
              distributed.value_and_gradient(X, ids, weights, Draw{1, 0}, memory, loss);
            }),
            "weights that differ");
    model.theta(0) = rank_of_this() == last ? 2 : 1;
    require(refused(value), "parameters that differ");
    const auto few_shares = [&] { Distributed one_share(model, MPI_COMM_WORLD, 1); };
    require(contains(message_of<ArgumentError>(few_shares), "shares is 1, expected one for each of"), "too few shares");
    model.theta.resize(rank_of_this() == last ? 2 : 1);
    require(contains(message_of<ArgumentError>([&] { Distributed other(model); }), "the same number on all ranks"),
            "models that differ");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> cases{
      {"alone", alone},       {"matching", matching}, {"variational", variational},
      {"warnings", warnings}, {"weights", weights},   {"failures", failures}};
  Quadratic early;
  try {
    require(contains(message_of<ArgumentError>([&] { Distributed too_early(early); }), "MPI is not initialized"),
            "its words");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "before MPI_Init: %s\n", error.what());
    return 1;
  }
  const std::vector<std::string> words(argv + 1, argv + argc);
  return run_ranks(argc, argv, [&] {
    if (words.at(0) == "bits") return bits(std::stoi(words.at(1)), words.at(2), words.size() > 3 ? words[3] : "");
    for (const std::string& name : words) cases.at(name)();
  });
}
