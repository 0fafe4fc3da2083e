#include <pathline/train/fit.hpp>

#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/base/uniform_box.hpp>
#include <pathline/flow/refined_control.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/train/metric/estimate.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Independent normal numbers with θ = [means | logarithms of standard deviations]: everything is known in closed form.
/// A test watches each training call, and may spoil its result.
class GaussianModel {
 public:
  using Scalar = double;
  struct Memory {
    Index calls = 0;
  };
  struct Loss {
    double loss = 0, negative_log_likelihood = 0;
    std::vector<double> costs;
    Vector<double> gradient;
    Statistics forward, backward;
    Index solves = 0;
  };
  using Watch = std::function<void(Index call, const Batch<double>& X, std::span<const Index> samples, const Draw& draw,
                                   Loss& loss)>;

  explicit GaussianModel(Index dim, Watch watch = {})
      : theta_(Vector<double>::Zero(2 * dim)), watch_(std::move(watch)) {}

  [[nodiscard]] Index dim() const { return theta_.size() / 2; }
  [[nodiscard]] Index data_rows() const { return dim(); }
  [[nodiscard]] Vector<double>& parameters() { return theta_; }
  [[nodiscard]] auto mean() const { return theta_.head(dim()); }
  [[nodiscard]] auto log_scale() const { return theta_.tail(dim()); }

  [[nodiscard]] Row<double> log_prob(const Batch<double>& X) const {
    const double log_2_pi = 1.8378770664093453;
    return (-0.5 * standardized(X).colwise().squaredNorm().array() - log_scale().sum() - 0.5 * double(dim()) * log_2_pi)
        .matrix();
  }
  [[nodiscard]] double nll(const Batch<double>& X) const { return -log_prob(X).mean(); }

  [[nodiscard]] Loss make_training_loss() const { return {}; }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    const Batch<double> Z = standardized(X);
    loss.loss = loss.negative_log_likelihood = nll(X);
    loss.gradient.resize(theta_.size());
    loss.gradient.head(dim()) = -Z.rowwise().mean().cwiseQuotient(log_scale().array().exp().matrix());
    loss.gradient.tail(dim()) = 1 - Z.rowwise().squaredNorm().array() / double(X.cols());
    loss.costs.clear();
    loss.forward = loss.backward = {};
    loss.solves = 1;
    if (watch_) watch_(memory.calls, X, samples, draw, loss);
    ++memory.calls;
  }

 private:
  [[nodiscard]] Batch<double> standardized(const Batch<double>& X) const {
    return ((X.colwise() - mean()).array().colwise() / log_scale().array().exp()).matrix();
  }

  Vector<double> theta_;
  Watch watch_;
};

// The model without one thing each: a deleted function hides the inherited one.
struct NoParameters : GaussianModel {
  void parameters() const = delete;
};
struct NoGradient : GaussianModel {
  template <class... A>
  void value_and_gradient(const A&...) const = delete;
};
struct NoTrainingLoss : GaussianModel {
  void make_training_loss() const = delete;
};
struct NoLogProb : GaussianModel {
  void log_prob(const Batch<double>&) const = delete;
};
struct NoDataRows : GaussianModel {
  void data_rows() const = delete;
};
static_assert(Trainable<GaussianModel>);
static_assert(!Trainable<NoParameters> && !Trainable<NoGradient> && !Trainable<NoTrainingLoss> &&
              !Trainable<NoLogProb> && !Trainable<NoDataRows> && !Trainable<int>);

/// The model with a factor for each row of its loss.
struct WeightedModel : GaussianModel {
  using GaussianModel::GaussianModel;
  using GaussianModel::value_and_gradient;
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Vector<double>& weights,
                          const Draw& draw, Memory& memory, Loss& loss) const {
    ids.insert(ids.end(), samples.begin(), samples.end());
    loss.loss = loss.negative_log_likelihood = 0;
    Loss one;
    for (Index j = 0; j < X.cols(); ++j) {
      GaussianModel::value_and_gradient(X.col(j), {}, draw, memory, one);
      loss.loss += weights(j) / double(X.cols()) * one.loss;
      loss.gradient = (j == 0 ? 0 * one.gradient : loss.gradient) + weights(j) / double(X.cols()) * one.gradient;
    }
    loss.negative_log_likelihood = loss.loss;
    loss.solves = 1;
  }
  mutable std::vector<Index> ids;
};
static_assert(WeightedTrainable<WeightedModel> && !WeightedTrainable<GaussianModel>);

/// The model with a running count of training calls, which is told of each step of the optimizer.
struct CountingModel : GaussianModel {
  using GaussianModel::GaussianModel;
  void after_step(Memory& memory) {
    calls.push_back(memory.calls);
    means.push_back(mean());
  }
  std::vector<Index> calls;
  std::vector<Vector<double>> means;
};
static_assert(Trainable<CountingModel>);

/// The model as one that is solved for, by a solver that errs by `error` in log p of each row.
struct CoarseModel : GaussianModel {
  using GaussianModel::GaussianModel;
  [[nodiscard]] Row<double> refined_log_prob(const Batch<double>& X) const {
    if (fails) throw StepLimitError(SolveFailure{});
    checked = X.cols();
    return (log_prob(X).array() - error).matrix();
  }
  [[nodiscard]] static SolverRefinement refinement() { return {"16 steps in place of 4", "take more"}; }
  double error = 0;
  bool fails = false;
  mutable Index checked = 0;
};
static_assert(Trainable<CoarseModel>);

/// n samples around `centre` in each of d dimensions, with standard deviation `scale`.
Batch<double> samples_around(double centre, Index d, Index n, double scale = 1, std::uint64_t seed = 1) {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{seed, 99}, 0, X);
  return (centre + scale * X.array()).matrix();
}
const Batch<double> no_validation(2, 0);

Vector<double> parameters_of(GaussianModel model) { return model.parameters(); }

}  // namespace

TEST_CASE("fit finds the maximum of the likelihood", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 128, 0.5);
  GaussianModel model(2);
  Rng rng(1);
  const double start = model.nll(X);
  const FitReport report = fit(model, X, no_validation, {.epochs = 150, .batch = 32}, rng, Adam{.learning_rate = 0.1},
                               Cosine{.final_rate = 1e-4});
  const Vector<double> mean = X.rowwise().mean();
  const Vector<double> deviation =
      ((X.colwise() - mean).rowwise().squaredNorm() / double(X.cols())).array().sqrt().matrix();
  // The rate ends at 1e-4, and so does the jitter of the mini-batches.
  CHECK((model.mean() - mean).lpNorm<Eigen::Infinity>() < 5e-3);
  CHECK((model.log_scale() - deviation.array().log().matrix()).lpNorm<Eigen::Infinity>() < 5e-3);

  REQUIRE(report.epochs.size() == 150);
  CHECK(report.stop == StopReason::epochs_done);
  CHECK(report.epochs.front().train_loss < start);
  CHECK(report.epochs.back().train_loss < report.epochs[20].train_loss);
  CHECK(report.best_criterion == Approx(model.nll(X)).epsilon(1e-14));
  CHECK(report.best_standard_error == Approx(mean_estimate(-model.log_prob(X)).standard_error).epsilon(1e-12));
  CHECK(std::isnan(report.epochs.back().validation_loss));
  CHECK(report.epochs[4].epoch == 5);
  CHECK(report.epochs[4].epochs == 150);
  CHECK(report.epochs[4].train_nll == report.epochs[4].train_loss);
}

