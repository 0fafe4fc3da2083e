/// \file
/// A neural ODE, z' = f(t, z; θ), with its solver, step control and gradient method: solve it, and differentiate a
/// user's own loss of its states at several times (Chen et al. 2018).
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/ode.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// A loss, its gradients, and what they cost.
template <Real Scalar>
struct ValueAndGradient {
  Scalar value = Scalar(0);   ///< The loss, and the cost of the steps where the gradient method carries one.
  Vector<Scalar> parameters;  ///< dL/dθ.
  Batch<Scalar> initial;      ///< dL/dy(t0), d × n.
  Batch<Scalar> context;      ///< dL/dcontext, c × n; empty for a field that reads time alone.
  Statistics forward, backward;
};

namespace detail {

/// The parts of a NeuralOde, each found by its kind, and one readable line for what is none.
template <class FieldType, class... Policies>
struct OdeParts {
  using Method = first_of<IsSolver, Dopri5, Policies...>;
  using Control = first_of<IsStepControl, PiController, Policies...>;
  using Gradient = first_of<IsGradientMethod, Backpropagation<NoStepCost>, Policies...>;
  static_assert(!Field<FieldType> ||
                    ((SteppingMethod<Policies> || StepControl<Policies> || GradientMethod<Policies>)&&...),
                "NeuralOde: a policy is none of: solver (tableau), step control, gradient method (forward, backward)");
  static_assert(count_of<IsSolver, Policies...> <= 1, "NeuralOde: more than one solver");
  static_assert(count_of<IsStepControl, Policies...> <= 1, "NeuralOde: more than one step control");
  static_assert(count_of<IsGradientMethod, Policies...> <= 1, "NeuralOde: more than one gradient method");
};

/// Stands in for an argument that is no field, once that has been said.
struct NoField {
  using Scalar = double;
};

}  // namespace detail

/// The whole batch is one solve: its columns share their steps. Solver, step control and gradient method may be left
/// out, and come in any order.
///
///     NeuralOde ode(field, Dopri5{}, PiController{.rtol = 1e-7, .atol = 1e-9}, Backpropagation{});
///     const auto [value, gradient, ...] = ode.value_and_gradient(z0, times, loss);
template <class FieldType, class Method = Dopri5, class Control = PiController,
          class Gradient = Backpropagation<NoStepCost>>
class NeuralOde {
  static_assert(Field<FieldType>,
                "NeuralOde: the first argument must be a Field (linearize and pullback, nn/layer.hpp)");
  static constexpr bool parts = SteppingMethod<Method> && StepControl<Control> && GradientMethod<Gradient>;
  static_assert(parts, "NeuralOde<Field, Method, Control, Gradient>: an argument is not of its kind");
  static_assert(!parts || FixedControl<Control> || EmbeddedMethod<Method>,
                "NeuralOde: this solver (Rk4, ImplicitEuler, ...) has no error estimate: give FixedSteps(n) too");

 public:
  using Scalar = typename std::conditional_t<Field<FieldType>, FieldType, detail::NoField>::Scalar;

  /// Scratch of repeated calls: with the same shapes, the second call allocates nothing but its results.
  struct Memory {
    typename Gradient::template Memory<FieldDynamics<FieldType>, Method> gradient;
    std::vector<Batch<Scalar>> outputs, outputs_bar;
    Vector<Scalar> parameters_bar;  ///< Of θ and context together.
  };

  /// \param policies  Solver, step control and gradient method, each at most once and in any order.
  template <class... Policies>
  explicit NeuralOde(FieldType field, const Policies&... policies)
      : NeuralOde(std::tuple<Policies...>(policies...), std::move(field)) {
    static_assert(std::same_as<Method, detail::first_of<IsSolver, Method, Policies...>> &&
                      std::same_as<Control, detail::first_of<IsStepControl, Control, Policies...>> &&
                      std::same_as<Gradient, detail::first_of<IsGradientMethod, Gradient, Policies...>>,
                  "NeuralOde: a policy is of another type than the class names: leave out the template arguments");
  }

  [[nodiscard]] const FieldType& field() const noexcept { return field_; }
  /// Rows of context that the field reads beside time.
  [[nodiscard]] Index context_rows() const { return std::max<Index>(field_.side_rows() - 1, 0); }
  /// θ. A field of the library has `Parameters`, which refuse a vector of another length at once; a plain `Vector` of
  /// another length is refused by the next solve.
  [[nodiscard]] auto& parameters() noexcept { return field_.parameters(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return field_.parameters(); }

  /// The states at `times` (times[0] = t0, where the state is y0: d × n), without any record of the way.
  /// \param times    The field reads time and context as they are: give both in units in which they are of order 1.
  /// \param context  context_rows() × n, constant along the path; may be left out where the field reads time alone. In
  ///                 units of its own: transformed(StandardizeContext(C), C), see flow/transform/context_transform.hpp.
  /// \throws ShapeError, DataError on a bad y0 or context; SolveError and its kin when the solve fails;
  ///         ArgumentError for interpolated outputs by a method that has none (Outputs).
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
    detail::require_finite_parameters("NeuralOde", field_.parameters());
    memory.outputs.resize(times.size());
    const detail::OneThreadProducts one_thread;  // the same bits, and no allocation, with OpenMP too
    const FieldDynamics<FieldType> dynamics(field_, y0.cols(), side_inputs(context));
    SolverRightHandSide<FieldDynamics<FieldType>> rhs{dynamics, memory.gradient.workspace};
    auto& [stepper, y] = memory.gradient.steppers.at(y0.rows(), y0.cols());
    y = y0;
    if constexpr (requires { gradient_.outputs; }) {
      detail::require_interpolation<Method>(gradient_.outputs);
      if constexpr (detail::interpolates<Method>)
        if (gradient_.outputs == Outputs::interpolate) {
          const detail::OutputSchedule schedule(times, gradient_.outputs);
          memory.gradient.writer.start(times, memory.outputs);
          InterpolatedOutputs observer(memory.gradient.writer);
          return integrate(method_, control_, rhs, y, schedule.times(), stepper, observer);
        }
    }
    LandedOutputs observer(memory.outputs);
    return integrate(method_, control_, rhs, y, times, stepper, observer);
  }

