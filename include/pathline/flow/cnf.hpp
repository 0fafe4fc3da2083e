/// \file
/// The continuous normalizing flow: a density as the image of a simple one under a learned ODE.
///
///     log p(x) = log ν(z(t1)) + ∫ tr ∂f/∂z dt + log |det dz/dx|,    z' = f(t, z),  z(t0) = transform(x)
///
/// The data are at t0, the base density ν is at t1; sampling runs from t1 back to t0. The type is put together from
/// policies, named in any order. docs/maths.md, (7.1); Chen et al. 2018, Grathwohl et al. 2019 (FFJORD).
///
/// A flow whose field reads context beside time is conditional, log p(x | c): wherever data enter, their context is
/// below them in the same batch, `with_context(X, C)`, so that splits, shuffles and mini-batches keep them together.
/// Context in units of its own is scaled by `StandardizeContext(C)`, a policy; `fit` warns where it should be.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/data_warnings.hpp>
#include <pathline/flow/flow_check.hpp>
#include <pathline/flow/flow_likelihood.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/flow_policies.hpp>
#include <pathline/flow/flow_score.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/flow_training.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/refined_control.hpp>
#include <pathline/flow/with_context.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/ode/concepts.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// \tparam FieldType  A `Field`, or a `FieldStack` of several that are solved one after another.
/// \tparam Policies   Any of, in any order, each at most once: a trace policy (default: the exact trace that costs
///                    least), a solver (`Dopri5`), a step control (`PiController`) or `PerSample` around one, a
///                    gradient method (`Backpropagation<>`), a base density (`StandardNormal`), a data transform
///                    (`NoTransform`), a context transform (`NoContextTransform`), an end-time policy
///                    (`FixedEndTime`), `LikelihoodWeight`, `EvaluationTrace`, `EvaluationSolver`, `TimeSpan`,
///                    `Threads`, `ChunkWidth`; and any number of regularizers.
///
/// Data X are (d + c) × n: d rows of raw data, then c = context_rows() rows of context, which is 0 for most flows.
/// `const` functions may be called from several threads at once.
template <class FieldType, class... Policies>
class Cnf {
  static_assert(detail::FlowCheck<FieldType, Policies...>::value);
  using Asked = detail::FlowPolicies<FieldType, Policies...>;
  using Parts = typename Asked::Parts;
  using Evaluating = typename Parts::Evaluating;
  using TheField = typename Parts::Field;
  using Evaluator = typename Parts::Evaluator;
  using Training = detail::FlowTraining<Parts>;
  using Solves = detail::FlowSolves<Evaluating>;
  using Likelihoods = detail::FlowLikelihood<Evaluating>;

 public:
  using Scalar = typename TheField::Scalar;
  /// Of raw data, their context, and samples: `Scalar`, but double where the field is float and the data transform of
  /// double. The transform then runs in double, and what it gives is rounded to float.
  using DataScalar = typename Parts::DataScalar;

  /// Scratch of repeated training iterations: with the same shapes, the second one allocates nothing.
  using Memory = typename Training::Memory;

  /// \throws ShapeError when the data transform or the base density is of another number of rows than the field;
  ///         ArgumentError for a span of no time, an end-time policy that does not fit it, a weight that is not finite,
  ///         or a width of chunks below 0.
  explicit Cnf(FieldType field, Policies... policies)
      : parts_(Asked::parts(std::move(field), detail::policy_list(policies...))) {}