TEST_CASE("Each epoch uses every row once, in an order of its own, and the last mini-batch may be smaller",
          "[train][fit]") {
  const Batch<double> X = samples_around(0, 2, 10);
  std::vector<Index> sizes;
  std::vector<std::vector<Index>> epochs(3);
  std::set<std::uint64_t> draws;
  GaussianModel model(2, [&](Index call, const Batch<double>& batch, std::span<const Index> samples, const Draw& draw,
                             GaussianModel::Loss&) {
    sizes.push_back(batch.cols());
    REQUIRE(Index(samples.size()) == batch.cols());
    for (Index j = 0; j < batch.cols(); ++j) CHECK(batch.col(j) == X.col(samples[std::size_t(j)]));
    auto& epoch = epochs[std::size_t(call / 3)];
    epoch.insert(epoch.end(), samples.begin(), samples.end());
    draws.insert(draw.number);
  });
  Rng rng(1);
  fit(model, X, no_validation, {.epochs = 3, .batch = 4}, rng);
  CHECK(sizes == std::vector<Index>{4, 4, 2, 4, 4, 2, 4, 4, 2});
  CHECK(epochs[0] != epochs[1]);
  CHECK(epochs[1] != epochs[2]);
  CHECK(draws.size() == 9);  // new noise for each mini-batch
  for (std::vector<Index>& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    CHECK(epoch == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  }
}

TEST_CASE("fit takes Adam's steps on gradients clipped to the largest norm, and reports them before clipping",
          "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 20);
  const double max_norm = 1.5;
  GaussianModel model(2), expected(2);
  Rng rng(1);
  const FitReport report = fit(model, X, no_validation, {.epochs = 30, .batch = 20}, rng, Adam{.learning_rate = 0.1},
                               ClipByNorm{.max_norm = max_norm});
  OptimizerState<double> adam;
  bool clipped = false, whole = false;
  for (std::size_t i = 0; i < 30; ++i) {
    GaussianModel::Memory memory;
    GaussianModel::Loss loss;
    expected.value_and_gradient(X, {}, {}, memory, loss);
    const double norm = clip_by_norm(loss.gradient, max_norm);
    (norm > max_norm ? clipped : whole) = true;
    // The order of the rows changes the last bits.
    CHECK(report.epochs[i].gradient_norm == Approx(norm).epsilon(1e-9));
    CHECK(report.epochs[i].train_loss == Approx(loss.loss).epsilon(1e-9));
    adam.step(Adam{.learning_rate = 0.1}, loss.gradient, expected.parameters());
  }
  CHECK((clipped && whole));
  CHECK((model.parameters() - expected.parameters()).norm() < 1e-9);
}

TEST_CASE("fit reports means over rows and sums over mini-batches", "[train][fit]") {
  GaussianModel model(
      1, [](Index call, const Batch<double>&, std::span<const Index>, const Draw&, GaussianModel::Loss& loss) {
        const Index i = call % 2;  // two mini-batches, of three rows and of one
        loss.loss = i == 0 ? 2 : 6;
        loss.negative_log_likelihood = i == 0 ? 1 : 5;
        loss.costs = {i == 0 ? 4.0 : 8.0, 1.0};
        loss.gradient << (i == 0 ? 3.0 : 0.0), (i == 0 ? 4.0 : 1.0);
        loss.forward = {.accepted = 5, .rejected = i, .evaluations = 20 + 11 * i, .newton_iterations = 0};
        loss.backward = {.accepted = 7, .rejected = 0, .evaluations = 40, .newton_iterations = 0};
        loss.solves = 1 + i;
      });
  Rng rng(1);
  const FitReport report = fit(model, samples_around(0, 1, 4), Batch<double>(1, 0), {.epochs = 1, .batch = 3}, rng);
  REQUIRE(report.epochs.size() == 1);
  const EpochReport& epoch = report.epochs[0];
  CHECK(epoch.train_loss == 3);
  CHECK(epoch.train_nll == 2);
  CHECK(epoch.train_costs == std::vector<double>{5, 1});
  CHECK(epoch.gradient_norm == 3);
  CHECK(epoch.forward == Statistics{.accepted = 10, .rejected = 1, .evaluations = 51, .newton_iterations = 0});
  CHECK(epoch.backward.evaluations == 80);
  CHECK(epoch.evaluations == 17);  // 51 in three solves
  CHECK(epoch.seconds >= 0);
}

TEST_CASE("fit keeps the parameters of the best validation when it gets worse later", "[train][fit]") {
  // From 0 towards the training data at 5, past the validation data at 2.
  const Batch<double> train = samples_around(5, 2, 40), validation = samples_around(2, 2, 20, 1, 2);
  GaussianModel model(2);
  Rng rng(1);
  const FitReport report =
      fit(model, train, validation, {.epochs = 100, .batch = 20}, rng, Adam{.learning_rate = 0.05});
  REQUIRE(report.epochs.size() == 100);
  double best = std::numeric_limits<double>::infinity();
  for (const EpochReport& epoch : report.epochs) {
    CHECK(epoch.best == (epoch.validation_loss < best));
    best = std::min(best, epoch.validation_loss);
  }
  CHECK(report.best_criterion == best);
  CHECK(report.epochs[std::size_t(report.best_epoch - 1)].validation_loss == best);
  CHECK(report.best_epoch > 5);
  CHECK(report.best_epoch < 60);
  CHECK(report.epochs.back().validation_loss > best + 0.1);
  CHECK(model.nll(validation) == best);
}

/// A stopping rule of this file alone.
struct AfterTwoEpochs {
  [[nodiscard]] bool stop(const TrainingProgress& at) const { return at.epoch > 2; }
};
TEST_CASE("fit stops when patience is over", "[train][fit]") {
  const Batch<double> train = samples_around(5, 2, 40), validation = samples_around(2, 2, 20, 1, 2);
  GaussianModel model(2), longer(2);
  Rng rng(1), same_seed(1);
  const FitReport report = fit(model, train, validation, {.epochs = 100, .batch = 20}, rng, Adam{.learning_rate = 0.05},
                               EarlyStopping{.patience = 4});
  CHECK(report.stop == StopReason::patience);
  CHECK(Index(report.epochs.size()) == report.best_epoch + 4);
  CHECK(model.nll(validation) == report.best_criterion);

  // Patience counts validations, not epochs.
  const FitReport rare = fit(longer, train, validation, {.epochs = 100, .batch = 20, .validate_every = 3}, same_seed,
                             Adam{.learning_rate = 0.05}, EarlyStopping{.patience = 2});
  CHECK(rare.stop == StopReason::patience);
  CHECK(Index(rare.epochs.size()) == rare.best_epoch + 6);

  // A rule that stops between two validations: the last epoch is judged, and not lost.
  GaussianModel briefly(2);
  const FitReport brief = fit(briefly, train, validation, {.epochs = 100, .batch = 20, .validate_every = 10}, rng,
                              Adam{.learning_rate = 0.05}, AfterTwoEpochs{});
  CHECK(brief.stop == StopReason::stopping_rule);
  CHECK(brief.epochs.size() == 2);
  CHECK(brief.best_epoch == 2);
  CHECK(briefly.nll(validation) == brief.best_criterion);
}

TEST_CASE("fit validates every so often, and always after the last epoch", "[train][fit]") {
  GaussianModel model(2);
  Rng rng(1);
  const FitReport report = fit(model, samples_around(5, 2, 40), samples_around(5, 2, 20, 1, 2),
                               {.epochs = 8, .batch = 20, .validate_every = 3}, rng, Adam{.learning_rate = 0.05});
  std::vector<Index> validated;
  for (const EpochReport& epoch : report.epochs)
    if (!std::isnan(epoch.validation_loss)) validated.push_back(epoch.epoch);
  CHECK(validated == std::vector<Index>{3, 6, 8});
  CHECK(report.best_epoch == 8);
}

TEST_CASE("The callback sees every epoch and stops training, and what was learned is kept", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 40);
  GaussianModel model(2);
  Rng rng(1);
  const double start = model.nll(X);
  std::vector<Index> seen;
  const FitReport report = fit(model, X, X, {.epochs = 100, .batch = 20, .validate_every = 10}, rng,
                               Adam{.learning_rate = 0.05}, [&](const EpochReport& epoch) {
                                 seen.push_back(epoch.epoch);
                                 return epoch.epoch < 7;
                               });
  CHECK(seen == std::vector<Index>{1, 2, 3, 4, 5, 6, 7});
  CHECK(report.stop == StopReason::callback);
  CHECK(report.epochs.size() == 7);
  // No validation was due before epoch 10; the end of training has one.
  CHECK(report.best_epoch == 7);
  CHECK(report.best_criterion == model.nll(X));
  CHECK(model.nll(X) < start);
}

