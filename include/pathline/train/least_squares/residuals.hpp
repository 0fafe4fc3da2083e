/// \file
/// Residuals as functions of parameters: what `minimize` with LevenbergMarquardt squares and sums.
///
///     const auto decay = differentiable_residuals(t.size(), [&](const auto& p, auto& r) {
///       using std::exp;
///       for (Index i = 0; i < t.size(); ++i) r[i] = p[0] * exp(-p[1] * t(i)) - y(i);
///     });
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/dual.hpp>
#include <pathline/nn/layer/function_layer.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace pathline {

/// - `residuals(theta, r)`: writes r, whose length m is always the same.
/// - `residuals_and_jacobian(theta, r, J)`: writes both; J is m × p, the derivative of r_i by θ_j at (i, j).
/// - `accuracy()`, where derivatives are no better than a number above the rounding of double: that number.
/// Where the residuals are undefined, write NaN or throw a SolveError: the step is shortened then.
template <class F>
concept ResidualFunction = requires(F& f, const Vector<double>& theta, Vector<double>& r, Batch<double>& J) {
  f.residuals(theta, r);
  f.residuals_and_jacobian(theta, r, J);
};

/// function(p, r) writes the residuals r, `Numbers<T>`, of the parameters p, `Numbers<const T>`. T is a type of number
/// that the function leaves open: double, or a number with derivatives (math/dual.hpp).
template <class Function, class T>
concept ResidualFormula = requires(const Function function, const Numbers<const T> p, Numbers<T> r) {
  function(p, r);
};

/// Residuals by a formula, their Jacobian found by the library: eight parameters at a time.
template <class Function>
class FormulaResiduals {
  using Forward = Dual<double, detail::function_lanes>;

 public:
  FormulaResiduals(Index count, Function function) : count_(count), function_(std::move(function)) {
    if (count < 1) throw ArgumentError("differentiable_residuals: count", count, "at least 1");
  }

  void residuals(const Vector<double>& theta, Vector<double>& r) const {
    r.setConstant(count_, std::numeric_limits<double>::quiet_NaN());  // what is not written is found
    Numbers<double> out(r.data(), count_);
    function_(Numbers<const double>(theta.data(), theta.size()), out);
  }
  void residuals_and_jacobian(const Vector<double>& theta, Vector<double>& r, Batch<double>& J) const {
    const Index p = theta.size();
    std::vector<Forward> numbers, values;
    numbers.resize(std::size_t(p));
    values.resize(std::size_t(count_));
    r.resize(count_);
    J.resize(count_, p);
    for (Index first = 0; first < p; first += detail::function_lanes) {
      const Index lanes = std::min<Index>(detail::function_lanes, p - first);
      for (Index j = 0; j < p; ++j) {
        numbers[std::size_t(j)] = Forward(theta(j));
        if (first <= j && j < first + lanes) numbers[std::size_t(j)].slope[std::size_t(j - first)] = 1;
      }
      std::fill(values.begin(), values.end(), Forward(std::numeric_limits<double>::quiet_NaN()));
      Numbers<Forward> out(values.data(), count_);
      function_(Numbers<const Forward>(numbers.data(), p), out);
      for (Index i = 0; i < count_; ++i) {
        r(i) = values[std::size_t(i)].value;
        for (Index c = 0; c < lanes; ++c) J(i, first + c) = values[std::size_t(i)].slope[std::size_t(c)];
      }
    }
  }

 private:
  Index count_;
  Function function_;
};

/// \param count     m, the number of residuals.
/// \param function  A ResidualFormula. Functions of <cmath> are called without `std::`, after `using std::exp;`.
/// \throws ArgumentError for a count below 1.
template <class Function>
[[nodiscard]] auto differentiable_residuals(Index count, Function function) {
  constexpr bool formula =
      ResidualFormula<Function, double> && ResidualFormula<Function, Dual<double, detail::function_lanes>>;
  static_assert(formula,
                "differentiable_residuals: the function must take (p, r) and write r[i], for numbers of any type");
  if constexpr (formula)
    return FormulaResiduals<Function>(count, std::move(function));
  else
    return function;  // once the assertion has refused it
}

}  // namespace pathline
