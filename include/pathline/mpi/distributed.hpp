/// \file
/// Training on several processes or machines: a model whose mini-batches are shared out over the ranks of an MPI
/// communicator.
///
///     int main(int argc, char** argv) {
///       return pathline::run_ranks(argc, argv, [] {
///         pathline::Cnf flow(…);                                   // the same on every rank
///         pathline::Distributed distributed(flow, MPI_COMM_WORLD);
///         pathline::fit(distributed, data, {.epochs = 200}, rng);  // the same data and seed on every rank
///       });                                                        // flow is trained, on every rank
///     }
///
/// A rank that stops by itself (a file that it alone cannot read) must end the others, or they wait for it: `run_ranks`
/// does. Checkpoints, progress and logs are rank 0's: `on_rank_0`. `fit` refuses a bare `io::Checkpoint`.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/mpi/on_rank_0.hpp>
#include <pathline/mpi/share_sum.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training_state.hpp>

#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// A `Trainable` that computes its loss, its gradient and its likelihoods on all ranks of a communicator together.
///
/// Every mini-batch is cut into `shares` parts of neighbouring columns, which the ranks have in turn; their sums follow
/// one tree, so that parameters, losses and likelihoods have the same bits for every number of ranks. They differ in
/// their last bits from those of the model alone, whose chunks are cut elsewhere, and by a solver's tolerance where its
/// steps are adaptive, since a chunk has steps of its own. A mini-batch should have some chunks a share.
///
/// A model whose rows depend on each other within a mini-batch is refused: `FlowMatching` with another coupling than
/// `IndependentCoupling` would pair the rows of each share by themselves, which gives other pairs, and so another
/// gradient.
///
/// All ranks do the same in the same order: each member function that solves, and `training_warnings`, is called by all
/// of them, with equal arguments, or none returns. Mini-batches, weights, draws and parameters are compared at each
/// call that solves. Data are whole on every rank. So a callback of `fit` must not stop by what is of one rank alone,
/// as a clock.
///
/// \tparam Model  `Trainable` by batches, as `Cnf`; not one with running statistics (`after_step`), nor one whose
///                `couples_rows` is true.
template <class Model>
class Distributed {
 public:
  using Scalar = typename Model::Scalar;
  using DataScalar = detail::DataScalarOf<Model>;
  static constexpr bool of_several_processes = true;  ///< `fit` takes its checkpoint by `on_rank_0` alone.
  static_assert(Trainable<Model>, "Distributed: the model must be Trainable, as Cnf is");
  static_assert(
      !requires(Model & model, typename Model::Memory& memory) { model.after_step(memory); },
      "Distributed: a model with running statistics (a batch normalisation) cannot be shared out yet");
  static constexpr bool couples_rows = [] {
    if constexpr (requires { Model::couples_rows; })
      return Model::couples_rows;
    else
      return false;
  }();
  static_assert(!couples_rows,
                "Distributed: the coupling pairs the rows of a whole mini-batch, of which a share has only some: take "
                "IndependentCoupling, or train on one process with Threads");

  struct Memory {
    typename Model::Memory model;
    detail::TrainingLossOf<Model> loss;  ///< Of one share.
    std::vector<detail::SharePart<Scalar>> parts;
    template <class Visit>
    void state(Visit& visit) {
      if constexpr (HasState<typename Model::Memory>) model.state(visit);
    }
  };

  /// Refers to the model. Its parameters become those of rank 0.
  /// \param shares  At least one for each rank. Runs of other numbers of ranks have the same bits if they have as many
  ///                shares.
  /// \throws ArgumentError unless MPI is initialised and there are enough shares.
  explicit Distributed(Model& model, MPI_Comm communicator = MPI_COMM_WORLD, Index shares = 8)
      : model_(model), shares_(communicator, shares) {
    auto&& parameters = model.parameters();
    std::int64_t sizes[2] = {parameters.size(), -parameters.size()};
    MPI_Allreduce(MPI_IN_PLACE, sizes, 2, MPI_INT64_T, MPI_MAX, communicator);
    if (sizes[0] != -sizes[1])
      throw ArgumentError("Distributed: parameters of the model on this rank", std::to_string(parameters.size()),
                          "the same number on all ranks");
    MPI_Bcast(parameters.data(), detail::mpi_count(parameters.size()), detail::mpi_type<Scalar>(), 0, communicator);
  }