TEST_CASE("An exception of the callback's passes, and the flow keeps the best parameters", "[train][fit]") {
  const Batch<double> train = samples_around(5, 2, 40), validation = samples_around(0, 2, 20, 1, 2);
  GaussianModel model(2);
  Rng rng(1);
  double best = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(fit(model, train, validation, {.epochs = 100, .batch = 20}, rng, Adam{.learning_rate = 0.05},
                      [&](const EpochReport& epoch) -> bool {
                        best = std::min(best, epoch.validation_loss);
                        if (epoch.epoch == 9) throw std::logic_error("enough");
                        return true;
                      }),
                  std::logic_error);
  CHECK(model.nll(validation) == best);
}

TEST_CASE("The learning rate follows half a cosine, or stays", "[train][fit]") {
  const auto rates = [](Index epochs, const auto&... policies) {
    GaussianModel model(2);
    Rng rng(1);
    std::vector<double> result;
    const FitReport report = fit(model, samples_around(0, 2, 10), no_validation, {.epochs = epochs}, rng, policies...);
    for (const EpochReport& epoch : report.epochs) result.push_back(epoch.learning_rate);
    return result;
  };
  const std::vector<double> cosine = rates(5, Cosine{.final_rate = 0.02}, Adam{.learning_rate = 0.1});
  REQUIRE(cosine.size() == 5);
  CHECK(cosine[0] == Approx(0.1).epsilon(1e-14));
  CHECK(cosine[1] == Approx(0.06 + 0.04 * std::sqrt(0.5)).epsilon(1e-14));
  CHECK(cosine[2] == Approx(0.06).epsilon(1e-14));
  CHECK(cosine[3] == Approx(0.06 - 0.04 * std::sqrt(0.5)).epsilon(1e-14));
  CHECK(cosine[4] == Approx(0.02).epsilon(1e-14));
  CHECK(rates(3, Adam{.learning_rate = 0.1}) == std::vector<double>{0.1, 0.1, 0.1});
  CHECK(rates(1, Adam{.learning_rate = 0.1}, Cosine{.final_rate = 0.01}) == std::vector<double>{0.1});
}

TEST_CASE("The generator decides every bit of the result", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 50);
  const auto trained = [&](std::uint64_t seed) {
    GaussianModel model(2);
    Rng rng(seed);
    fit(model, X, {.epochs = 5, .batch = 8}, rng, Adam{.learning_rate = 0.05});
    return parameters_of(model);
  };
  CHECK(trained(1) == trained(1));
  CHECK(trained(1) != trained(2));
}

TEST_CASE("fit with a fraction is fit with the two parts of split", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 50);
  const FitOptions options{.epochs = 5, .batch = 8, .validation_fraction = 0.3};
  const Adam adam{.learning_rate = 0.05};
  GaussianModel whole(2), parted(2), at_once(2);
  Rng rng(1), same_seed(1), another(1);
  const FitReport report = fit(whole, X, options, rng, adam);
  const auto parts = split(X, 0.3, same_seed);
  const FitReport expected = fit(parted, parts.rest, parts.held_out, options, same_seed, adam);
  CHECK(whole.parameters() == parted.parameters());
  fit(at_once, split(X, 0.3, another), options, another, adam);
  CHECK(at_once.parameters() == parted.parameters());
  CHECK(report.best_criterion == expected.best_criterion);
  CHECK(rng == same_seed);
}

TEST_CASE("A loss or gradient that is not finite ends training, and report and best parameters stay", "[train][fit]") {
  const Batch<double> train = samples_around(5, 2, 40), validation = samples_around(1, 2, 20, 1, 2);
  const bool gradient = GENERATE(false, true);
  GaussianModel model(
      2, [&](Index call, const Batch<double>&, std::span<const Index>, const Draw&, GaussianModel::Loss& loss) {
        if (call == 2 * 60 + 1) (gradient ? loss.gradient(2) : loss.loss) = not_a_number;  // in epoch 61
      });
  Rng rng(1);
  try {
    fit(model, train, validation, {.epochs = 100, .batch = 20}, rng, Adam{.learning_rate = 0.05});
    FAIL("no error was thrown");
  } catch (const TrainingError& error) {
    REQUIRE(error.report.epochs.size() == 60);
    CHECK(error.report.best_epoch < 60);  // later ones are worse
    CHECK(model.nll(validation) == error.report.best_criterion);
    CHECK_THAT(error.what(),
               Catch::Matchers::Equals(
                   "fit: the loss or its gradient is not finite in epoch 61; the flow keeps the "
                   "best parameters so far. Lower the optimizer's learning_rate, name ClipByNorm, or loosen "
                   "the solver's tolerances"));
  }
}

TEST_CASE("A learning rate that diverges leaves the parameters whose likelihood was the best", "[train][fit]") {
  // Full batches: the loss of an epoch is that of the parameters before its only step, and tells nothing of those
  // after.
  const bool hold_out = GENERATE(false, true);
  const Batch<double> X = samples_around(1, 2, 20, 1), validation = hold_out ? samples_around(1, 2, 9) : no_validation;
  GaussianModel model(2);
  Rng rng(1);
  try {
    fit(model, X, validation, {.epochs = 50, .batch = 20}, rng, Adam{.learning_rate = 1000});
    FAIL("no error was thrown");
  } catch (const TrainingError& error) {
    CHECK(std::isfinite(error.report.best_criterion));
    CHECK(model.nll(hold_out ? validation : X) == Approx(error.report.best_criterion).epsilon(1e-14));
  }
}

TEST_CASE("A solve that breaks off becomes a training error that quotes it", "[train][fit]") {
  GaussianModel model(2,
                      [](Index call, const Batch<double>&, std::span<const Index>, const Draw&, GaussianModel::Loss&) {
                        SolveFailure failure;
                        failure.t = 0.25;
                        if (call == 3) throw StepLimitError(failure);
                      });
  Rng rng(1);
  const Batch<double> X = samples_around(3, 2, 20);
  try {
    fit(model, X, no_validation, {.epochs = 10, .batch = 20}, rng, Adam{.learning_rate = 0.05});
    FAIL("no error was thrown");
  } catch (const TrainingError& error) {
    CHECK(error.report.epochs.size() == 3);
    CHECK(model.nll(X) == Approx(error.report.best_criterion).epsilon(1e-14));
    CHECK_THAT(error.what(), Catch::Matchers::StartsWith("fit: solve: the step limit is used up at t = 0.25"));
  }
}

TEST_CASE("fit compares the solver with a finer one, and says so when they differ", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 300);
  CoarseModel model(2);
  Rng rng(1);
  FitOptions options{.epochs = 2};
  model.error = 1e-3;
  const FitReport fine = fit(model, X, X.leftCols(60), options, rng);
  CHECK(fine.warnings.empty());
  CHECK(model.checked == 60);
  CHECK(fine.solver_check.rows == 60);
  // Of the parameters that the flow is left with.
  CHECK(fine.solver_check.nll == Approx(model.nll(X.leftCols(60))).epsilon(1e-14));
  CHECK(fine.solver_check.refined_nll == Approx(fine.solver_check.nll + 1e-3).epsilon(1e-14));

  model.error = 0.25;
  const FitReport coarse = fit(model, X, no_validation, options, rng);
  CHECK(model.checked == 100);
  REQUIRE(coarse.warnings.size() == 1);
  CHECK_THAT(coarse.warnings[0],
             Catch::Matchers::StartsWith("the flow's solver is too coarse: with 16 steps in place of 4 the NLL of 100 "
                                         "training rows is ") &&
                 ContainsSubstring("log p of a row differs by 0.25 nats") &&
                 ContainsSubstring("To train again, take more;"));

  model.fails = true;
  const FitReport failed = fit(model, X, no_validation, options, rng);
  REQUIRE(failed.warnings.size() == 1);
  CHECK_THAT(failed.warnings[0],
             Catch::Matchers::StartsWith("the accuracy of the solver could not be checked with 16 steps in place of 4: "
                                         "solve: the step limit is used up"));

  options.solver_check_rows = 0;
  CHECK(fit(model, X, no_validation, options, rng).warnings.empty());
}

