/// \file
/// Second derivatives of a loss of a neural ODE, by products with a direction: what Newton's method by conjugate
/// gradients, Gauss-Newton and Laplace's approximation ask for.
///
///     const LeastSquares loss{observed};
///     HessianProducts curvature(ode);                                // for many products
///     const auto Hv = curvature.hessian(y0, times, loss, {.parameters = v});
///     const auto Gv = curvature.gauss_newton(y0, times, loss, {.parameters = v});
///
/// The derivative of the gradient of backpropagation along a direction, exact for the numbers computed: the solve and
/// its tangent, [y; ẏ], are one solve of a `MovingField`, whose way back gives first derivatives and their derivative
/// at once. Step sizes count as constants, those of the solve without a tangent. docs/maths.md, (6.15) and (6.16).
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/ode_parts.hpp>
#include <pathline/gradient/second_order/control_with_tangents.hpp>
#include <pathline/gradient/second_order/losses.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/moving/moving_field.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// Where to differentiate: what has length 0 does not move.
template <Real Scalar>
struct Direction {
  Vector<Scalar> parameters{};  ///< Of θ.
  Batch<Scalar> initial{};      ///< Of the states at the start, d × n.
};

/// The product of a matrix of second derivatives with a direction.
template <Real Scalar>
struct HessianProduct {
  Vector<Scalar> parameters;  ///< Its rows for θ,
  Batch<Scalar> initial;      ///< for the states at the start, d × n,
  Batch<Scalar> context;      ///< and for context, c × n, which does not move itself.
  /// Value and gradient of the loss, and what all of it cost. By gauss_newton() the gradients are empty; those by
  /// context are always.
  ValueAndGradient<Scalar> at;
};

namespace detail {

template <class G>
inline constexpr bool plain_backpropagation = false;
template <class Storage>
inline constexpr bool plain_backpropagation<Backpropagation<Storage, NoStepCost>> = true;

/// A neural ODE and its tangent as one, and what repeated products keep.
template <class Parts>
struct MovingModel {
  using Scalar = typename Parts::Scalar;
  using Field = MovingField<typename Parts::Field>;
  using Control = decltype(control_with_tangents(std::declval<const typename Parts::Control&>(), Index{}));
  using Ode = NeuralOde<Field, typename Parts::Method, Control, typename Parts::Gradient, Threads, ChunkWidth>;

  explicit MovingModel(const Parts& parts)
      : ode(Field(parts.field), parts.method, control_with_tangents(parts.control, parts.field.dim()), parts.gradient,
            parts.threads, parts.chunk_width) {}

  Ode ode;
  typename Ode::Memory memory;
  ValueAndGradient<Scalar> result;
  Batch<Scalar> start;                                      // [y0; ẏ0]
  std::vector<Batch<Scalar>> states, tangents, bars, more;  // d × n at each time
  Vector<Scalar> no_gradient;                               // zeros in its place
};
struct NoMovingModel {
  explicit NoMovingModel(const auto& /*parts*/) {}
};

}  // namespace detail

/// Products of the Hessian, or of its Gauss-Newton part, of a loss of the states of a neural ODE. A copy of the model;
/// after the first product of a shape the next ones allocate nothing. Not for use by two threads at once; a product
/// itself runs in the threads of the model.
///
/// Needs an explicit Runge–Kutta method, with steps that are shared or `PerSample`, `Backpropagation` with any storage
/// and without a cost of the steps, and layers with a `MovingRule` (nn/moving/moving_layer.hpp): networks of `Linear`,
/// `Dense` and `HyperLinear` layers, formulas by `differentiable`, and what is made of these.
template <class FieldType, class... Policies>
class HessianProducts {
  using Parts = detail::OdeParts<FieldType, Policies...>;
  static constexpr bool method = ExplicitMethod<typename Parts::Method>,
                        backpropagation = detail::plain_backpropagation<typename Parts::Gradient>,
                        field = MovableField<typename Parts::Field>, possible = method && backpropagation && field;
  static_assert(method, "HessianProducts: the solver must be an explicit Runge-Kutta method, such as Dopri5 or Rk4");
  static_assert(backpropagation,
                "HessianProducts: the gradient method must be Backpropagation, without a cost of the steps");
  static_assert(field,
                "HessianProducts: a layer of the field has no MovingRule, the derivative along its parameters: "
                "nn/moving/moving_layer.hpp says which have one");
  using Model = std::conditional_t<possible, detail::MovingModel<Parts>, detail::NoMovingModel>;

 public:
  using Scalar = typename Parts::Scalar;

