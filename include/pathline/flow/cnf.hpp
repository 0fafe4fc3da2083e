/// \file
/// The continuous normalizing flow: a density as the image of a simple one under a learned ODE.
///
///     log p(x) = log ν(z(t1)) + ∫ tr ∂f/∂z dt + log |det dz/dx|,    z' = f(t, z),  z(t0) = transform(x)
///
/// Data stand at t0, the base density ν at t1; sampling runs from t1 back to t0. The type is put together from
/// policies, named in any order. docs/maths.md, section 7; Chen et al. 2018, Grathwohl et al. 2019 (FFJORD).
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/base.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/flow/regularizers.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace.hpp>
#include <pathline/flow/transform.hpp>
#include <pathline/gradient.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline {

/// \tparam FieldType  A `Field`.
/// \tparam Policies   Any of, in any order, each at most once: a trace estimator (default `ExactTrace`), a solver
///                    (`Dopri5`), a step control (`PiController`), a gradient method (`Backpropagation<>`), a base
///                    density (`StandardNormal`), a data transform (`NoTransform`), `TimeSpan`, `Threads`,
///                    `ChunkWidth`; and any number of regularizers.
///
/// `const` functions may be called from several threads at once.
template <class FieldType, class... Policies>
class Cnf {
  static_assert(Field<FieldType>, "Cnf: the first argument must be a Field (linearize and pullback, nn/layer.hpp)");
  static_assert(KnownPolicies<Policies...>::value);
  using AskedMethod = detail::first_of<IsSolver, Dopri5, Policies...>;
  using AskedControl = detail::first_of<IsStepControl, PiController, Policies...>;
  static constexpr bool controlled = FixedControl<AskedControl> || EmbeddedMethod<AskedMethod>;
  using AskedTransform = detail::first_of<IsDataTransform, NoTransform, Policies...>;
  using AskedBase = detail::first_of<IsBaseDensity, StandardNormal, Policies...>;
  using FieldScalar = typename std::conditional_t<Field<FieldType>, FieldType, detail::NotAField>::Scalar;
  static constexpr bool one_scalar = DataTransform<AskedTransform, FieldScalar> && BaseDensity<AskedBase, FieldScalar>;
  static_assert(!Field<FieldType> || one_scalar,
                "Cnf: data transform and base density must be of the field's scalar, float or double");
  static_assert(controlled, "Cnf: this solver (Rk4, ImplicitEuler, ...) has no error estimate: give FixedSteps(n) too");

  // What an assertion above has refused gives way to something that compiles, so that its line stays the only one.
  using TheField = std::conditional_t<Field<FieldType>, FieldType, detail::NotAField>;
  using Method = std::conditional_t<controlled, AskedMethod, Dopri5>;
  using Control = AskedControl;
  using Trace = detail::first_of<IsTraceEstimator, ExactTrace, Policies...>;
  using Gradient = detail::first_of<IsGradientMethod, Backpropagation<>, Policies...>;
  using Base = std::conditional_t<one_scalar, AskedBase, StandardNormal>;
  using Transform = std::conditional_t<one_scalar, AskedTransform, NoTransform>;
  using Regularizers = detail::all_of<IsRegularizer, Policies...>;

  template <class Tuple>
  struct Augmented;
  template <class... R>
  struct Augmented<std::tuple<R...>> {
    using type = AugmentedDynamics<TheField, R...>;
  };
  using TrainingDynamics = typename Augmented<Regularizers>::type;

 public:
  using Scalar = typename TheField::Scalar;

  /// Scratch of repeated training iterations: with the same shapes, the second one allocates nothing.
  struct Memory {
    struct Thread {
      typename Gradient::template Memory<TrainingDynamics, Method> gradient;
    };
    struct Chunk {
      Vector<Scalar> gradient;
      double negative_log_likelihood = 0, step_cost = 0;
      std::array<double, std::tuple_size_v<Regularizers> + 1> costs{};
      Statistics forward, backward;
    };
    std::vector<Thread> threads;
    std::vector<Chunk> chunks;
  };