TEST_CASE("fit with weights finds the maximum of the weighted likelihood", "[train][fit][weights]") {
  const Batch<double> X = samples_around(3, 1, 60, 0.5);
  Vector<double> weights = X.row(0).array().exp().matrix().transpose();
  weights.head(5).setZero();
  WeightedModel model(1);
  Rng rng(1);
  const FitReport report = fit(model, with_weights(X, weights), Batch<double>(1, 0), {.epochs = 150, .batch = 16}, rng,
                               Cosine{.final_rate = 1e-4}, Adam{.learning_rate = 0.1});
  const double mean = X.row(0).dot(weights) / weights.sum();
  const double variance = (X.row(0).array() - mean).square().matrix().dot(weights) / weights.sum();
  CHECK(std::abs(model.mean()(0) - mean) < 5e-3);
  CHECK(std::abs(model.log_scale()(0) - 0.5 * std::log(variance)) < 5e-3);
  CHECK(std::abs(X.mean() - mean) > 0.1);  // where a fit without weights would have ended
  CHECK(report.best_criterion == Approx(-model.log_prob(X).dot(weights) / weights.sum()).epsilon(1e-12));
  const Vector<double> residuals = -model.log_prob(X).transpose().array() - report.best_criterion;
  CHECK(report.best_standard_error ==  // five of the 60 rows have weight 0
        Approx(std::sqrt(55. / 54) * residuals.cwiseProduct(weights).norm() / weights.sum()).epsilon(1e-12));
}

TEST_CASE("The mean of the mini-batches' weighted losses is the weighted loss of all rows", "[train][fit][weights]") {
  const Batch<double> X = samples_around(3, 2, 21);
  const Row<double> weights = Row<double>::LinSpaced(21, 1e300, 9e300);  // only their ratios count
  WeightedModel model(2);
  Rng rng(1);
  // The rate is too small to change a parameter: all mini-batches see the same ones.
  const FitReport report = fit(model, with_weights(X, weights), no_validation, {.epochs = 1, .batch = 4}, rng,
                               Adam{.learning_rate = 1e-300});
  const Row<double> shares = weights / 9e300;
  CHECK(report.epochs[0].train_loss == Approx(-model.log_prob(X).dot(shares) / shares.sum()).epsilon(1e-12));
  CHECK(report.best_criterion == Approx(report.epochs[0].train_loss).epsilon(1e-12));
}

TEST_CASE("Integer weights are repeated rows, weight 0 is absence", "[train][fit][weights]") {
  const Batch<double> X = samples_around(3, 2, 4);
  const Vector<double> weights{{2, 1, 0, 3}};
  Batch<double> repeated(2, 6), present(2, 3);
  repeated << X.col(0), X.col(0), X.col(1), X.col(3), X.col(3), X.col(3);
  present << X.col(0), X.col(1), X.col(3);
  const FitOptions options{.epochs = 20, .batch = 6};
  const Adam adam{.learning_rate = 0.1};
  WeightedModel weighted(2), twice(2), without(2);
  Rng rng(1), another(1), third(1);
  fit(weighted, with_weights(X, weights), no_validation, options, rng, adam);
  fit(twice, repeated, no_validation, options, another, adam);
  CHECK((weighted.parameters() - twice.parameters()).norm() < 1e-12);
  CHECK(std::set<Index>(weighted.ids.begin(), weighted.ids.end()) == std::set<Index>{0, 1, 3});  // numbers in X
  // Held-out rows are drawn among those that count.
  FitOptions held_out = options;
  held_out.validation_fraction = 0.3;
  weighted.parameters().setZero();
  const FitReport report = fit(weighted, with_weights(X, weights), held_out, rng = Rng(7), adam);
  const FitReport expected =
      fit(without, with_weights(present, Vector<double>{{2, 1, 3}}), held_out, third = Rng(7), adam);
  CHECK(weighted.parameters() == without.parameters());
  CHECK(report.best_criterion == expected.best_criterion);
  // As by hand.
  WeightedModel parted(2);
  Rng fourth(7);
  const FitReport by_hand = fit(parted, split(with_weights(X, weights), 0.3, fourth), options, fourth, adam);
  CHECK(parted.parameters() == weighted.parameters());
  CHECK(by_hand.best_criterion == report.best_criterion);
}

TEST_CASE("Only the ratios of weights count, also where their sum is too large a number", "[train][fit][weights]") {
  const Batch<double> X = samples_around(3, 2, 12);
  const FitOptions options{.epochs = 3, .batch = 4, .validation_fraction = 0};
  WeightedModel unit(2), large(2);
  Rng rng(1), another(1);
  const Vector<double> ones = Vector<double>::Ones(12);
  const FitReport expected = fit(unit, with_weights(X, ones), with_weights(X, ones), options, rng);
  const Vector<double> largest = 1e308 * ones;
  const FitReport report = fit(large, with_weights(X, largest), with_weights(X, largest), options, another);
  CHECK(report.best_criterion == expected.best_criterion);
  CHECK(expected.best_criterion > 0);
  CHECK(large.parameters() == unit.parameters());
}

TEST_CASE("Weights that are none are refused", "[train][fit][weights][errors]") {
  const Batch<double> X = samples_around(3, 2, 3);
  CHECK_THROWS_WITH(with_weights(X, Vector<double>::Ones(4)), "with_weights: weights has 4 rows, expected 3");
  CHECK_THROWS_WITH(with_weights(X, Vector<double>{{1, -2, 1}}),
                    "with_weights: weights is -2 at sample 1, expected 0 or a positive number");
  CHECK_THROWS_WITH(with_weights(X, Vector<double>{{1, 1, not_a_number}}),
                    "with_weights: weights is nan at sample 2, expected 0 or a positive number");
  CHECK_THROWS_AS(with_weights(X, Row<double>::Zero(3)), DataError);
  WeightedData<double> changed = with_weights(X, Eigen::RowVector3i(1, 2, 3));
  changed.weights(0) = -1;
  WeightedModel model(2);
  Rng rng(1);
  CHECK_THROWS_WITH(fit(model, changed, {}, rng),
                    "fit: data: weights is -1 at sample 0, expected 0 or a positive number");
  CHECK(rng == Rng(1));
}

TEST_CASE("Forty calls of fit with one state are one call: the schedule, patience and rare validations too",
          "[train][fit][state]") {
  const Batch<double> X = samples_around(5, 2, 60);
  const Index every = GENERATE(1, 3), patience = GENERATE(0, 2);
  const FitOptions forty{.epochs = 40, .batch = 16, .validate_every = every};
  const Adam adam{.learning_rate = patience > 0 ? 1 : 0.1};  // overshoots
  const Cosine cosine{.final_rate = 1e-3};
  const EarlyStopping stopping{.patience = patience > 0 ? patience : 40};
  GaussianModel whole(2), parted(2);
  Rng rng(1), same_seed(1);
  const FitReport expected = fit(whole, X, forty, rng, adam, cosine, stopping);
  CHECK((expected.stop == StopReason::patience) == (patience > 0));
  TrainingState<double> state;
  FitOptions some = forty;
  some.total_epochs = 40;
  FitReport report;
  std::vector<double> losses;
  while (state.epochs < 40 && report.stop != StopReason::patience) {
    some.epochs = std::min<Index>(1 + state.epochs % 3, 40 - state.epochs);
    report = fit(parted, X, some, same_seed, stopping, state, cosine, adam);
    for (const EpochReport& epoch : report.epochs) losses.push_back(epoch.train_loss);
    CHECK(parted.parameters() == state.best_parameters);
  }
  REQUIRE(losses.size() == expected.epochs.size());
  for (std::size_t i = 0; i < losses.size(); ++i) CHECK(losses[i] == expected.epochs[i].train_loss);
  CHECK(parted.parameters() == whole.parameters());
  CHECK(report.stop == expected.stop);
  CHECK(report.best_epoch == expected.best_epoch);
  CHECK(report.best_criterion == expected.best_criterion);
  CHECK(same_seed == rng);
  if (patience == 0) return;
  // A call whose patience is over changes nothing.
  some.epochs = 1;
  CHECK(fit(parted, X, some, same_seed, state, stopping, cosine, adam).epochs.empty());
  CHECK(parted.parameters() == whole.parameters());
  CHECK(same_seed == rng);
}

