/// \file
/// The parts of a flow that its answers need: densities, samples, scores.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/flow/periodic_check.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>

namespace pathline::detail {

/// Several vector fields to be solved one after another: `FieldStack` is one.
template <class S>
concept StackOfFields = VectorField<typename S::Block> && requires(const S stack, S& changeable, Index b) {
  { stack.dim() } -> std::convertible_to<Index>;
  { stack.side_rows() } -> std::convertible_to<Index>;
  { stack.widest() } -> std::convertible_to<Index>;
  { stack.blocks() } -> std::convertible_to<Index>;
  { stack.block(b) } -> std::same_as<typename S::Block>;
  { stack.block_offset(b) } -> std::convertible_to<Index>;
  { changeable.parameters() } -> std::convertible_to<Vector<typename S::Scalar>&>;
};

/// What a flow can be made of, and what its solves then see: a field itself, or the blocks of a stack.
template <class F>
inline constexpr bool is_flow_field = pathline::Field<F> || StackOfFields<F>;
template <class F>
struct BlockOf {
  using type = F;
};
template <StackOfFields F>
struct BlockOf<F> {
  using type = typename F::Block;
};

/// The augmented dynamics of a field with this trace and these regularizers.
template <class Field, class Trace, class Tuple>
struct DynamicsOf;
template <class Field, class Trace, class... R>
struct DynamicsOf<Field, Trace, std::tuple<R...>> {
  using type = AugmentedDynamics<FieldByTangents<Field>, R...>;
};
template <class Field, class... R>
struct DynamicsOf<Field, ClosedFormTrace, std::tuple<R...>> {
  using type = AugmentedDynamics<FieldInClosedForm<Field>, R...>;
};

/// Named by its parts alone, not by the list of policies that they come from: flows that train differently, or name
/// their policies in another order, share what is compiled for it.
template <class FieldType, class BaseType, class TransformType, class ContextType,
          class EvaluationType = EvaluationTrace<BestExactTrace<typename BlockOf<FieldType>::type>>,
          class EvaluatorType = EvaluationSolver<Dopri5, PiController>>
struct EvaluationParts {
  using Field = FieldType;
  using Base = BaseType;
  using Transform = TransformType;
  using Context = ContextType;
  using Evaluation = EvaluationType;
  using Evaluator = EvaluatorType;
  using Block = typename BlockOf<Field>::type;
  using Scalar = typename Field::Scalar;
  static constexpr bool stacked = StackOfFields<Field>;
  static constexpr bool normalizes = requires { requires Field::normalizes; };
  // Raw data need more digits than what is learned of them: a transform of double may stand before a field of float.
  static constexpr bool rounds = !DataTransform<Transform, Scalar>;
  using DataScalar = std::conditional_t<rounds, double, Scalar>;  ///< Of raw data and their context.
  static constexpr bool maps_context = !std::same_as<Context, NoContextTransform>;
  template <class Trace, class Regularizers>
  using Dynamics = typename DynamicsOf<Block, Trace, Regularizers>::type;

  /// \throws ShapeError, ArgumentError where the parts do not fit each other.
  void check() const {
    transform.check(field.dim());
    context_transform.check(context_rows());
    if constexpr (requires { base.check(field.dim()); }) base.check(field.dim());
    check_circles();
    time.check();
    chunk_width.check();
  }

  /// Throws ShapeError unless θ still has its length; the first question of every call that solves.
  void check_parameters() const { require_parameter_count("Cnf", field.parameters().size(), parameter_count); }