  [[nodiscard]] int rank() const { return shares_.rank(); }
  [[nodiscard]] int ranks() const { return shares_.ranks(); }
  [[nodiscard]] decltype(auto) parameters() { return model_.parameters(); }
  [[nodiscard]] decltype(auto) parameters() const { return std::as_const(model_).parameters(); }
  [[nodiscard]] Index data_rows() const { return model_.data_rows(); }
  /// What a checkpoint asks for: the model, and the shares, whose number decides the bits.
  [[nodiscard]] const Model& trained_model() const { return model_; }
  template <class Visit>
  void settings(const Visit& visit) const {
    visit("shares", shares_.count());
    if constexpr (HasSettings<Model>) model_.settings(visit);
  }
  [[nodiscard]] auto make_training_loss() const { return model_.make_training_loss(); }

  // What `fit` asks of a flow to warn of its data, computed on every rank.
  [[nodiscard]] auto dim() const requires requires(const Model& model) { model.dim(); }
  { return model_.dim(); }
  [[nodiscard]] const auto& base() const requires requires(const Model& model) { model.base(); }
  { return model_.base(); }
  [[nodiscard]] const auto& data_transform() const requires requires(const Model& model) { model.data_transform(); }
  { return model_.data_transform(); }
  [[nodiscard]] auto data_warnings(ConstDataRef<DataScalar> X) const requires requires(const Model& model) {
    model.data_warnings(X);
  }
  { return model_.data_warnings(X); }
  [[nodiscard]] auto context_warnings(ConstDataRef<DataScalar> X) const requires requires(const Model& model) {
    model.context_warnings(X);
  }
  { return model_.context_warnings(X); }
  // Variational inference also draws base points. Every rank draws those of all ranks.
  [[nodiscard]] auto base_points(Index count, const Draw& draw) const requires requires(const Model& model) {
    model.base_points(count, draw);
  }
  { return model_.base_points(count, draw); }
  [[nodiscard]] Index context_rows() const requires requires(const Model& model, const Draw& draw) {
    model.base_points(Index{}, draw);
  }
  { return model_.context_rows(); }
  /// Those of rank 0, on every rank, so that one of them can print them for all. All ranks call it together: a call on
  /// one rank alone does not return. Rank 0 looks at the whole last mini-batch where the model has
  /// `look_back_at(X, memory)`, as `VariationalInference` does; then the warnings are those of the model alone. Of
  /// other models it looks at what it computed itself.
  /// \throws what the model throws on rank 0, as RankError on the others.
  [[nodiscard]] std::vector<std::string> training_warnings(const Memory& memory) const requires
      requires(const Model& model) {
    model.training_warnings(memory.model);
  }
  {
    std::vector<std::string> warnings;
    detail::run_on_rank_0(shares_.communicator(), [&] { warnings = model_.training_warnings(memory.model); });
    std::int64_t count = std::int64_t(warnings.size());
    detail::broadcast_value(count, shares_.communicator());
    warnings.resize(std::size_t(count));
    for (std::string& warning : warnings) detail::broadcast_value(warning, shares_.communicator());
    return warnings;
  }
  [[nodiscard]] auto refinement() const requires requires(const Model& model) { model.refinement(); }
  { return model_.refinement(); }
  /// Log-likelihoods of raw data, 1 × n, on every rank; each computes its shares. All ranks call it together. A trace
  /// with noise, in an `EvaluationTrace`, numbers the samples of each share from 0.
  /// \throws what the model throws, as RankError or SolveError, on all ranks.
  [[nodiscard]] Row<Scalar> log_prob(ConstDataRef<DataScalar> X) const requires requires(const Model& model) {
    model.log_prob(X);
  }
  {
    return of_each_column<Row<Scalar>>(
        X, 1, [&](Index /*first*/, const auto& columns) -> Row<Scalar> { return model_.log_prob(columns); });
  }

  /// By the solver that `fit` compares with: see `Cnf::refined_log_prob`. All ranks call it together. Errors as above.
  [[nodiscard]] Row<Scalar> refined_log_prob(ConstDataRef<DataScalar> X) const requires requires(const Model& model) {
    model.refined_log_prob(X);
  }
  {
    return of_each_column<Row<Scalar>>(
        X, 1, [&](Index /*first*/, const auto& columns) -> Row<Scalar> { return model_.refined_log_prob(columns); });
  }
  [[nodiscard]] Row<Scalar> log_prob_by_training_solver(ConstDataRef<DataScalar> X) const requires
      requires(const Model& model) {
    model.log_prob_by_training_solver(X);
  }
  {
    return of_each_column<Row<Scalar>>(X, 1, [&](Index /*first*/, const auto& columns) -> Row<Scalar> {
      return model_.log_prob_by_training_solver(columns);
    });
  }

