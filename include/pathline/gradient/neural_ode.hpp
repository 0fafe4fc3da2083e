/// \file
/// A neural ODE, z' = f(t, z; θ), with its solver, step control and gradient method: solve it, train it on observed
/// paths by `fit` (train/fit_sequences.hpp), or differentiate a loss of your own of its states at several times
/// (Chen et al. 2018).
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/ode_chunks.hpp>
#include <pathline/gradient/ode_parts.hpp>
#include <pathline/gradient/per_sample/sample_chunks.hpp>
#include <pathline/gradient/per_sample/sample_sequences.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/sequence_chunks.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/ode/statistics.hpp>

#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace pathline {

/// Policies may be left out, and come in any order:
///
///     NeuralOde ode(field, Dopri5{}, PiController{.rtol = 1e-7, .atol = 1e-9}, Backpropagation{}, Threads{4});
///     const auto states = ode.solve(y0, {0, 0.5, 1});
///
/// A batch is cut into column chunks, of which each is one solve: its columns share their steps. The cut depends on the
/// number of columns and the width of the chunks alone, so that results are the same bits for every number of threads.
/// `ChunkWidth{n}` makes one solve of a batch of n columns. `const` functions may be called from several threads.
///
/// With `PerSample{PiController{}}` each column has steps of its own, those that it would take alone, and an end of its
/// own: its states and gradient are the same bits in whatever batch, and where it fails the others do not.
///
/// \tparam FieldType  A `Field`.
/// \tparam Policies   Each at most once: a solver (default: `Dopri5`), a step control (`PiController`) or `PerSample`,
///                    a gradient method (`Backpropagation<>`), `Threads`, `ChunkWidth`.
template <class FieldType, class... Policies>
class NeuralOde {
  static_assert(detail::OdeCheck<FieldType, Policies...>::value);
  using Parts = detail::OdeParts<FieldType, Policies...>;
  using Chunks = detail::OdeChunks<Parts>;
  using SequenceChunks = detail::SequenceChunks<Parts>;

 public:
  using Scalar = typename Parts::Scalar;
  /// Whether each sample has steps of its own: PerSample.
  static constexpr bool each_sample = Parts::each_sample;
  /// Scratch of repeated calls: with the same shapes, the second call allocates nothing but its results. (By one
  /// thread: of several, one may meet its first chunk of solve() later.)
  using Memory = detail::OdeMemory<Parts>;

  /// \throws ArgumentError for a width of chunks below 0.
  explicit NeuralOde(FieldType field, Policies... policies)
      : parts_(std::move(field), detail::policy_list(policies...)) {}