  /// \throws ArgumentError where the parts do not agree on which components are circles.
  void check_circles() const {
    constexpr bool field_says = requires { field.circles(); };
    constexpr bool base_says = requires { base.circles(); };
    if constexpr (field_says || base_says || requires { transform.circles(); })
      require_same_circles(circles_of(base), circles_of(transform), circles_of(field), field_says);
    if constexpr (base_says) {
      if (normalizes && !base.circles().empty())
        throw ArgumentError("Cnf: normalisation of a stack on circles", "MovingNormalization, which scales angles",
                            "none");
      const double middle = 0.5 * (time.data + time.base);
      for (Index b = 0; b < blocks(); ++b) require_periodic(block(b), base.circles(), middle);
      // Weights of 0, as in a last layer at the start, hide what training brings to light.
      Field other = field;
      other.parameters().array() += Scalar(0.1);
      if constexpr (stacked)
        for (Index b = 0; b < blocks(); ++b) require_periodic(other.block(b), base.circles(), middle);
      else
        require_periodic(other, base.circles(), middle);
    }
  }

  [[nodiscard]] Index blocks() const {
    if constexpr (stacked)
      return field.blocks();
    else
      return 1;
  }
  /// Block b: a view for a stack, a reference to the field itself otherwise.
  [[nodiscard]] decltype(auto) block(Index b) const {
    if constexpr (stacked)
      return field.block(b);
    else
      return (field);
  }
  /// Where the parameters of block b begin.
  [[nodiscard]] Index block_offset(Index b) const {
    if constexpr (stacked)
      return field.block_offset(b);
    else
      return 0;
  }
  /// A draw of its own for each block, else their traces would err alike; the first block's is the flow's.
  [[nodiscard]] static Draw block_draw(const Draw& draw, Index b) noexcept {
    return {draw.seed + std::uint64_t(b) * 0x9E3779B97F4A7C15U, draw.number};
  }

  /// Rows of context, which are below the data's.
  [[nodiscard]] Index context_rows() const { return std::max<Index>(field.side_rows() - 1, 0); }