  /// Data to base: z(t1) of raw data X, d × n, on every rank. All ranks call it together. Errors as above.
  [[nodiscard]] Batch<Scalar> transform(ConstDataRef<DataScalar> X) const requires requires(const Model& model) {
    model.transform(X);
  }
  {
    return of_each_column<Batch<Scalar>>(
        X, dim(), [&](Index /*first*/, const auto& columns) -> Batch<Scalar> { return model_.transform(columns); });
  }

  /// Base to data: raw x (d × n) of base points Z (d × n, of a conditional flow with their context below them), on
  /// every rank. All ranks call it together. Errors as above.
  [[nodiscard]] Batch<DataScalar> inverse(ConstDataRef<Scalar> Z) const requires requires(const Model& model) {
    model.inverse(Z);
  }
  {
    return of_each_column<Batch<DataScalar>>(
        Z, dim(), [&](Index /*first*/, const auto& points) -> Batch<DataScalar> { return model_.inverse(points); });
  }

  /// `count` samples, d × count, raw, on every rank: those of the base points that `Cnf::sample` draws. Takes one draw
  /// of the generator. Of a conditional flow: `inverse`. All ranks call it together.
  /// \throws ArgumentError when count is below 1 or the flow is conditional; what the model throws, as RankError or
  ///         SolveError, on all ranks.
  [[nodiscard]] Batch<DataScalar> sample(Index count, Rng& rng) const requires requires(const Model& model) {
    model.sample(count, rng);
    model.base();
  }
  {
    if (count < 1) throw ArgumentError("Distributed::sample: count", double(count), "at least 1");
    if (data_rows() != dim())
      throw ArgumentError("Distributed::sample: context of a conditional flow", "missing",
                          "inverse(Z), with the context below the base points");
    Batch<Scalar> Z(dim(), count);
    model_.base().sample(rng.draw(), 0, Z);
    return inverse(Z);
  }

  /// The same for a model that has losses(X) instead, or losses(X, first) where the draws depend on the number of the
  /// first row, as those of `FlowMatching` with `ByMatchingLoss` do. All ranks call it together.
  [[nodiscard]] Row<Scalar> losses(ConstDataRef<DataScalar> X) const requires requires(const Model& model) {
    model.losses(X);
  }
  {
    return of_each_column<Row<Scalar>>(X, 1, [&]([[maybe_unused]] Index first, const auto& columns) -> Row<Scalar> {
      if constexpr (requires { model_.losses(columns, first); })
        return model_.losses(columns, first);
      else
        return model_.losses(columns);
    });
  }