  [[nodiscard]] Index dim() const { return parts_.field.dim(); }
  [[nodiscard]] const auto& field() const noexcept { return parts_.field; }
  /// Rows of context that the field reads beside time.
  [[nodiscard]] Index context_rows() const { return parts_.context_rows(); }
  /// θ. A field of the library has `Parameters`, which refuse a vector of another length at once; a plain `Vector` of
  /// another length is refused by the next solve.
  [[nodiscard]] auto& parameters() noexcept { return parts_.field.parameters(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return parts_.field.parameters(); }
  /// θ from a vector of the field's length, as one that was kept in a file.
  ///
  /// \throws ShapeError when it has another length; ArgumentError when a number is not finite. θ is then as before.
  void set_parameters(ConstVectorRef<Scalar> theta) {
    detail::set_parameters<Scalar>("NeuralOde::set_parameters", parts_.field.parameters(), theta);
  }
  /// Whether steps end at the output times: see `OutputTimes`.
  [[nodiscard]] OutputTimes output_times() const { return parts_.output_times(); }

  /// The states at `times` (times[0] = t0, where the state is y0: d × n), without any record of the way.
  /// \param times    The field reads time and context as they are: give both in units in which they are of order 1.
  /// \param context  context_rows() × n, constant along the path; may be left out where the field reads time alone. In
  ///                 units of its own: transformed(StandardizeContext(C), C), see flow/transform/context_transform.hpp.
  /// \throws ShapeError, DataError on a bad y0 or context; SolveError when the solve fails;
  ///         ArgumentError for interpolated outputs by a method that has none (OutputTimes).
  [[nodiscard]] std::vector<Batch<Scalar>> solve(ConstDataRef<Scalar> y0, const std::vector<double>& times,
                                                 ConstDataRef<Scalar> context = Batch<Scalar>()) const {
    Memory memory;
    solve(y0, times, memory, context);
    return std::move(memory.outputs);
  }

  /// The same into memory.outputs, for repeated calls.
  Statistics solve(ConstDataRef<Scalar> y0, std::span<const double> times, Memory& memory,
                   ConstDataRef<Scalar> context = Batch<Scalar>()) const {
    check(y0, context);
    detail::require_finite_parameters("NeuralOde", parameters());
    return Chunks(parts_).solve(y0, times, context, memory);
  }

  /// The same where a sample may fail, with PerSample: memory.samples says how each ended, and memory.outputs holds NaN
  /// for the times that it did not come to.
  /// \throws As solve(), except for SolveError.
  Statistics try_solve(ConstDataRef<Scalar> y0, std::span<const double> times, Memory& memory,
                       ConstDataRef<Scalar> context = Batch<Scalar>()) const {
    static_assert(Parts::each_sample, "NeuralOde::try_solve: samples have ends of their own with PerSample alone");
    check(y0, context);
    detail::require_finite_parameters("NeuralOde", parameters());
    if constexpr (Parts::each_sample)
      return Chunks(parts_).try_solve(y0, times, context, memory);
    else
      return {};
  }

  /// Value and gradients of `loss(states, cotangents) -> Scalar`, which reads the states at `times` (vector of d × n)
  /// and adds to their cotangents (vector of d × n, zero on entry). It is called once, for the whole batch.
  ///
  /// With PerSample the loss may also be `loss(states, cotangents, samples)`, with the SolveStatus of each sample.
  /// Those that failed have NaN at the times that they did not come to, their cotangents are not read, their gradient
  /// is 0, and they add nothing to that of θ. A loss of two arguments is not told, and the failure is thrown.
  /// \throws As solve().
  template <class Loss>
  [[nodiscard]] ValueAndGradient<Scalar> value_and_gradient(ConstDataRef<Scalar> y0, std::span<const double> times,
                                                            Loss&& loss,
                                                            ConstDataRef<Scalar> context = Batch<Scalar>()) const {
    Memory memory;
    ValueAndGradient<Scalar> result;
    value_and_gradient(y0, times, loss, memory, result, context);
    return result;
  }

  /// The same for repeated calls: memory and result keep their buffers.
  template <class Loss>
  void value_and_gradient(ConstDataRef<Scalar> y0, std::span<const double> times, Loss&& loss, Memory& memory,
                          ValueAndGradient<Scalar>& result, ConstDataRef<Scalar> context = Batch<Scalar>()) const {
    check(y0, context);
    const Chunks chunks(parts_);
    chunks.forward(y0, times, context, memory, result);
    result.value = Chunks::value_of(loss, memory, result);
    check_cotangents(memory.outputs_bar, y0, times.size());
    chunks.backward(y0, times, memory, result);
    if constexpr (Parts::each_sample && !LossOfStatuses<Loss, Scalar>) detail::raise_first(result.backward_samples);
  }

  /// The same with dL/dt of each of the times in `result.times`: what the loss changes by when the state y0 is given at
  /// another t0, or the loss reads the state at another t_k. One evaluation of the field for each time more.
  ///
  /// dL/dt_0 = -⟨f(t_0, y0), a⟩ with the cotangent a that the solve carries back to t0, `result.initial` less what the
  /// loss itself owes the state at t0; of the other times dL/dt_k = ⟨f(t_k, y_k), cotangent of y_k⟩. They belong to
  /// the solution of the differential equation, docs/maths.md (6.10): those of the numbers computed differ from them by
  /// the error of the solve.
  /// \throws As solve().
  template <class Loss>
  [[nodiscard]] ValueAndGradient<Scalar> value_and_gradient_with_times(
      ConstDataRef<Scalar> y0, std::span<const double> times, Loss&& loss,
      ConstDataRef<Scalar> context = Batch<Scalar>()) const {
    static_assert(
        !requires { requires Parts::Gradient::has_step_cost; },
        "NeuralOde: a cost of the steps has no derivative by the times");
    Memory memory;
    ValueAndGradient<Scalar> result;
    value_and_gradient(y0, times, loss, memory, result, context);
    result.times = Chunks(parts_).time_gradient(times, memory, result);
    return result;
  }

  /// The states that the model gives at the times of each sequence, d × m each, from the start of that sequence.
  /// \throws ShapeError, DataError, ArgumentError on a sequence that is unusable; SolveError when a solve fails.
  [[nodiscard]] std::vector<Batch<Scalar>> predict(const std::vector<Sequence<Scalar>>& sequences) const {
    std::vector<Index> which(sequences.size());
    std::iota(which.begin(), which.end(), Index(0));
    return predict(sequences, which);
  }
  /// The same of the sequences with these numbers, from 0.
  [[nodiscard]] std::vector<Batch<Scalar>> predict(std::span<const Sequence<Scalar>> sequences,
                                                   std::span<const Index> which) const {
    check_sequences("NeuralOde::predict", sequences, which, 0);
    detail::require_finite_parameters("NeuralOde", parameters());
    return SequenceChunks(parts_).predict(sequences, which);
  }

  /// The weighted mean of the losses of some sequences, Σ_j w_j E_j / n, with its gradient. E_j is the mean square of
  /// prediction minus observation over the entries that were observed in sequence j (0 for none); `result.initial` is
  /// by the states at the starts, d × n.
  ///
  /// \param which    Numbers of the n sequences, from 0.
  /// \param weights  w, one for each of them; none: all 1.
  /// \throws As predict(), except for parameters that are not finite.
  void value_and_gradient(std::span<const Sequence<Scalar>> sequences, std::span<const Index> which,
                          ConstVectorRef<Scalar> weights, Memory& memory, ValueAndGradient<Scalar>& result) const {
    check_sequences("NeuralOde::value_and_gradient", sequences, which, weights.size());
    SequenceChunks(parts_).value_and_gradient(sequences, which, weights, memory, result);
  }

 private:
  friend detail::PartsAccess;
  NeuralOde(detail::PartsAccess /*by*/, Parts parts) : parts_(std::move(parts)) {}

  void check(ConstBatchRef<Scalar> y0, ConstBatchRef<Scalar> context) const {
    detail::require_parameter_count("NeuralOde", parameters().size(), parts_.parameter_count);
    require_batch_rows("NeuralOde: y0", y0.rows(), y0.cols(), dim());
    require_finite("NeuralOde: y0", y0);
    require_batch_rows("NeuralOde: context", context.rows(), context.cols(), context_rows());
    if (context.rows() == 0) return;
    require_columns("NeuralOde: context", context.cols(), y0.cols());
    require_finite("NeuralOde: context", context);
  }

  void check_sequences(const char* front, std::span<const Sequence<Scalar>> sequences, std::span<const Index> which,
                       Index weights) const {
    detail::require_parameter_count("NeuralOde", parameters().size(), parts_.parameter_count);
    detail::require_chosen_sequences(front, sequences.size(), which, weights);
    for (const Index j : which) detail::require_sequence(front, j, sequences[std::size_t(j)], dim(), context_rows());
  }

  /// A loss can resize what it is given, and is the user's.
  static void check_cotangents(const std::vector<Batch<Scalar>>& outputs_bar, ConstBatchRef<Scalar> y0,
                               std::size_t times) {
    const char* const advice = "the loss adds to the cotangents that it is given, one for each of the times";
    if (outputs_bar.size() != times)
      throw ShapeError("NeuralOde::value_and_gradient: cotangents of the states", "batches", Index(outputs_bar.size()),
                       Index(times), advice);
    for (const Batch<Scalar>& bar : outputs_bar) {
      const char* const what = "NeuralOde::value_and_gradient: a cotangent of a state";
      if (bar.rows() != y0.rows()) throw ShapeError(what, "rows", bar.rows(), y0.rows(), advice);
      if (bar.cols() != y0.cols()) throw ShapeError(what, "columns", bar.cols(), y0.cols(), advice);
    }
  }

  Parts parts_;
};

}  // namespace pathline
