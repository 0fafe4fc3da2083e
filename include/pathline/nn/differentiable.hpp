/// \file
/// A right-hand side of one's own as a field, with all its derivatives: physics with unknown constants, alone or beside
/// a network.
/// ```
/// const auto pendulum = [](const auto& t, const auto& y, const auto& p, auto& dy) {
///   using std::sin;
///   dy[0] = y[1];
///   dy[1] = -p[0] * sin(y[0]) - p[1] * y[1];
/// };
/// auto field = differentiable(pendulum, 2, Vector<double>{{9, 0.1}});  // a field with two parameters
/// NeuralOde ode(Sum{field, Mlp<double, Tanh>(2, {16}, rng)});
/// ```
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/nn/layer/function_layer.hpp>
#include <pathline/nn/network.hpp>

#include <utility>

namespace pathline {

/// The field f(t, y; p) of a function of (t, y, p, dy) for any type of number: see DifferentiableFunction in
/// nn/layer/function_layer.hpp. Functions of <cmath> are called without `std::`, after `using std::sin;`, so that those
/// of math/dual.hpp are found too.
///
/// \param dim         Numbers in y.
/// \param parameters  Their values at the start; training changes them. Its scalar is that of the field.
/// \throws ArgumentError for a dim below 1, or a parameter that is not finite.
template <class Function, Real Scalar>
[[nodiscard]] auto differentiable(Function function, Index dim, Vector<Scalar> parameters) {
  static_assert(detail::FunctionOfAllNumbers<Function, Scalar>,
                "differentiable: the function must take (t, y, p, dy) and write dy[i], for numbers of any type");
  if constexpr (detail::FunctionOfAllNumbers<Function, Scalar>) {
    const Vector<Scalar> theta = parameters;
    return Network(FunctionLayer<Function, Scalar>(std::move(function), dim, std::move(parameters)), theta);
  } else {
    return parameters;  // once the assertion has refused the function
  }
}

}  // namespace pathline