  /// \throws ShapeError when the data transform is of another number of rows than the field; ArgumentError for a field
  ///         that reads more than time.
  explicit Cnf(FieldType field, Policies... policies)
      : Cnf(std::move(field), std::tuple<Policies...>(policies...), 0) {}

  [[nodiscard]] Index dim() const { return field_.dim(); }
  [[nodiscard]] const TheField& field() const noexcept { return field_; }
  [[nodiscard]] const Transform& data_transform() const noexcept { return transform_; }
  /// θ, one flat vector: what an optimizer changes and a file keeps.
  [[nodiscard]] Vector<Scalar>& parameters() noexcept { return field_.parameters(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return field_.parameters(); }

  /// log p of raw data X (d × n), 1 × n nats: exact trace, deterministic.
  /// \throws ShapeError, DataError on bad data; SolveError and its kin when a solve fails.
  [[nodiscard]] Row<Scalar> log_prob(ConstBatchRef<Scalar> X) const { return likelihood(X).log_prob; }

  /// The same by an estimator of one's choice; the seed fixes its noise. Errors as above.
  template <TraceEstimator<double> Estimator>
  [[nodiscard]] Row<Scalar> log_prob(ConstBatchRef<Scalar> X, const Estimator& estimator, std::uint64_t seed) const {
    return likelihood(X, estimator, seed).log_prob;
  }

  /// log_prob of raw data X (d × n) with the number of evaluations that it took. Errors as above.
  template <TraceEstimator<double> Estimator = ExactTrace>
  [[nodiscard]] Likelihood<Scalar> likelihood(ConstBatchRef<Scalar> X, const Estimator& estimator = {},
                                              std::uint64_t seed = 0) const {
    check("Cnf::log_prob: data", X);
    Likelihood<Scalar> result;
    result.log_prob.resize(X.cols());
    Batch<Scalar> y(dim() + 1, X.cols());
    transform_.apply(X, y.topRows(dim()), result.log_prob);
    y.row(dim()).setZero();
    result.statistics = solve_with_trace(y, time_.data, time_.base, estimator, seed);
    Row<Scalar> log_base(X.cols());
    base_.log_density(y.topRows(dim()), log_base);
    result.log_prob += log_base + y.row(dim());
    return result;
  }

  /// Data to base: z(t1) of raw data X (d × n).
  /// \throws ShapeError, DataError on bad data; SolveError and its kin when a solve fails.
  [[nodiscard]] Batch<Scalar> transform(ConstBatchRef<Scalar> X) const {
    check("Cnf::transform: data", X);
    Batch<Scalar> Z = to_flow_coordinates(X);
    solve_path(Z, time_.data, time_.base);
    return Z;
  }

  /// Base to data: raw x of base points Z (d × n). The inverse of `transform`, to the tolerance of the solver.
  /// \throws ShapeError, DataError on bad points; SolveError and its kin when a solve fails.
  [[nodiscard]] Batch<Scalar> inverse(ConstBatchRef<Scalar> Z) const {
    check("Cnf::inverse: points", Z);
    Batch<Scalar> z = Z, X(dim(), Z.cols());
    solve_path(z, time_.base, time_.data);
    transform_.invert(z, X);
    return X;
  }

  /// Where raw data X (d × n) stand at each of `times`, in the flow's coordinates (those of the data transform).
  /// times[0] is the data's time. One solve for the whole batch: its end differs from `transform` by the tolerance.
  /// \throws ShapeError, DataError on bad data; ArgumentError on bad times; SolveError and its kin.
  [[nodiscard]] std::vector<Batch<Scalar>> trajectory(ConstBatchRef<Scalar> X, const std::vector<double>& times) const {
    check("Cnf::trajectory: data", X);
    if (times.empty() || times.front() != time_.data)
      throw ArgumentError("Cnf::trajectory: first time", times.empty() ? "missing" : detail::number(times.front()),
                          "the data's time, " + detail::number(time_.data));
    return NeuralOde<TheField, Method, Control>(field_, method_, control_).solve(to_flow_coordinates(X), times);
  }

  /// `count` samples, d × count, raw. Takes one draw of the generator.
  /// \throws ArgumentError when count is below 1; SolveError and its kin when a solve fails.
  [[nodiscard]] Batch<Scalar> sample(Index count, Rng& rng) const { return inverse(base_points(count, rng)); }

  /// Samples and their log p in one solve back in time: its log-determinant starts at 0 and is the negative of the
  /// way out's. Takes one draw of the generator.
  /// \throws ArgumentError when count is below 1; SolveError and its kin when a solve fails.
  [[nodiscard]] SamplesWithLogProb<Scalar> sample_with_log_prob(Index count, Rng& rng) const {
    const Batch<Scalar> Z = base_points(count, rng);
    Batch<Scalar> y(dim() + 1, count);
    y.topRows(dim()) = Z;
    y.row(dim()).setZero();
    solve_with_trace(y, time_.base, time_.data, ExactTrace{}, 0);
    SamplesWithLogProb<Scalar> result{Batch<Scalar>(dim(), count), Row<Scalar>(count)};
    transform_.invert(y.topRows(dim()), result.samples);
    Batch<Scalar> back(dim(), count);
    transform_.apply(result.samples, back, result.log_prob);
    Row<Scalar> log_base(count);
    base_.log_density(Z, log_base);
    result.log_prob += log_base - y.row(dim());
    return result;
  }

  /// An empty result for `value_and_gradient`.
  [[nodiscard]] TrainingLoss<Scalar> make_training_loss() const { return {}; }

  /// Loss and gradient of raw data X (d × n): mean negative log-likelihood by the training trace, plus the weighted
  /// mean costs.
  /// \param draw     Names the noise. \param samples  The n row ids, which the noise depends on.
  /// \param result   Overwritten; keeps its buffers, as memory does.
  /// \throws ShapeError, DataError on bad data; SolveError and its kin when a solve fails.
  void value_and_gradient(ConstBatchRef<Scalar> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          TrainingLoss<Scalar>& result) const {
    value_and_gradient(X, samples, draw, LikelihoodLoss<Scalar, Base>{base_, dim(), X.cols()}, memory, result);
  }

  /// The same for a loss of one's own. `loss(Y, Y_bar, transform_log_det)` is called once a chunk, in any order and
  /// from several threads: it reads the chunk's final states Y (rows × n: z, log-determinant, costs) and the data
  /// transform's log-determinants (1 × n), overwrites the cotangents Y_bar (rows × n), and returns its share of what
  /// is reported as the negative log-likelihood. Weighted costs are added to its Y_bar.
  template <class Loss>
  void value_and_gradient(ConstBatchRef<Scalar> X, std::span<const Index> samples, const Draw& draw, const Loss& loss,
                          Memory& memory, TrainingLoss<Scalar>& result) const {
    check("Cnf::value_and_gradient: data", X);
    require_columns("Cnf::value_and_gradient: data", X.cols(), static_cast<Index>(samples.size()));
    const Index widest = chunk_width_.of(field_.widest(), trace_.tangents(dim()), sizeof(Scalar));
    memory.threads.resize(std::max(memory.threads.size(), std::size_t(thread_count(threads_.number))));
    const auto chunks = std::size_t(chunk_count(X.cols(), widest));
    memory.chunks.resize(std::max(memory.chunks.size(), chunks));
    for_each_chunk(X.cols(), widest, threads_.number, [&](Index i, ColumnChunk chunk, int thread) {
      const auto work = [&] {
        train_chunk(X, samples, draw, loss, chunk, memory.threads[std::size_t(thread)], memory.chunks[std::size_t(i)]);
      };
      detail::relabel_failures(work, [&](SolveFailure& at) { name_sample(at, chunk); });
    });
    sum_chunks(memory, chunks, result);
  }

 private:
  Cnf(FieldType field, const std::tuple<Policies...>& policies, int)
      : field_(std::move(field)),
        trace_(detail::pick<IsTraceEstimator, Trace>(policies)),
        method_(detail::pick<IsSolver, Method>(policies)),
        control_(detail::pick<IsStepControl, Control>(policies)),
        gradient_(detail::pick<IsGradientMethod, Gradient>(policies)),
        base_(detail::pick<IsBaseDensity, Base>(policies)),
        transform_(detail::pick<IsDataTransform, Transform>(policies)),
        regularizers_(detail::pick_all<IsRegularizer>(policies)),
        time_(detail::pick<IsTimeSpan, TimeSpan>(policies)),
        threads_(detail::pick<IsThreads, Threads>(policies)),
        chunk_width_(detail::pick<IsChunkWidth, ChunkWidth>(policies)) {
    detail::require_time_only("Cnf", field_);
    transform_.check(dim());
  }

  void check(const char* what, ConstBatchRef<Scalar> X) const {
    require_rows(what, X.rows(), dim());
    require_finite(what, X);
  }

  // A failure inside of a chunk counts its columns from the chunk's first.
  static void name_sample(SolveFailure& at, ColumnChunk chunk) {
    if (at.sample >= 0) at.sample += chunk.first;
  }

  [[nodiscard]] Batch<Scalar> to_flow_coordinates(ConstBatchRef<Scalar> X) const {
    Batch<Scalar> Z(dim(), X.cols());
    Row<Scalar> log_det(X.cols());
    transform_.apply(X, Z, log_det);
    return Z;
  }

  [[nodiscard]] Batch<Scalar> base_points(Index count, Rng& rng) const {
    if (count < 1) throw ArgumentError("Cnf::sample: count", std::to_string(count), "at least 1");
    Batch<Scalar> Z(dim(), count);
    base_.sample(rng.draw(), 0, Z);
    return Z;
  }

  // Solves the columns of y in chunks, in place. `with_dynamics(workspace, chunk, run)` makes the chunk's dynamics and
  // calls run(dynamics).
  template <class WithDynamics>
  Statistics solve_chunks(Batch<Scalar>& y, double from, double to, Index tangents,
                          WithDynamics&& with_dynamics) const {
    const Index widest = chunk_width_.of(field_.widest(), tangents, sizeof(Scalar));
    std::vector<Statistics> statistics(std::size_t(chunk_count(y.cols(), widest)));
    const std::array<double, 2> times{from, to};
    for_each_chunk(y.cols(), widest, threads_.number, [&](Index i, ColumnChunk chunk, int /*thread*/) {
      Workspace<Scalar> workspace;
      with_dynamics(workspace, chunk, [&]<class G>(const G& dynamics) {
        Stepper<Method, Batch<Scalar>> stepper;
        SolverRightHandSide<G> rhs{dynamics, workspace};
        Batch<Scalar> state = y.middleCols(chunk.first, chunk.count);
        statistics[std::size_t(i)] = detail::relabel_failures(
            [&] { return integrate(method_, control_, rhs, state, std::span<const double>(times), stepper); },
            [&](SolveFailure& at) { name_sample(at, chunk); });
        y.middleCols(chunk.first, chunk.count) = state;
      });
    });
    Statistics sum;
    for (const Statistics& one : statistics) sum += one;
    return sum;
  }

  Statistics solve_path(Batch<Scalar>& Z, double from, double to) const {
    return solve_chunks(Z, from, to, 0, [&](Workspace<Scalar>& /*workspace*/, ColumnChunk chunk, auto&& run) {
      run(FieldDynamics<TheField>(field_, chunk.count));
    });
  }

  template <class Estimator>
  Statistics solve_with_trace(Batch<Scalar>& y, double from, double to, const Estimator& estimator,
                              std::uint64_t seed) const {
    const Index k = estimator.tangents(dim());
    std::vector<Index> samples(std::size_t(y.cols()));
    std::iota(samples.begin(), samples.end(), Index(0));
    const Draw draw = Rng(seed).draw();
    return solve_chunks(y, from, to, k, [&](Workspace<Scalar>& workspace, ColumnChunk chunk, auto&& run) {
      typename Workspace<Scalar>::Frame frame(workspace);
      const BatchMap<Scalar> V = frame.batch(dim(), k * chunk.count);
      estimator.fill(draw, std::span<const Index>(samples).subspan(std::size_t(chunk.first), std::size_t(chunk.count)),
                     V, workspace);
      const std::tuple<> no_regularizers;
      run(AugmentedDynamics<TheField>(field_, no_regularizers, V, Scalar(estimator.weight(dim())), chunk.count));
    });
  }

  template <class Loss>
  void train_chunk(ConstBatchRef<Scalar> X, std::span<const Index> samples, const Draw& draw, const Loss& loss,
                   ColumnChunk columns, typename Memory::Thread& thread, typename Memory::Chunk& chunk) const {
    const Index d = dim(), n = columns.count, k = trace_.tangents(d);
    const std::array<double, 2> times{time_.data, time_.base};
    Workspace<Scalar>& workspace = thread.gradient.workspace;
    typename Workspace<Scalar>::Frame frame(workspace);
    const BatchMap<Scalar> V = frame.batch(d, k * n);
    trace_.fill(draw, samples.subspan(std::size_t(columns.first), std::size_t(n)), V, workspace);
    const TrainingDynamics dynamics(field_, regularizers_, V, Scalar(trace_.weight(d)), n);

    Batch<Scalar>& y = thread.gradient.steppers.at(dynamics.rows(), n).y;
    BatchMap<Scalar> log_det = frame.batch(1, n), y_bar = frame.batch(dynamics.rows(), n);
    transform_.apply(X.middleCols(columns.first, n), y.topRows(d), log_det.row(0));
    y.bottomRows(dynamics.rows() - d).setZero();
    chunk.forward =
        gradient_.forward(method_, control_, dynamics, y, std::span<const double>(times), {}, thread.gradient);

    y_bar.setZero();
    chunk.negative_log_likelihood = loss(y, y_bar, log_det.row(0));
    Index row = d + 1;
    const double share = 1.0 / double(X.cols());
    const double direction = time_.base < time_.data ? -1 : 1;  // a cost is counted forward, whichever way time runs
    const auto add_cost = [&](const auto& regularizer) {
      chunk.costs[std::size_t(row - d - 1)] = direction * share * y.row(row).template cast<double>().sum();
      y_bar.row(row).array() += Scalar(direction * share * double(regularizer.weight));
      ++row;
    };
    std::apply([&](const auto&... regularizer) { (add_cost(regularizer), ...); }, regularizers_);
    chunk.gradient.setZero(field_.parameters().size());
    if constexpr (requires { thread.gradient.step_cost; }) {  // each sample bears its share of its chunk's steps
      const Scalar step_share = Scalar(n) / Scalar(X.cols());
      chunk.step_cost = double(step_share * thread.gradient.step_cost);
      chunk.backward = gradient_.backward(method_, control_, dynamics, std::span<const double>(times), {}, y_bar,
                                          chunk.gradient, thread.gradient, step_share);
    } else {
      chunk.backward = gradient_.backward(method_, control_, dynamics, std::span<const double>(times), {}, y_bar,
                                          chunk.gradient, thread.gradient);
    }
  }

  // In chunk order, so that the sum has the same bits for every number of threads.
  void sum_chunks(const Memory& memory, std::size_t chunks, TrainingLoss<Scalar>& result) const {
    result.gradient.setZero(field_.parameters().size());
    result.negative_log_likelihood = result.step_cost = 0;
    result.costs.assign(std::tuple_size_v<Regularizers>, 0.0);
    result.forward = result.backward = Statistics{};
    result.solves = Index(chunks);
    for (std::size_t i = 0; i < chunks; ++i) {
      const typename Memory::Chunk& chunk = memory.chunks[i];
      result.gradient += chunk.gradient;
      result.negative_log_likelihood += chunk.negative_log_likelihood;
      result.step_cost += chunk.step_cost;
      for (std::size_t r = 0; r < result.costs.size(); ++r) result.costs[r] += chunk.costs[r];
      result.forward += chunk.forward;
      result.backward += chunk.backward;
    }
    result.loss = result.negative_log_likelihood + result.step_cost;
    std::size_t r = 0;
    std::apply([&](const auto&... regularizer) { ((result.loss += regularizer.weight * result.costs[r++]), ...); },
               regularizers_);
  }

  TheField field_;
  Trace trace_;
  Method method_;
  Control control_;
  Gradient gradient_;
  Base base_;
  Transform transform_;
  Regularizers regularizers_;
  TimeSpan time_;
  Threads threads_;
  ChunkWidth chunk_width_;
};

}  // namespace pathline