  /// Scratch of the next functions, empty where nothing is rounded or mapped.
  struct Rounding {
    Batch<DataScalar> Z, unrounded_context;
    Row<DataScalar> log_det;
    Batch<Scalar> context;
  };
  /// The context (c × n) of raw data or points X ((d + c) × n), as the field reads it: mapped by the context transform,
  /// in the field's scalar. A view of X or of the scratch.
  template <class From = DataScalar>
  [[nodiscard]] View<const Scalar> context_of(View<const std::type_identity_t<From>> X,
                                              [[maybe_unused]] Rounding& scratch) const {
    const View<const From> raw = X.bottomRows(context_rows());
    if constexpr (std::same_as<From, Scalar> && !maps_context) {
      return raw;
    } else {
      scratch.context.resize(raw.rows(), raw.cols());
      if constexpr (!maps_context) {
        convert<From, Scalar>(raw, scratch.context);
      } else if constexpr (std::same_as<From, Scalar> && std::same_as<DataScalar, Scalar>) {
        context_transform.apply(raw.map(), scratch.context);
      } else {
        scratch.unrounded_context.resize(raw.rows(), raw.cols());
        if constexpr (std::same_as<From, DataScalar>)
          context_transform.apply(raw.map(), scratch.unrounded_context);
        else
          context_transform.apply(Batch<DataScalar>(raw.map().template cast<DataScalar>()), scratch.unrounded_context);
        convert<DataScalar, Scalar>(scratch.unrounded_context, scratch.context);
      }
      return scratch.context;
    }
  }
  /// Turns the cotangent (c × n) of what `context_of` gives for raw data X into that of the raw context.
  void pull_back_context([[maybe_unused]] View<const DataScalar> X, [[maybe_unused]] Batch<Scalar>& context_bar,
                         [[maybe_unused]] Rounding& scratch) const {
    if constexpr (maps_context && std::same_as<DataScalar, Scalar>) {
      context_transform.pullback(X.bottomRows(context_rows()).map(), context_bar);
    } else if constexpr (maps_context) {
      scratch.unrounded_context = context_bar.template cast<DataScalar>();
      context_transform.pullback(X.bottomRows(context_rows()).map(), scratch.unrounded_context);
      context_bar = scratch.unrounded_context.template cast<Scalar>();
    }
  }
  /// Raw data X (d × n) to the flow's coordinates Z (d × n), with the transform's log-determinants (1 × n). What the
  /// transform gives in double is rounded afterwards. Throws DomainError at a sample so far out that its coordinate in
  /// the flow overflows.
  void to_coordinates(ConstBatchRef<DataScalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det,
                      [[maybe_unused]] Rounding& scratch) const {
    if constexpr (std::same_as<DataScalar, Scalar>) {
      transform.apply(X, Z, log_det);
    } else {
      scratch.Z.resize(X.rows(), X.cols());
      scratch.log_det.resize(X.cols());
      BatchRef<DataScalar> unrounded = View<DataScalar>(scratch.Z);
      RowRef<DataScalar> unrounded_log_det = View<DataScalar>(scratch.log_det);
      transform.apply(X, unrounded, unrounded_log_det);
      convert<DataScalar, Scalar>(unrounded, Z);
      convert<DataScalar, Scalar>(unrounded_log_det, log_det);
    }
    if (!all_finite<Scalar>(Z)) refuse_overflow(X, Z);
  }
  [[noreturn]] static void refuse_overflow(ConstBatchRef<DataScalar> X, ConstBatchRef<Scalar> Z) {
    Index i = 0, j = 0;
    while (std::isfinite(Z(i, j))) {
      if (++i < Z.rows()) continue;
      i = 0;
      ++j;
    }
    throw DomainError("Cnf", double(X(i, j)), i, j,
                      std::string("a number that the data transform takes to a finite ") +
                          (std::same_as<Scalar, float> ? "float" : "double") + "; leave the sample out");
  }
  /// Back to raw data (d × n).
  [[nodiscard]] Batch<DataScalar> to_data(ConstBatchRef<Scalar> Z) const {
    Batch<DataScalar> X(Z.rows(), Z.cols());
    BatchRef<DataScalar> raw = View<DataScalar>(X);
    if constexpr (std::same_as<DataScalar, Scalar>) {
      transform.invert(Z, raw);
    } else {
      convert<Scalar, DataScalar>(Z, X);
      const Eigen::Ref<const Batch<DataScalar>> unrounded = View<const DataScalar>(X);  // in place, as it may be
      transform.invert(unrounded, raw);
    }
    return X;
  }

  /// Time, and the context of some columns of a batch that holds it in its last rows. Refers to the batch.
  [[nodiscard]] SideInputs<Scalar> side_inputs(View<const Scalar> X, ColumnChunk columns) const {
    const Index c = context_rows();
    if (c == 0) return {};
    return SideInputs<Scalar>(typename SideInputs<Scalar>::Context(X.data() + columns.first * X.stride() + X.rows() - c,
                                                                   c, columns.count, Eigen::OuterStride<>(X.stride())));
  }

  /// Columns of the widest chunk for solves of n samples with k tangents.
  [[nodiscard]] Index widest_chunk(Index n, Index k) const {
    return chunk_width.of(n, field.widest(), k, sizeof(Scalar));
  }
  /// Tangents that an estimator adds to a sample's work. A potential's closed form has d derivatives of its own, which
  /// count half: it writes and reads them once (measured: benchmarks/README.md).
  template <class T>
  [[nodiscard]] Index tangents_of(const T& estimator) const {
    if constexpr (std::same_as<T, ClosedFormTrace>)
      return PotentialField<Block> ? (field.dim() + 1) / 2 : 0;
    else
      return estimator.tangents(field.dim());
  }

  Field field;
  Index parameter_count;  ///< That the field came with.
  Base base;
  Transform transform;
  Context context_transform;
  Evaluation evaluation{};
  Evaluator evaluation_solver{};  ///< That of training where none is named.
  TimeSpan time{};
  Threads threads{};
  ChunkWidth chunk_width{};
};

}  // namespace pathline::detail