  /// \throws ArgumentError for a field of the program's own that has parameters and is no Network.
  explicit HessianProducts(const NeuralOde<FieldType, Policies...>& ode)
      : HessianProducts(detail::PartsAccess::parts(ode)) {}

  /// \throws ShapeError when θ has another length; ArgumentError when a number is not finite. θ is then as before.
  void set_parameters(ConstVectorRef<Scalar> theta) {
    detail::set_parameters<Scalar>("HessianProducts::set_parameters", theta_, theta);
  }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return theta_; }

  /// H v with H = ∂²L/∂(θ, y0)², and the gradient of the loss. Takes about three times what a gradient does.
  ///
  /// \param loss  A TwiceDifferentiableLoss.
  /// \throws ShapeError, DataError or ArgumentError on a bad y0, context or direction; else as NeuralOde::solve().
  template <class Loss>
  [[nodiscard]] HessianProduct<Scalar> hessian(ConstDataRef<Scalar> y0, std::span<const double> times, const Loss& loss,
                                               const Direction<Scalar>& direction,
                                               ConstDataRef<Scalar> context = Batch<Scalar>()) {
    HessianProduct<Scalar> product;
    hessian(y0, times, loss, direction, product, context);
    return product;
  }
  /// The same for repeated calls: `product` keeps its buffers.
  template <class Loss>
  void hessian(ConstDataRef<Scalar> y0, std::span<const double> times, const Loss& loss,
               const Direction<Scalar>& direction, HessianProduct<Scalar>& product,
               ConstDataRef<Scalar> context = Batch<Scalar>()) {
    multiply<true>(y0, times, loss, direction, product, context);
  }

  /// G v with G = Jᵀ H_L J, where J is the Jacobian of the states by (θ, y0) and H_L the Hessian of the loss by the
  /// states: positive semidefinite where the loss is convex in the states, and H where residuals are 0.
  template <class Loss>
  [[nodiscard]] HessianProduct<Scalar> gauss_newton(ConstDataRef<Scalar> y0, std::span<const double> times,
                                                    const Loss& loss, const Direction<Scalar>& direction,
                                                    ConstDataRef<Scalar> context = Batch<Scalar>()) {
    HessianProduct<Scalar> product;
    gauss_newton(y0, times, loss, direction, product, context);
    return product;
  }
  template <class Loss>
  void gauss_newton(ConstDataRef<Scalar> y0, std::span<const double> times, const Loss& loss,
                    const Direction<Scalar>& direction, HessianProduct<Scalar>& product,
                    ConstDataRef<Scalar> context = Batch<Scalar>()) {
    multiply<false>(y0, times, loss, direction, product, context);
  }

 private:
  explicit HessianProducts(const Parts& parts) : model_(parts), theta_(std::as_const(parts.field).parameters()) {
    detail::require_parameter_count("HessianProducts", theta_.size(), parts.parameter_count);
  }

  template <bool full, class Loss>
  void multiply(ConstDataRef<Scalar> y0, std::span<const double> times, const Loss& loss,
                const Direction<Scalar>& direction, HessianProduct<Scalar>& product, ConstDataRef<Scalar> context) {
    static_assert(
        TwiceDifferentiableLoss<Loss, Scalar>,
        "HessianProducts: the loss must have hessian_product(states, tangents, products) beside the call that "
        "value_and_gradient makes: LeastSquares, SumOfTerms, or one of your own");
    if constexpr (possible && TwiceDifferentiableLoss<Loss, Scalar>) {
      check(y0, direction, context);
      const Index d = y0.rows(), n = y0.cols();
      model_.start.resize(2 * d, n);
      const View<Scalar> start(model_.start);
      detail::copy<Scalar>(View<const Scalar>(y0), start.topRows(d));
      if (direction.initial.size() > 0)
        detail::copy<Scalar>(direction.initial, start.bottomRows(d));
      else
        detail::fill<Scalar>(start.bottomRows(d), 0);
      // The model's field is its own: nobody else has seen it.
      auto& moving = detail::PartsAccess::parts(model_.ode).field;
      moving.set(theta_, direction.parameters);
      model_.ode.value_and_gradient(
          model_.start, times,
          [&](const std::vector<Batch<Scalar>>& states, std::vector<Batch<Scalar>>& bars) {
            return differentiate<full>(loss, states, bars);
          },
          model_.memory, model_.result, context);
      const ValueAndGradient<Scalar>& result = model_.result;
      product.at.value = result.value;
      product.at.forward = result.forward;
      product.at.backward = result.backward;
      Vector<Scalar>& gradient = full ? product.at.parameters : model_.no_gradient;
      product.parameters.resize(theta_.size());
      gradient.resize(theta_.size());
      moving.split(result.parameters, product.parameters, gradient);
      product.initial = result.initial.topRows(d);
      product.context = result.context;
      if constexpr (full) {
        product.at.initial = result.initial.bottomRows(d);
      } else {
        product.at.parameters.resize(0);
        product.at.initial.resize(0, 0);
      }
    }
  }

  void check(ConstBatchRef<Scalar> y0, const Direction<Scalar>& direction, ConstBatchRef<Scalar> context) const {
    require_batch_rows("HessianProducts: y0", y0.rows(), y0.cols(), model_.ode.dim() / 2);
    require_finite("HessianProducts: y0", y0);
    require_batch_rows("HessianProducts: context", context.rows(), context.cols(), model_.ode.context_rows());
    if (context.rows() > 0) {
      require_columns("HessianProducts: context", context.cols(), y0.cols());
      require_finite("HessianProducts: context", context);
    }
    if (direction.initial.size() > 0) {
      require_batch_rows("HessianProducts: direction.initial", direction.initial.rows(), direction.initial.cols(),
                         y0.rows());
      require_columns("HessianProducts: direction.initial", direction.initial.cols(), y0.cols());
      require_finite("HessianProducts: direction.initial", direction.initial);
    }
    if (direction.parameters.size() > 0) {
      require_rows("HessianProducts: direction.parameters", direction.parameters.size(), theta_.size());
      require_finite("HessianProducts: direction.parameters", direction.parameters);
    }
  }

  /// The loss of the upper halves of the states, and the cotangents of both halves: of the tangents ẏ those of the
  /// loss, of y their derivative along ẏ. For Gauss-Newton the former count as 0, so that the path's own curvature is
  /// left out.
  template <bool full, class Loss>
  Scalar differentiate(const Loss& loss, const std::vector<Batch<Scalar>>& both, std::vector<Batch<Scalar>>& bars) {
    const std::size_t count = both.size();
    for (auto* list : {&model_.states, &model_.tangents, &model_.bars, &model_.more}) list->resize(count);
    for (std::size_t k = 0; k < count; ++k) {
      const Index d = both[k].rows() / 2;
      model_.states[k] = both[k].topRows(d);
      model_.tangents[k] = both[k].bottomRows(d);
      for (auto* list : {&model_.bars, &model_.more}) (*list)[k].setZero(d, both[k].cols());
    }
    const Scalar value = loss(std::as_const(model_.states), model_.bars);
    loss.hessian_product(std::as_const(model_.states), std::as_const(model_.tangents), model_.more);
    check(model_.bars, "HessianProducts: cotangents of the loss");
    check(model_.more, "HessianProducts: products of the loss");
    for (std::size_t k = 0; k < count; ++k) {
      const Index d = both[k].rows() / 2;
      bars[k].topRows(d) = model_.more[k];
      if constexpr (full) bars[k].bottomRows(d) = model_.bars[k];
    }
    return value;
  }

  /// A loss can resize what it is given, and is the user's.
  void check(const std::vector<Batch<Scalar>>& list, const char* what) const {
    const std::size_t count = model_.states.size();
    if (list.size() != count)
      throw ShapeError(what, "batches", Index(list.size()), Index(count), "one for each of the times");
    for (std::size_t k = 0; k < count; ++k) {
      require_rows(what, list[k].rows(), model_.states[k].rows());
      require_columns(what, list[k].cols(), model_.states[k].cols());
    }
  }

  Model model_;
  Vector<Scalar> theta_;
};

/// H v once: see HessianProducts::hessian().
template <class F, class... Policies, class Loss>
[[nodiscard]] auto hessian_vector_product(const NeuralOde<F, Policies...>& ode, ConstDataRef<typename F::Scalar> y0,
                                          std::span<const double> times, const Loss& loss,
                                          const Direction<typename F::Scalar>& direction,
                                          ConstDataRef<typename F::Scalar> context = Batch<typename F::Scalar>()) {
  return HessianProducts<F, Policies...>(ode).hessian(y0, times, loss, direction, context);
}

/// G v once: see HessianProducts::gauss_newton().
template <class F, class... Policies, class Loss>
[[nodiscard]] auto gauss_newton_product(const NeuralOde<F, Policies...>& ode, ConstDataRef<typename F::Scalar> y0,
                                        std::span<const double> times, const Loss& loss,
                                        const Direction<typename F::Scalar>& direction,
                                        ConstDataRef<typename F::Scalar> context = Batch<typename F::Scalar>()) {
  return HessianProducts<F, Policies...>(ode).gauss_newton(y0, times, loss, direction, context);
}

}  // namespace pathline