TEST_CASE("A training state refuses what it cannot go on with", "[train][fit][state][errors]") {
  const Batch<double> X = samples_around(3, 2, 20);
  GaussianModel model(2), other(3);
  Rng rng(1);
  TrainingState<double> state;
  FitOptions options{.epochs = 5};
  const Adam adam{.learning_rate = 0.1};
  const Cosine cosine{.final_rate = 0.01};
  fit(model, X, options, rng, adam, cosine, state);
  CHECK_THROWS_WITH(fit(model, X, options, rng, adam, cosine, state),
                    Catch::Matchers::StartsWith("fit: total_epochs is missing, expected the epochs of all calls"));
  options.total_epochs = 9;
  CHECK_THROWS_WITH(fit(model, X, options, rng, adam, cosine, state),
                    "fit: total_epochs is 9, expected at least 10, with the 5 epochs that are done and the 5 of this "
                    "call");
  options.total_epochs = 10;
  CHECK_THROWS_AS(fit(other, samples_around(3, 3, 20), options, rng, adam, cosine, state), ShapeError);
  CHECK_THROWS_WITH(fit(model, X, options, rng, Sgd{}, cosine, state),
                    ContainsSubstring("the state's number of moments is 2, expected 1"));
  const Vector<double> left = model.parameters();
  const Rng before = rng;
  model.parameters()(1) += 1e-9;
  CHECK_THROWS_WITH(
      fit(model, X, options, rng, adam, cosine, state),
      Catch::Matchers::StartsWith("fit: the flow's vector of parameters is not what the state's last call "
                                  "left it with"));
  CHECK(rng == before);
  model.parameters() = left;
  CHECK(fit(model, X, options, rng, adam, cosine, state).epochs.back().epoch == 10);
}

TEST_CASE("Other rows to judge by begin the choice of the best parameters anew", "[train][fit][state]") {
  const Batch<double> X = samples_around(3, 2, 40);
  GaussianModel model(2);
  Rng rng(1);
  TrainingState<double> state;
  const FitOptions options{.epochs = 3};
  const Adam adam{.learning_rate = 0.1};
  const double easy = fit(model, X, samples_around(0, 2, 20, 0.1), options, rng, adam, state).best_criterion;
  const FitReport report = fit(model, X, samples_around(9, 2, 20), options, rng, adam, state);
  CHECK(report.best_criterion > easy);  // which no parameters reach on these
  CHECK(report.best_epoch == 6);
}

TEST_CASE("After an error a training state goes on from the best parameters", "[train][fit][state]") {
  const Batch<double> X = samples_around(3, 2, 20);
  bool fails = false;
  GaussianModel model(2,
                      [&](Index, const Batch<double>&, std::span<const Index>, const Draw&, GaussianModel::Loss& loss) {
                        if (fails) loss.gradient(0) = not_a_number;
                      });
  Rng rng(1);
  TrainingState<double> state;
  const FitOptions options{.epochs = 3};
  const Adam adam{.learning_rate = 0.1};
  fit(model, X, options, rng, adam, state);
  const Vector<double> best = model.parameters();
  fails = true;
  CHECK_THROWS_AS(fit(model, X, options, rng, adam, state), TrainingError);
  CHECK(model.parameters() == best);
  fails = false;
  CHECK(fit(model, X, options, rng, adam, state).epochs.front().epoch == 4);
}

TEST_CASE("A loss that is not finite before the first step is no fault of the learning rate", "[train][fit]") {
  GaussianModel model(2, [](Index, const Batch<double>&, std::span<const Index>, const Draw&,
                            GaussianModel::Loss& loss) { loss.loss = not_a_number; });
  Rng rng(1);
  CHECK_THROWS_WITH(fit(model, samples_around(3, 2, 20), no_validation, {.epochs = 2}, rng),
                    "fit: the loss or its gradient is not finite in epoch 1 before the first step; the flow keeps the "
                    "best parameters so far. Look at the data's scale (Standardize), the field's first parameters and "
                    "the weights of costs");
}

TEST_CASE("A solve that breaks off names the row by its number in the data", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 20);
  Index at_fault = -1;
  GaussianModel model(
      2, [&](Index, const Batch<double>& batch, std::span<const Index>, const Draw&, GaussianModel::Loss&) {
        SolveFailure failure;
        failure.sample = 2;
        failure.component = 1;
        for (Index j = 0; j < 20; ++j)
          if (X.col(j) == batch.col(2)) at_fault = j;
        throw StepLimitError(failure);
      });
  Rng rng(1);
  try {
    fit(model, X, {.epochs = 10, .batch = 5}, rng);
    FAIL("no error was thrown");
  } catch (const TrainingError& error) {
    CHECK(at_fault != 2);
    CHECK_THAT(error.what(), ContainsSubstring("component 1 of sample " + std::to_string(at_fault)) &&
                                 ContainsSubstring("No step of training had been taken"));
  }
}

TEST_CASE("fit warns of a row that decides the choice of the parameters alone", "[train][fit]") {
  const Batch<double> X = samples_around(3, 2, 40);
  Batch<double> validation = samples_around(3, 2, 20, 1, 2);
  GaussianModel model(2);
  Rng rng(1);
  const FitOptions options{.epochs = 40, .batch = 10};
  const Adam adam{.learning_rate = 0.1};
  CHECK(fit(model, X, validation, options, rng, adam).warnings.empty());
  validation(1, 7) = 30;
  const FitReport report = fit(model, X, validation, options, rng, adam);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0],
             Catch::Matchers::StartsWith("validation sample 7, (") && ContainsSubstring("alone adds"));
}

TEST_CASE("Parameters that have diverged are no fault of a row", "[train][fit]") {
  // One step takes the scale to e^-1000: the likelihood of each row is then 0.
  struct Plain : GaussianModel {
    using GaussianModel::GaussianModel;
    [[nodiscard]] static StandardNormal base() { return {}; }
    [[nodiscard]] Batch<double> transform(const Batch<double>& X) const {
      return ((X.colwise() - mean()).array().colwise() / log_scale().array().exp()).matrix();
    }
  } model(2);
  Rng rng(1);
  CHECK_THROWS_WITH(fit(model, samples_around(0, 2, 20, 1e-3), no_validation, {.epochs = 5, .batch = 20}, rng,
                        Adam{.learning_rate = 400}),
                    ContainsSubstring("Lower the optimizer's learning_rate"));
}