  [[nodiscard]] Index dim() const { return parts_.field.dim(); }
  /// c, 0 unless the flow is conditional.
  [[nodiscard]] Index context_rows() const { return parts_.context_rows(); }
  /// Rows of the data that the flow takes: d + c.
  [[nodiscard]] Index data_rows() const { return dim() + context_rows(); }
  [[nodiscard]] const TheField& field() const noexcept { return parts_.field; }
  [[nodiscard]] const auto& base() const noexcept { return parts_.base; }
  [[nodiscard]] const auto& data_transform() const noexcept { return parts_.transform; }
  [[nodiscard]] const auto& context_transform() const noexcept { return parts_.context_transform; }
  [[nodiscard]] const TimeSpan& time_span() const noexcept { return parts_.time; }
  /// θ, one flat vector of constant length: what an optimizer changes. Another length is refused: by the `Parameters`
  /// of the library's fields at once, of a field with a plain `Vector` by the next solve.
  [[nodiscard]] auto& parameters() noexcept { return parts_.field.parameters(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return parts_.field.parameters(); }
  /// θ from a vector of the flow's length, as one that was kept in a file.
  /// \throws ShapeError when it has another length; ArgumentError when a number is not finite. θ is then as before.
  void set_parameters(ConstVectorRef<Scalar> theta) {
    detail::set_parameters<Scalar>("Cnf::set_parameters", parts_.field.parameters(), theta);
  }
  /// By which trace the flow trains, and by which it evaluates: what a printed number is.
  [[nodiscard]] std::string training_trace() const { return trace_name(parts_.trace); }
  [[nodiscard]] std::string evaluation_trace() const { return trace_name(parts_.evaluation.estimator); }

  /// log p of raw data X, 1 × n nats: exact trace and deterministic, unless the flow has an `EvaluationTrace`.
  /// By the flow's `EvaluationSolver`, or the solver of training where none is named: by too few fixed steps it is no
  /// log-density, see `refined_log_prob`.
  ///
  /// \throws ShapeError, DataError on bad data; SolveError when a solve fails.
  [[nodiscard]] Row<Scalar> log_prob(ConstDataRef<DataScalar> X) const { return likelihood(X).log_prob; }

  /// The same by an estimator of one's choice; the seed fixes its noise. Errors as above.
  template <TracePolicy Estimator>
  [[nodiscard]] Row<Scalar> log_prob(ConstDataRef<DataScalar> X, const Estimator& estimator, std::uint64_t seed) const {
    return likelihood(X, estimator, seed).log_prob;
  }

  /// log_prob of raw data X with the number of evaluations that it took. Errors as above.
  [[nodiscard]] Likelihood<Scalar> likelihood(ConstDataRef<DataScalar> X) const {
    return likelihood(X, parts_.evaluation.estimator, parts_.evaluation.seed);
  }
  template <TracePolicy Estimator>
  [[nodiscard]] Likelihood<Scalar> likelihood(ConstDataRef<DataScalar> X, const Estimator& estimator,
                                              std::uint64_t seed = 0) const {
    check("Cnf::log_prob: data", X);
    return Likelihoods(parts_).run(X, estimator, Rng(seed).draw(), parts_.evaluation_solver);
  }

  /// `log_prob` by the same method with 4 times as many fixed steps, or with tolerances 100 times smaller, down to
  /// those that the scalar can resolve. Where the two differ, that solver is too coarse for the field, and `log_prob`
  /// is no density: it need not integrate to 1. `fit` compares them after training. Errors as above.
  [[nodiscard]] Row<Scalar> refined_log_prob(ConstDataRef<DataScalar> X) const {
    check("Cnf::refined_log_prob: data", X);
    return Likelihoods(parts_)
        .run(X, parts_.evaluation.estimator, Rng(parts_.evaluation.seed).draw(),
             Evaluator{parts_.evaluation_solver.method,
                       detail::refined(parts_.evaluation_solver.control, detail::least_tolerance<Scalar>)})
        .log_prob;
  }
  /// What that changes, in words.
  [[nodiscard]] SolverRefinement refinement() const {
    return detail::refinement_of(parts_.evaluation_solver.control, detail::least_tolerance<Scalar>);
  }

  /// `log_prob` by the solver of training, where the `EvaluationSolver` is another one. Where the two differ, training
  /// exploits the error of its solver, and its loss is no likelihood; `fit` compares them. Errors as above.
  [[nodiscard]] Row<Scalar> log_prob_by_training_solver(ConstDataRef<DataScalar> X) const
      requires(Parts::has_evaluation_solver) {
    check("Cnf::log_prob_by_training_solver: data", X);
    return Likelihoods(parts_)
        .run(X, parts_.evaluation.estimator, Rng(parts_.evaluation.seed).draw(),
             EvaluationSolver{parts_.method, parts_.control})
        .log_prob;
  }

  /// log_prob with an error bar: the mean over `repeats` independent draws of the estimator, the standard error of that
  /// mean, and what the solver's own estimates say of its error (see `LikelihoodWithError`; Dop853's say too much).
  /// \throws ArgumentError when repeats is below 2, or not 1 for an exact trace; other errors as above.
  template <TracePolicy Estimator>
  [[nodiscard]] LikelihoodWithError<Scalar> log_prob_with_error(ConstDataRef<DataScalar> X, const Estimator& estimator,
                                                                std::uint64_t seed, Index repeats) const {
    static_assert(EmbeddedMethod<decltype(Evaluator::method)>,
                  "Cnf::log_prob_with_error: this solver has no error estimate; use Dopri5");
    check("Cnf::log_prob: data", X);
    constexpr bool exact = std::same_as<Estimator, ClosedFormTrace> || std::same_as<Estimator, ExactTrace>;
    if (exact ? repeats != 1 : repeats < 2)
      throw ArgumentError("Cnf::log_prob_with_error: repeats", repeats,
                          exact ? "1, there is no noise in an exact trace" : "at least 2, to tell a spread");
    return Likelihoods(parts_).with_error(X, estimator, seed, repeats);
  }

  /// Data to base: z(t1) of raw data X, d × n.
  /// \throws ShapeError, DataError on bad data; SolveError when a solve fails.
  [[nodiscard]] Batch<Scalar> transform(ConstDataRef<DataScalar> X) const {
    check("Cnf::transform: data", X);
    Batch<Scalar> Z = to_flow_coordinates(X);
    typename Parts::Rounding scratch;
    Solves(parts_).path(Z, parts_.context_of(X, scratch), detail::Way::to_base);
    return Z;
  }

  /// Base to data: raw x (d × n) of base points Z (d × n, with their context below them). The inverse of `transform`,
  /// to the tolerance of the solver.
  /// \throws ShapeError, DataError on bad points; SolveError when a solve fails.
  [[nodiscard]] Batch<DataScalar> inverse(ConstDataRef<Scalar> Z) const {
    check("Cnf::inverse: points", Z);
    typename Parts::Rounding scratch;
    return to_data(View<const Scalar>(Z).topRows(dim()), parts_.template context_of<Scalar>(Z, scratch));
  }

  /// Where raw data X are at each of `times`, d × n each, in the flow's coordinates (those of the data transform).
  /// times[0] is the data's time. One solve for the whole batch: its end differs from `transform` by the tolerance.
  /// \throws ShapeError, DataError on bad data; ArgumentError on bad times; SolveError when the solve fails.
  [[nodiscard]] std::vector<Batch<Scalar>> trajectory(ConstDataRef<DataScalar> X,
                                                      const std::vector<double>& times) const {
    static_assert(!Parts::stacked, "Cnf::trajectory: the paths of a stack are not one solve; use transform");
    check("Cnf::trajectory: data", X);
    if (times.empty() || times.front() != parts_.time.data)
      throw ArgumentError("Cnf::trajectory: first time", times.empty() ? "missing" : detail::number(times.front()),
                          "the data's time, " + detail::number(parts_.time.data));
    typename Parts::Rounding scratch;
    const auto& [method, control] = parts_.evaluation_solver;
    return NeuralOde(parts_.field, method, control, ChunkWidth{X.cols()})
        .solve(to_flow_coordinates(X), times, parts_.context_of(X, scratch).map());
  }

  /// `count` samples, d × count, raw. Takes one draw of the generator.
  /// \throws ArgumentError when count is below 1 or the flow is conditional; SolveError when the solve fails.
  [[nodiscard]] Batch<DataScalar> sample(Index count, Rng& rng) const {
    return inverse(base_points(count, rng, "sample"));
  }

  /// A sample for each column of context C (c × n): d × n, raw. Takes one draw of the generator.
  /// \throws ShapeError, DataError on a bad context; SolveError when a solve fails.
  [[nodiscard]] Batch<DataScalar> sample(ConstDataRef<DataScalar> C, Rng& rng) const {
    check_context("Cnf::sample: context", C);
    const Batch<Scalar> Z = points_of_base(C.cols(), rng, "Cnf::sample");
    typename Parts::Rounding scratch;
    return to_data(Z, parts_.context_of(C, scratch));
  }

  /// Samples and their log p in one solve back in time: its log-determinant starts at 0 and is the negative of the
  /// way out's. Takes one draw of the generator.
  /// \throws ArgumentError when count is below 1 or the flow is conditional; SolveError when the solve fails.
  [[nodiscard]] SamplesWithLogProb<Scalar, DataScalar> sample_with_log_prob(Index count, Rng& rng) const {
    return Likelihoods(parts_).samples(base_points(count, rng, "sample_with_log_prob"), Batch<Scalar>(0, count));
  }

  /// A sample for each column of context C (c × n), with its log p(x | c). Takes one draw of the generator.
  /// \throws ShapeError, DataError on a bad context; SolveError when a solve fails.
  [[nodiscard]] SamplesWithLogProb<Scalar, DataScalar> sample_with_log_prob(ConstDataRef<DataScalar> C,
                                                                            Rng& rng) const {
    check_context("Cnf::sample_with_log_prob: context", C);
    typename Parts::Rounding scratch;
    const View<const Scalar> context = parts_.context_of(C, scratch);
    return Likelihoods(parts_).samples(points_of_base(C.cols(), rng, "Cnf::sample_with_log_prob"), context);
  }

  /// The score ∂log p/∂x of raw data X (of a conditional flow with its context below, by which it is not
  /// differentiated): d × n, nats per unit of the raw data. It is the gradient of `log_prob` by the flow's gradient
  /// method, with the same trace, exact unless the flow has an `EvaluationTrace`. Costs about five times as much.
  /// \throws ShapeError, DataError on bad data; SolveError when a solve fails.
  [[nodiscard]] Batch<DataScalar> score(ConstDataRef<DataScalar> X) const {
    return log_prob_with_score("Cnf::score: data", X).score;
  }

  /// log p and its score by one solve out and one back, as a sampler needs them. As `score`.
  [[nodiscard]] LogProbWithScore<Scalar, DataScalar> log_prob_with_score(ConstDataRef<DataScalar> X) const {
    return log_prob_with_score("Cnf::log_prob_with_score: data", X);
  }

  /// What is doubtful about context (the last c rows of raw data X) as the field reads it; `fit` reports it.
  [[nodiscard]] std::vector<std::string> context_warnings(ConstDataRef<DataScalar> X) const {
    typename Parts::Rounding scratch;
    return detail::context_warnings(detail::in_double(View<const DataScalar>(X).bottomRows(context_rows())),
                                    detail::precision_of<DataScalar>, detail::in_double(parts_.context_of(X, scratch)));
  }

  /// What is doubtful about raw data X as the training set of a density (`inspect_data`), and how it reaches the field
  /// through the data transform; `fit` reports it.
  /// \throws DomainError at a number that the data transform does not map.
  [[nodiscard]] std::vector<std::string> data_warnings(ConstDataRef<DataScalar> X) const {
    return detail::warnings_of_rows<Scalar, DataScalar>(
        X, dim(), [&](View<const DataScalar> seen) { return to_flow_coordinates(seen); });
  }

  /// An empty result for `value_and_gradient`.
  [[nodiscard]] TrainingLoss<Scalar> make_training_loss() const { return {}; }

  /// Loss and gradient of raw data X: weighted mean negative log-likelihood by the training trace, plus the weighted
  /// mean costs.
  /// \param draw     Names the noise.
  /// \param samples  The n row ids, which the noise depends on.
  /// \param result   Overwritten; keeps its buffers, as memory does.
  /// \throws ShapeError, DataError on bad data; SolveError when a solve fails.
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          TrainingLoss<Scalar>& result) const {
    value_and_gradient(X, samples, Vector<Scalar>(), draw, memory, result);
  }
  /// The same with a factor for each row (n finite numbers, or none: all 1): the loss is Σ_j w_j loss_j / n, costs
  /// included. Divided by their mean over all rows, weights of mini-batches drawn evenly give the weighted mean without
  /// bias; `with_weights` has `fit` do that.
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, ConstVectorRef<Scalar> weights,
                          const Draw& draw, Memory& memory, TrainingLoss<Scalar>& result) const {
    const double weight = parts_.likelihood_weight.weight;
    value_and_gradient(X, samples, weights, draw,
                       LikelihoodLoss<Scalar, typename Parts::Base>{parts_.base, dim(), X.cols(), weight}, weight,
                       memory, result);
  }

  /// The same for a loss of one's own. `loss(Y, Y_bar, transform_log_det)` is called once a chunk, in any order and
  /// from several threads: it reads the chunk's final states Y (rows × n: z, log-determinant, costs) and the data
  /// transform's log-determinants (1 × n), overwrites the cotangents Y_bar (rows × n), and returns its share of what
  /// is reported as the negative log-likelihood, which takes no weight. Weighted costs are added to its Y_bar. A loss
  /// with a fourth argument is given the chunk's row ids and weights, `const LossRows<Scalar>&`.
  template <class Loss>
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, const Draw& draw,
                          const Loss& loss, Memory& memory, TrainingLoss<Scalar>& result) const {
    value_and_gradient(X, samples, Vector<Scalar>(), draw, loss, 1, memory, result);
  }
  /// The same with a factor for each row, which the loss must apply to its share and its cotangents.
  template <class Loss>
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, ConstVectorRef<Scalar> weights,
                          const Draw& draw, const Loss& loss, Memory& memory, TrainingLoss<Scalar>& result) const {
    static_assert(Training::template reads_rows<Loss>,
                  "Cnf::value_and_gradient: a loss of weighted rows needs a fourth argument, const LossRows<Scalar>&");
    value_and_gradient(X, samples, weights, draw, loss, 1, memory, result);
  }

  /// Moves the running statistics of a stack's normalisations towards those of the mini-batch that value_and_gradient
  /// has just seen with this memory, which cost nothing more. `fit` calls it after each step of the optimizer.
  void after_step(Memory& memory) requires(Parts::normalizes) {
    for (Index gap = 0; gap <= parts_.blocks(); ++gap)
      parts_.field.update_normalization(gap, Training::moments_of(gap, dim(), memory));
  }

 private:
  friend detail::PartsAccess;
  Cnf(detail::PartsAccess /*by*/, Parts parts) : parts_(std::move(parts)) {}
  template <class Loss>
  void value_and_gradient(ConstBatchRef<DataScalar> X, std::span<const Index> samples, ConstVectorRef<Scalar> weights,
                          const Draw& draw, const Loss& loss, double likelihood_weight, Memory& memory,
                          TrainingLoss<Scalar>& result) const {
    check_data("Cnf::value_and_gradient: data", X);
    require_columns("Cnf::value_and_gradient: data", X.cols(), static_cast<Index>(samples.size()));
    if (weights.size() > 0) {
      require_columns("Cnf::value_and_gradient: weights", weights.size(), X.cols());
      const Eigen::Ref<const Batch<Scalar>> row = View<const Scalar>(weights.data(), 1, weights.size());
      require_finite("Cnf::value_and_gradient: weights", row);
    }
    Training(parts_).run(X, {samples, {weights.data(), std::size_t(weights.size())}}, draw, loss, likelihood_weight,
                         memory, result);
  }

  template <Real Given>
  void check(const char* what, const Eigen::Ref<const Batch<Given>>& X) const {
    check_data(what, X);
    require_finite_parameters();
  }
  template <Real Given>
  void check_data(const char* what, const Eigen::Ref<const Batch<Given>>& X) const {
    parts_.check_parameters();
    if (X.rows() == dim()) require_rows(what, X.rows(), data_rows());  // context is missing, nothing is transposed
    require_batch_rows(what, X.rows(), X.cols(), data_rows());
    require_finite(what, X);
  }
  void check_context(const char* what, ConstBatchRef<DataScalar> C) const {
    parts_.check_parameters();
    require_batch_rows(what, C.rows(), C.cols(), context_rows());
    require_finite(what, C);
    require_finite_parameters();
  }
  /// Not in training: the loss of such parameters is not finite, which training checks anyway.
  void require_finite_parameters() const { detail::require_finite_parameters("Cnf", parts_.field.parameters()); }

  [[nodiscard]] Batch<Scalar> to_flow_coordinates(View<const DataScalar> X) const {
    Batch<Scalar> Z(dim(), X.cols());
    Row<Scalar> log_det(X.cols());
    typename Parts::Rounding scratch;
    parts_.to_coordinates(X.topRows(dim()), View<Scalar>(Z), View<Scalar>(log_det), scratch);
    return Z;
  }

  // Base points Z (d × n), with their context as the field reads it, to raw data.
  [[nodiscard]] Batch<DataScalar> to_data(View<const Scalar> base_points, View<const Scalar> context) const {
    Batch<Scalar> Z(base_points.rows(), base_points.cols());
    detail::copy<Scalar>(base_points, Z);
    Solves(parts_).path(Z, context, detail::Way::to_data);
    return parts_.to_data(View<const Scalar>(Z));
  }

  [[nodiscard]] Batch<Scalar> base_points(Index count, Rng& rng, const std::string& front) const {
    parts_.check_parameters();
    require_finite_parameters();
    if (count < 1) throw ArgumentError(detail::message({"Cnf::", front, ": count"}), count, "at least 1");
    if (context_rows() > 0)
      throw ArgumentError(detail::message({"Cnf::", front, ": context of a conditional flow"}), "missing",
                          detail::message({context_rows(), " rows: ", front, "(context, rng)"}));
    return points_of_base(count, rng, detail::message({"Cnf::", front}));
  }

  // A density of very heavy tails has samples that exceed the scalar's range.
  [[nodiscard]] Batch<Scalar> points_of_base(Index count, Rng& rng, const std::string& front) const {
    Batch<Scalar> Z(dim(), count);
    parts_.base.sample(rng.draw(), 0, Z);
    require_finite((front + ": a draw of the base density").c_str(), Z);
    return Z;
  }

  [[nodiscard]] LogProbWithScore<Scalar, DataScalar> log_prob_with_score(const char* what,
                                                                         ConstBatchRef<DataScalar> X) const {
    check(what, X);
    return detail::FlowScore<Evaluating, detail::GradientOfScore<typename Parts::Gradient>>(parts_, parts_.gradient)
        .run(X);
  }

  Parts parts_;
};

}  // namespace pathline