  /// Value and gradients of `loss(states, cotangents) -> Scalar`, which reads the states at `times` (vector of d × n)
  /// and adds to their cotangents (vector of d × n, zero on entry).
  /// \throws as solve().
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
    const detail::OneThreadProducts one_thread;
    const FieldDynamics<FieldType> dynamics(field_, y0.cols(), side_inputs(context));
    memory.outputs.resize(times.size());
    memory.outputs_bar.resize(times.size());
    Batch<Scalar>& y = memory.gradient.steppers.at(y0.rows(), y0.cols()).y;
    y = y0;
    result.forward = gradient_.forward(method_, control_, dynamics, y, times, std::span<Batch<Scalar>>(memory.outputs),
                                       memory.gradient);
    for (Batch<Scalar>& bar : memory.outputs_bar) bar.setZero(y0.rows(), y0.cols());
    result.value = loss(std::as_const(memory.outputs), memory.outputs_bar);
    check_cotangents(memory.outputs_bar, y0, times.size());
    if constexpr (requires { memory.gradient.step_cost; }) result.value += memory.gradient.step_cost;
    result.initial.setZero(y0.rows(), y0.cols());
    memory.parameters_bar.setZero(dynamics.parameter_count());
    result.backward =
        gradient_.backward(method_, control_, dynamics, times, std::span<const Batch<Scalar>>(memory.outputs_bar),
                           result.initial, memory.parameters_bar, memory.gradient);
    const Index count = field_.parameters().size();
    result.parameters = memory.parameters_bar.head(count);
    result.context = ConstBatchMap<Scalar>(memory.parameters_bar.data() + count, context.rows(), context.cols());
  }

 private:
  template <class... Policies>
  NeuralOde(const std::tuple<Policies...>& policies, FieldType field)
      : field_(std::move(field)),
        parameter_count_(std::as_const(field_).parameters().size()),
        method_(detail::pick<IsSolver, Method>(policies)),
        control_(detail::pick<IsStepControl, Control>(policies)),
        gradient_(detail::pick<IsGradientMethod, Gradient>(policies)) {}

  void check(ConstBatchRef<Scalar> y0, ConstBatchRef<Scalar> context) const {
    detail::require_parameter_count("NeuralOde", field_.parameters().size(), parameter_count_);
    require_batch_rows("NeuralOde: y0", y0.rows(), y0.cols(), field_.dim());
    require_finite("NeuralOde: y0", y0);
    require_batch_rows("NeuralOde: context", context.rows(), context.cols(), context_rows());
    if (context.rows() == 0) return;
    require_columns("NeuralOde: context", context.cols(), y0.cols());
    require_finite("NeuralOde: context", context);
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

  static SideInputs<Scalar> side_inputs(ConstBatchRef<Scalar> context) {
    return SideInputs<Scalar>(typename SideInputs<Scalar>::Context(context.data(), context.rows(), context.cols(),
                                                                   Eigen::OuterStride<>(context.outerStride())));
  }

  struct LandedOutputs : NoObserver {
    static constexpr bool reads_last_stage = false;

    explicit LandedOutputs(std::vector<Batch<Scalar>>& outputs_) : outputs(outputs_) {}
    std::vector<Batch<Scalar>>& outputs;
    void output(Index i, const Batch<Scalar>& y) { outputs[std::size_t(i)] = y; }
  };

  struct InterpolatedOutputs : NoObserver {
    explicit InterpolatedOutputs(detail::OutputWriter<Batch<Scalar>>& target) : writer(target) {}
    detail::OutputWriter<Batch<Scalar>>& writer;
    template <class StepperType>
    void accept(double t, double /*h*/, const StepperType& stepper) {
      writer.write(stepper, t);
    }
    void output(Index i, const Batch<Scalar>& y) { i == 0 ? writer.write_first(y) : writer.write_last(y); }
  };

  FieldType field_;
  Index parameter_count_;  ///< That the field came with.
  Method method_;
  Control control_;
  Gradient gradient_;
};

template <class FieldType, class... Policies>
NeuralOde(FieldType, const Policies&...)
    -> NeuralOde<FieldType, typename detail::OdeParts<FieldType, Policies...>::Method,
                 typename detail::OdeParts<FieldType, Policies...>::Control,
                 typename detail::OdeParts<FieldType, Policies...>::Gradient>;

}  // namespace pathline