TEST_CASE("fit refuses bad options before anything is changed", "[train][fit][errors]") {
  const Batch<double> X = samples_around(3, 2, 20);
  GaussianModel model(2);
  Rng rng(1);
  const auto refused = [&](const FitOptions& options, const std::string& message) {
    CHECK_THROWS_AS(fit(model, X, options, rng), ArgumentError);
    CHECK_THROWS_WITH(fit(model, X, options, rng), message);
    CHECK_THROWS_WITH(fit(model, X, no_validation, options, rng), message);
  };
  refused({.epochs = 0}, "fit: epochs is 0, expected at least 1");
  refused({.batch = 0}, "fit: batch is 0, expected at least 1");
  refused({.validation_fraction = 1}, "fit: validation_fraction is 1, expected in [0, 1)");
  refused({.validation_fraction = -0.1}, "fit: validation_fraction is -0.1, expected in [0, 1)");
  refused({.validation_fraction = not_a_number}, "fit: validation_fraction is nan, expected in [0, 1)");
  refused({.validate_every = 0}, "fit: validate_every is 0, expected at least 1");
  refused({.solver_check_rows = -1}, "fit: solver_check_rows is -1, expected at least 0");
  const double infinity = std::numeric_limits<double>::infinity();
  const auto refused_policy = [&](const auto& policy, const std::string& message) {
    CHECK_THROWS_AS(fit(model, X, {}, rng, policy), ArgumentError);
    CHECK_THROWS_WITH(fit(model, X, {}, rng, policy), message);
  };
  for (const double rate : {0.0, -1.0, not_a_number, infinity})
    refused_policy(Adam{.learning_rate = rate},
                   "Adam: learning_rate is " + detail::number(rate) + ", expected a positive number");
  refused_policy(Cosine{.final_rate = 0.2},
                 "Cosine: final_rate is 0.2, expected from 0 to the optimizer's learning_rate, 0.001");
  refused_policy(Cosine{.final_rate = not_a_number},
                 "Cosine: final_rate is nan, expected from 0 to the optimizer's learning_rate, 0.001");
  refused_policy(EarlyStopping{.patience = 0}, "EarlyStopping: patience is 0, expected at least 1 validation");
  refused_policy(ClipByNorm{.max_norm = 0}, "ClipByNorm: max_norm is 0, expected a positive number");
  refused_policy(ClipByNorm{.max_norm = not_a_number}, "ClipByNorm: max_norm is nan, expected a positive number");
  CHECK_THROWS_WITH(fit(model, X, {.validation_fraction = 0.99}, rng),
                    "split: fraction is 0.99, expected in [0, 1), leaving at least one of 20 columns");
  CHECK(model.parameters() == Vector<double>::Zero(4));
  CHECK(rng == Rng(1));
}

TEST_CASE("fit refuses bad data before anything is changed", "[train][fit][errors]") {
  const Batch<double> X = samples_around(3, 2, 20), three_rows = samples_around(3, 3, 20), empty(2, 0);
  Batch<double> spoiled = X;
  spoiled(1, 4) = not_a_number;
  GaussianModel model(2);
  Rng rng(1);
  CHECK_THROWS_AS(fit(model, three_rows, {}, rng), ShapeError);
  CHECK_THROWS_WITH(fit(model, three_rows, {}, rng), "fit: data has 3 rows, expected 2");
  CHECK_THROWS_WITH(fit(model, three_rows, X, {}, rng), "fit: training data has 3 rows, expected 2");
  CHECK_THROWS_WITH(fit(model, X, three_rows, {}, rng), "fit: validation data has 3 rows, expected 2");

  CHECK_THROWS_AS(fit(model, spoiled, {}, rng), DataError);
  CHECK_THROWS_WITH(fit(model, spoiled, {}, rng),
                    "fit: data is nan at component 1 of sample 4, expected a finite number");
  CHECK_THROWS_WITH(fit(model, spoiled, X, {}, rng),
                    "fit: training data is nan at component 1 of sample 4, expected a finite number");
  CHECK_THROWS_WITH(fit(model, X, spoiled, {}, rng),
                    "fit: validation data is nan at component 1 of sample 4, expected a finite number");

  CHECK_THROWS_AS(fit(model, empty, {}, rng), DataError);
  CHECK_THROWS_WITH(fit(model, empty, {}, rng), "fit: data is empty, expected at least one sample and one component");
  CHECK_THROWS_WITH(fit(model, empty, X, {}, rng),
                    "fit: training data is empty, expected at least one sample and one component");
  // One row leaves none to train on, unless none is held out.
  CHECK_THROWS_AS(fit(model, X.leftCols(1), {}, rng), ArgumentError);
  CHECK(model.parameters() == Vector<double>::Zero(4));
  CHECK(rng == Rng(1));
  fit(model, X.leftCols(1), {.epochs = 1, .validation_fraction = 0}, rng);
  CHECK(model.parameters() != Vector<double>::Zero(4));
}

namespace {

/// A density on the unit box of positive numbers: what a flow with a data transform and a bounded base offers.
class BoxedModel : public GaussianModel {
 public:
  using GaussianModel::GaussianModel;
  [[nodiscard]] const Log<double>& data_transform() const { return log_; }
  [[nodiscard]] const UniformBox<double>& base() const { return box_; }
  [[nodiscard]] Batch<double> transform(const Batch<double>& X) const { return transformed(log_, X); }
  [[nodiscard]] Row<double> log_prob(const Batch<double>& X) const {
    Row<double> log_p(X.cols());
    box_.log_density(transform(X), log_p);
    return log_p;
  }
  [[nodiscard]] std::vector<std::string> data_warnings(const Batch<double>& X) const {
    return {std::to_string(X.cols()) + " samples are few"};
  }

 private:
  Log<double> log_{Vector<double>::Zero(1)};
  UniformBox<double> box_{Vector<double>::Constant(1, -3), Vector<double>::Constant(1, 3)};
};

}  // namespace

TEST_CASE("fit names the sample outside of the domain, counted in the caller's data", "[train][fit][errors]") {
  BoxedModel model(1);
  Rng rng(1);
  Batch<double> X = Batch<double>::Ones(1, 30);
  X.row(0).tail(15).setConstant(2);
  const FitReport report = fit(model, X, {.epochs = 1}, rng);
  CHECK(report.warnings == std::vector<std::string>{"30 samples are few"});
  Batch<double> Y = X;
  Y(0, 23) = -1;
  const Vector<double> before = model.parameters();
  CHECK_THROWS_WITH(fit(model, Y, {.epochs = 1}, rng),
                    "fit: data: Log: data is -1 at component 0 of sample 23, expected above 0");
  CHECK_THROWS_WITH(fit(model, X, Y, {.epochs = 1}, rng), ContainsSubstring("fit: validation data: Log: data is -1"));
  CHECK(model.parameters() == before);
}

TEST_CASE("fit names the sample that leaves the support of the base", "[train][fit][errors]") {
  Batch<double> X = Batch<double>::Ones(1, 30);
  X(0, 23) = 100;  // log 100 = 4.6 lies outside of the box
  for (const double fraction : {0.0, 0.96}) {
    Rng rng(2);
    BoxedModel model(1);
    try {
      // Held out or not, the sample has its number in X.
      fit(model, X, {.epochs = 1, .validation_fraction = fraction}, rng);
      FAIL("not thrown");
    } catch (const TrainingError& error) {
      const std::string what = error.what();
      CHECK_THAT(what, ContainsSubstring("sample 23, (100), has a likelihood of 0: the flow takes it to z = (4.60517"));
      CHECK_THAT(what, ContainsSubstring("Take a base density that is positive everywhere"));
      CHECK_THAT(what, !ContainsSubstring("learning_rate"));
    }
  }
  Rng rng(3);
  BoxedModel model(1);
  Batch<double> far = Row<double>::LinSpaced(30, 1, 2);
  X = far;
  far(0, 4) = 1e300;
  CHECK_THROWS_WITH(fit(model, X, far, {.epochs = 1}, rng), ContainsSubstring("validation sample 4, (1e+300)"));
}

TEST_CASE("Parameters that are not finite before training are named", "[train][fit][errors]") {
  GaussianModel model(2);
  model.parameters()(1) = not_a_number;
  Rng rng(1);
  CHECK_THROWS_WITH(fit(model, samples_around(3, 2, 20), {.epochs = 1}, rng),
                    "fit: parameters(1) is nan, expected a finite number");
}