  /// Loss and gradient of a mini-batch, on every rank. All ranks call it together. Statistics are those of all ranks;
  /// `context_gradient` stays empty.
  /// \throws as log_prob.
  template <class Loss>
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    train(X, samples, {}, draw, memory, loss, [&](Index first, Index n, std::span<const Index> ids) {
      model_.value_and_gradient(X.middleCols(first, n), ids, draw, memory.model, memory.loss);
    });
  }

  /// With a factor for each row.
  template <class Loss>
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, ConstVectorRef<Scalar> weights,
                          const Draw& draw, Memory& memory, Loss& loss) const requires WeightedTrainable<Model> {
    const std::span<const Scalar> of_rows(weights.data(), std::size_t(weights.size()));
    train(X, samples, of_rows, draw, memory, loss, [&](Index first, Index n, std::span<const Index> ids) {
      require_rows("Distributed: weights", weights.size(), X.cols());
      const Vector<Scalar> factors = weights.segment(first, n);
      model_.value_and_gradient(X.middleCols(first, n), ids, factors, draw, memory.model, memory.loss);
    });
  }

 private:
  template <Real Given>
  void require_data(const DataRef<Given>& X) const {
    require_batch_rows("Distributed: data", X.rows(), X.cols(), data_rows());
    if (X.cols() == 0) throw DataError("Distributed: data are empty, expected at least one sample");
  }

  // Of what must be equal on all ranks.
  template <Real Given>
  [[nodiscard]] std::uint64_t print_of(const DataRef<Given>& X, std::uint64_t start) const {
    auto&& theta = std::as_const(model_).parameters();
    start = detail::fingerprint(theta.data(), std::size_t(theta.size()) * sizeof(Scalar), start);
    for (Index j = 0; j < X.cols(); ++j)
      start = detail::fingerprint(X.data() + j * X.outerStride(), std::size_t(X.rows()) * sizeof(Given), start);
    return start;
  }

  template <class Loss, class Work>
  void train(ConstDataRef<DataScalar> X, std::span<const Index> samples, std::span<const Scalar> weights,
             const Draw& draw, Memory& memory, Loss& loss, const Work& work) const {
    const Index n = X.cols();
    const auto check = [&] {
      require_data(X);
      require_rows("Distributed: samples", Index(samples.size()), n);
    };
    const std::array<std::uint64_t, 3> name{draw.seed, draw.number,
                                            detail::fingerprint(weights.data(), weights.size_bytes())};
    const std::uint64_t print =
        detail::fingerprint(samples.data(), samples.size_bytes(), detail::fingerprint(name.data(), sizeof name));
    memory.parts.resize(std::size_t(shares_.count()));
    shares_.run(n, print_of(X, print), check, [&](Index share, Index first, Index count) {
      work(first, count, samples.subspan(std::size_t(first), std::size_t(count)));
      detail::SharePart<Scalar>& part = memory.parts[std::size_t(share)];
      const double fraction = double(count) / double(n);
      part.gradient = Scalar(fraction) * memory.loss.gradient;
      part.figures = figures_of(memory.loss, fraction);
    });
    shares_.sum(n, memory.parts);
    detail::SharePart<Scalar>& total = memory.parts.front();
    shares_.broadcast(total.gradient);
    shares_.broadcast(total.figures);
    loss.gradient = total.gradient;
    set_figures(total.figures, loss);
    if constexpr (requires { model_.look_back_at(X, memory.model); }) model_.look_back_at(X, memory.model);
  }

  // The figures of a loss in a row: means times `fraction`, counts as they are.
  template <class Loss>
  [[nodiscard]] static Vector<double> figures_of(Loss& loss, double fraction) {
    std::vector<double> figures;
    visit_figures(
        loss, [&](double& mean) { figures.push_back(fraction * mean); },
        [&](Index& count) { figures.push_back(double(count)); });
    return Eigen::Map<const Vector<double>>(figures.data(), Index(figures.size()));
  }

  template <class Loss>
  static void set_figures(const Vector<double>& figures, Loss& loss) {
    constexpr Index without_costs = figure_count<Loss>();
    Index next = 0;
    if constexpr (requires { loss.costs; }) loss.costs.resize(std::size_t(figures.size() - without_costs));
    visit_figures(
        loss, [&](double& mean) { mean = figures(next++); }, [&](Index& count) { count = Index(figures(next++)); });
  }

  template <class Loss>
  static constexpr Index figure_count() {
    Index count = 1 + 4 + 4 + 1;  // the loss, two Statistics, solves
    if constexpr (requires(Loss & loss) { loss.negative_log_likelihood; }) ++count;
    if constexpr (requires(Loss & loss) { loss.step_cost; }) ++count;
    return count;
  }

  template <class Loss, class Mean, class Count>
  static void visit_figures(Loss& loss, const Mean& mean, const Count& count) {
    mean(loss.loss);
    if constexpr (requires { loss.negative_log_likelihood; }) mean(loss.negative_log_likelihood);
    if constexpr (requires { loss.step_cost; }) mean(loss.step_cost);
    if constexpr (requires { loss.costs; })
      for (double& cost : loss.costs) mean(cost);
    for (Statistics* const statistics : {&loss.forward, &loss.backward}) {
      count(statistics->accepted);
      count(statistics->rejected);
      count(statistics->evaluations);
      count(statistics->newton_iterations);
    }
    count(loss.solves);
  }

  // `rows` numbers of each column, of which work(first, columns) computes those of a share.
  template <class Result, Real Given, class Work>
  [[nodiscard]] Result of_each_column(const DataRef<Given>& X, Index rows, const Work& work) const {
    const Index n = X.cols();
    Result result(rows, n);
    const auto check = [&] { require_data(X); };
    shares_.run(n, print_of(X, 0), check, [&](Index /*share*/, Index first, Index count) {
      result.middleCols(first, count) = work(first, X.middleCols(first, count));
    });
    // What each rank has, to all.
    std::vector<int> counts, firsts;
    for (int r = 0; r < ranks(); ++r) {
      const Index first = shares_.first_column(std::min(shares_.first_of(r), shares_.used(n)), n);
      const Index end = shares_.first_column(std::min(shares_.first_of(r + 1), shares_.used(n)), n);
      firsts.push_back(detail::mpi_count(rows * first));
      counts.push_back(detail::mpi_count(rows * (end - first)));
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, result.data(), counts.data(), firsts.data(),
                   detail::mpi_type<typename Result::Scalar>(), shares_.communicator());
    return result;
  }

  Model& model_;
  detail::Shares shares_;
};

}  // namespace pathline