TEST_CASE("fit warns of a validation sample that decides the mean alone", "[train][fit]") {
  struct Plain : WeightedModel {
    using WeightedModel::WeightedModel;
    [[nodiscard]] NoTransform data_transform() const { return {}; }
  } model(2);
  Rng rng(3);
  Batch<double> X(2, 40), far(2, 9);
  fill<Gaussian>(Draw{1, 1}, 0, X);
  fill<Gaussian>(Draw{1, 2}, 0, far);
  CHECK(fit(model, X, far, {.epochs = 1}, rng).warnings.empty());
  far(1, 5) = 1e30;
  const FitReport report = fit(model, X, far, {.epochs = 1}, rng);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], ContainsSubstring("validation sample 5 is 1e+30 at component 1"));
  Vector<double> weights = Vector<double>::Ones(9);
  weights(5) = 0;
  CHECK(fit(model, X, with_weights(far, weights), {.epochs = 1}, rng).warnings.empty());
}

TEST_CASE("fit tells a model that asks for it of each step with the memory of its training call", "[train]") {
  CountingModel model(2);
  Rng rng(1);
  const Batch<double> X = samples_around(3, 2, 20);
  fit(model, X, no_validation, {.epochs = 2, .batch = 8}, rng, Adam{.learning_rate = 0.1});
  CHECK(model.calls == std::vector<Index>{1, 2, 3, 4, 5, 6});  // three mini-batches an epoch
  // The optimizer has moved already: Adam's first step is the learning rate.
  CHECK(model.means.front()(0) == Approx(0.1).epsilon(1e-6));
}

namespace {

/// θ ← θ - rate sign(g): an optimizer of this file alone, with one moment for the number of changes of sign.
struct SignDescent {
  double learning_rate = 0.05;
  static constexpr Index moments = 1;
  template <Real Scalar>
  void step(Index t, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta,
            std::span<Vector<Scalar>> changes) const {
    for (Index i = 0; i < theta.size(); ++i) {
      theta(i) -= Scalar(rate) * Scalar((gradient(i) > 0) - (gradient(i) < 0));
      changes[0](i) = Scalar(t);
    }
  }
};
/// One over the step: a schedule of this file alone.
struct InverseStep {
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    steps.push_back(progress.step);
    CHECK(progress.steps == 6);
    return learning_rate / double(progress.step);
  }
  mutable std::vector<Index> steps{};
};
/// A gradient transform of this file alone.
struct HeadOnly {
  template <Real Scalar>
  void apply(Vector<Scalar>& gradient, double norm) const {
    CHECK(norm == Approx(gradient.norm()));
    gradient.tail(gradient.size() - 1).setZero();
  }
};
/// The same sample again and again: a batch source of this file alone.
struct Repeated {
  struct Memory {
    Batch<double> data;
    std::vector<Index> samples;
    int epochs = 0;
  };
  [[nodiscard]] Index samples() const { return 10; }
  void start_epoch(Rng& /*rng*/, Memory& memory) const { ++memory.epochs; }
  [[nodiscard]] MiniBatch<const Batch<double>&, double> batch(Index first, Index count, Rng& /*rng*/,
                                                              Memory& memory) const {
    memory.data = Batch<double>::Constant(2, count, double(memory.epochs));
    memory.samples.assign(std::size_t(count), first);
    return {memory.data, memory.samples, {}};
  }
};
/// What an optimizer would move of it is a copy.
struct GivesCopies : GaussianModel {
  [[nodiscard]] Vector<double> parameters() const;
};
static_assert(Trainable<GaussianModel> && !Trainable<GivesCopies>);
static_assert(BatchSource<Repeated> && !BatchSource<SignDescent> && !BatchSource<Batch<double>>);
static_assert(Callback<EarlyStopping> && Callback<PrintProgress> && !Callback<KeepBest> && !Callback<Adam>);
static_assert(ParameterChoice<KeepBest> && ParameterChoice<KeepLast> && !ParameterChoice<EarlyStopping>);

}  // namespace

TEST_CASE("An optimizer, a schedule and a gradient transform of one's own are named beside the library's",
          "[train][fit][policies]") {
  const Batch<double> X = samples_around(3, 2, 20);
  GaussianModel model(2);
  Rng rng(1);
  InverseStep schedule;
  TrainingState<double> state;
  const FitReport report = fit(model, X, no_validation, {.epochs = 3, .batch = 10}, rng, schedule, state, HeadOnly{},
                               SignDescent{.learning_rate = 0.6}, KeepLast{});
  CHECK(schedule.steps == std::vector<Index>{1, 2, 3, 4, 5, 6});
  CHECK(report.epochs.back().learning_rate == Approx(0.1));
  // All means of mini-batches are above 2: every step goes up, by 0.6 (1 + 1/2 + … + 1/6).
  CHECK(model.mean()(0) == Approx(0.6 * 2.45).epsilon(1e-14));
  CHECK(model.mean()(1) == 0);
  CHECK(state.optimizer.moments.size() == 1);
  CHECK(state.optimizer.moments[0] == Vector<double>::Constant(4, 6));
}

TEST_CASE("fit trains by a batch source of one's own, and by fresh samples", "[train][fit][source]") {
  std::vector<double> seen;
  std::vector<Index> sizes, ids;
  GaussianModel model(
      2, [&](Index, const Batch<double>& batch, std::span<const Index> samples, const Draw&, GaussianModel::Loss&) {
        seen.push_back(batch(1, 0));
        sizes.push_back(batch.cols());
        ids.push_back(samples.back());
      });
  Rng rng(1);
  const FitReport report = fit(model, Repeated{}, {.epochs = 2, .batch = 4}, rng);
  CHECK(seen == std::vector<double>{1, 1, 1, 2, 2, 2});
  CHECK(sizes == std::vector<Index>{4, 4, 2, 4, 4, 2});
  CHECK(ids == std::vector<Index>{0, 4, 8, 0, 4, 8});
  CHECK(report.best_epoch == 0);  // there are no rows to judge by, and the last parameters are kept
  CHECK(std::isinf(report.best_criterion));
  CHECK(report.solver_check.rows == 0);
  CHECK(model.mean()(0) == Approx(6e-3).epsilon(1e-2));  // six steps of Adam

  std::set<std::uint64_t> draws;
  const FreshSamples fresh(
      [&](Index n, const Draw& draw) {
        draws.insert(draw.number);
        return Batch<double>(samples_around(5, 2, n, 0.5, draw.number));
      },
      1000);
  GaussianModel fitted(2);
  const FitReport judged = fit(fitted, fresh, samples_around(5, 2, 500, 0.5, 1000), {.epochs = 60, .batch = 100}, rng,
                               Adam{.learning_rate = 0.1}, Cosine{.final_rate = 1e-3});
  CHECK(draws.size() == 600);
  CHECK(judged.best_epoch > 1);
  // 2000 samples an epoch's worth of which the last steps see: an error of 0.5 / √1000 at most by three.
  CHECK((fitted.mean().array() - 5).abs().maxCoeff() < 0.05);
  CHECK((fitted.log_scale().array() - std::log(0.5)).abs().maxCoeff() < 0.1);

  const FreshSamples wrong([](Index, const Draw&) { return Batch<double>(Batch<double>::Zero(2, 3)); }, 10);
  CHECK_THROWS_WITH(fit(fitted, wrong, {.epochs = 1}, rng),
                    "FreshSamples: a mini-batch of the sampler has 3 columns, expected 10");
  const FreshSamples none([](Index n, const Draw&) { return Batch<double>(2, n); }, 0);
  CHECK_THROWS_WITH(fit(fitted, none, {.epochs = 1}, rng), "fit: samples of the source is 0, expected at least 1");
}

TEST_CASE("What judges needs rows to judge by", "[train][fit][source][errors]") {
  GaussianModel model(2);
  Rng rng(1);
  const std::string missing =
      "fit: validation data is missing, expected rows after the source, by which KeepBest, "
      "EarlyStopping and OnPlateau judge";
  CHECK_THROWS_WITH(fit(model, Repeated{}, {}, rng, EarlyStopping{}), missing);
  CHECK_THROWS_WITH(fit(model, Repeated{}, {}, rng, KeepBest{}), missing);
  CHECK_THROWS_WITH(fit(model, Repeated{}, {}, rng, OnPlateau{}), missing);
  CHECK_THROWS_WITH(fit(model, Repeated{}, no_validation, {}, rng),
                    "fit: validation data is empty, expected rows to judge by");
  CHECK(rng == Rng(1));
}

TEST_CASE("KeepLast ends with the last parameters, and judges training rows for no one", "[train][fit][callbacks]") {
  const Batch<double> train = samples_around(5, 2, 40), validation = samples_around(2, 2, 20, 1, 2);
  GaussianModel best(2), last(2);
  Rng rng(1), same_seed(1);
  Vector<double> at_end;
  const FitReport report = fit(last, train, validation, {.epochs = 100, .batch = 20}, rng, KeepLast{},
                               Adam{.learning_rate = 0.05}, [&](const EpochReport&) { at_end = last.parameters(); });
  const FitReport expected =
      fit(best, train, validation, {.epochs = 100, .batch = 20}, same_seed, Adam{.learning_rate = 0.05});
  CHECK(report.best_epoch == expected.best_epoch);
  CHECK(last.parameters() == at_end);
  CHECK(last.parameters() != best.parameters());

  struct Counting : GaussianModel {
    using GaussianModel::GaussianModel;
    [[nodiscard]] Row<double> log_prob(const Batch<double>& X) const {
      ++judged;
      return GaussianModel::log_prob(X);
    }
    mutable int judged = 0;
  } counting(2);
  fit(counting, train, no_validation, {.epochs = 3}, rng, KeepLast{});
  CHECK(counting.judged == 0);
  fit(counting, train, no_validation, {.epochs = 3}, rng, KeepLast{}, EarlyStopping{});
  CHECK(counting.judged == 3);
}

TEST_CASE("Several callbacks all see each epoch, and each of them can stop", "[train][fit][callbacks]") {
  const Batch<double> X = samples_around(3, 2, 40);
  GaussianModel model(2);
  Rng rng(1);
  std::vector<int> calls;
  const auto watch = [&](const EpochReport&) { calls.push_back(1); };
  auto until_third = [&calls, seen = 0](const EpochReport&) mutable {
    calls.push_back(2);
    return ++seen < 3;
  };
  std::ostringstream out;
  const PrintProgress print{.out = &out, .options = ProgressOptions{.seconds_between_lines = 0}};
  const FitReport report = fit(model, X, {.epochs = 50}, rng, until_third, watch, EarlyStopping{.patience = 49}, print);
  CHECK(calls == std::vector<int>{2, 1, 2, 1, 2, 1});
  CHECK(report.stop == StopReason::callback);
  const std::string text = out.str();
  CHECK_THAT(text, Catch::Matchers::StartsWith("training   1/50  loss "));
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
}

TEST_CASE("OnPlateau lowers the rate by the validations, in one call or in many", "[train][fit][schedule]") {
  const Batch<double> train = samples_around(5, 2, 40), validation = samples_around(2, 2, 20, 1, 2);
  const OnPlateau plateau{.patience = 3, .factor = 0.5};
  const Adam adam{.learning_rate = 0.1};
  GaussianModel whole(2), parted(2);
  Rng rng(1), same_seed(1);
  const FitReport expected = fit(whole, train, validation, {.epochs = 60, .batch = 20}, rng, plateau, adam);
  CHECK(expected.epochs.front().learning_rate == 0.1);
  const Index best = expected.best_epoch;
  CHECK(expected.epochs[std::size_t(best + 2)].learning_rate == 0.1);   // of epoch best + 3
  CHECK(expected.epochs[std::size_t(best + 3)].learning_rate == 0.05);  // after three without a gain
  CHECK(expected.epochs[std::size_t(best + 6)].learning_rate == 0.025);
  TrainingState<double> state;
  for (int call = 0; call < 60; ++call) {
    const FitReport one = fit(parted, train, validation, {.epochs = 1, .batch = 20}, same_seed, state, adam, plateau);
    CHECK(one.epochs[0].learning_rate == expected.epochs[std::size_t(call)].learning_rate);
  }
  CHECK(parted.parameters() == whole.parameters());
}

TEST_CASE("A rate that is no number is refused where the schedule gives it", "[train][fit][errors]") {
  struct Broken {
    double rate(double, const TrainingProgress& at) const { return at.epoch < 3 ? 0.01 : not_a_number; }
  };
  GaussianModel model(2);
  Rng rng(1);
  CHECK_THROWS_WITH(fit(model, samples_around(3, 2, 20), {.epochs = 5}, rng, Broken{}),
                    "fit: the schedule's rate in epoch 3 is nan, expected at least 0");
  CHECK(model.parameters().allFinite());
}

TEST_CASE("fit reads rows where they are", "[train][fit][memory]") {
  // The model remembers where the data are that it judges by.
  struct Addresses : GaussianModel {
    using GaussianModel::GaussianModel;
    [[nodiscard]] Row<double> log_prob(const Eigen::Ref<const Batch<double>>& X) const {
      judged = X.data();
      return GaussianModel::log_prob(X);
    }
    mutable const double* judged = nullptr;
  } model(2);
  const Batch<double> X = samples_around(3, 2, 400);
  Rng rng(1);
  const auto parts = split(X, 0.25, rng);
  fit(model, parts, {.epochs = 1, .solver_check_rows = 0}, rng);
  CHECK(model.judged == parts.held_out.data());
  fit(model, X, no_validation, {.epochs = 1}, rng);
  CHECK(model.judged == X.data());
  fit(model, X.leftCols(300), X.rightCols(100), {.epochs = 1}, rng);
  CHECK(model.judged == X.col(300).data());
}

TEST_CASE("A model that is no density is judged by its losses", "[train][fit]") {
  // The mean square of x - mean: losses(X) in place of log_prob.
  struct Distance : GaussianModel {
    using GaussianModel::GaussianModel;
    void log_prob(const Batch<double>&) const = delete;
    [[nodiscard]] Row<double> losses(const Batch<double>& X) const {
      return (X.colwise() - mean()).colwise().squaredNorm();
    }
    struct Loss {
      double loss = 0;
      Vector<double> gradient;
      Statistics forward, backward;
      Index solves = 0;
    };
    [[nodiscard]] Loss make_training_loss() const { return {}; }
    void value_and_gradient(const Batch<double>& X, std::span<const Index>, const Draw&, Memory&, Loss& loss) const {
      loss.loss = losses(X).mean();
      loss.gradient = Vector<double>::Zero(4);
      loss.gradient.head(2) = -2 * (X.colwise() - mean()).rowwise().mean();
    }
  } model(2);
  static_assert(Trainable<Distance>);
  const Batch<double> X = samples_around(3, 2, 64), V = samples_around(3, 2, 32, 1, 2);
  Rng rng(1);
  const FitReport report = fit(model, X, V, {.epochs = 60}, rng, Sgd{.learning_rate = 0.05, .momentum = 0.5});
  CHECK((model.mean() - X.rowwise().mean()).norm() < 0.2);
  CHECK(report.best_criterion == Approx(model.losses(V).mean()).epsilon(1e-12));
  CHECK(std::isnan(report.epochs[0].train_nll));
  CHECK(report.epochs[0].train_costs.empty());
  // Losses of thousands that differ by thousands: no sample decides the mean alone.
  const Batch<double> large = 100 * X, large_validation = 100 * V;
  CHECK(fit(model, large, large_validation, {.epochs = 1}, rng, Sgd{.learning_rate = 0.05, .momentum = 0.5})
            .warnings.empty());
  Batch<double> spoiled = V;
  spoiled(0, 3) = 1e200;
  CHECK_THROWS_WITH(fit(model, X, spoiled, {.epochs = 1}, rng),
                    Catch::Matchers::StartsWith("fit: the loss of the validation rows is not finite after epoch 1"));
}
