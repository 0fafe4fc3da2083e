/// \file
/// The moving layer of a formula of one's own (nn/differentiable.hpp): the formula, asked with numbers that carry one
/// derivative more.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/dual.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/function_layer.hpp>
#include <pathline/nn/moving/moving_layer.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

/// f(t, y, p) as a function of [y; ẏ] and [p; ṗ], with the values [f; f_y ẏ + f_p ṗ].
template <class Function>
struct FunctionAlong {
  Function function;
  Index dim, parameters;

  template <class T>
  void operator()(const T& t, const Numbers<const T>& y, const Numbers<const T>& p, const Numbers<T>& dy) const {
    using Moving = Dual<T, 1>;
    static thread_local std::vector<Moving> memory;  // keeps its size from call to call
    memory.resize(std::size_t(2 * dim + parameters));
    Moving *const state = memory.data(), *const theta = state + dim, *const slope = theta + parameters;
    for (Index i = 0; i < dim; ++i) {
      state[i] = along(y[i], y[dim + i]);
      slope[i] = Moving(T(std::numeric_limits<double>::quiet_NaN()));  // which shows what the function does not write
    }
    for (Index i = 0; i < parameters; ++i) theta[i] = along(p[i], p[parameters + i]);
    Numbers<Moving> slopes(slope, dim);
    function(Moving(t), Numbers<const Moving>(state, dim), Numbers<const Moving>(theta, parameters), slopes);
    for (Index i = 0; i < dim; ++i) {
      dy[i] = slope[i].value;
      dy[dim + i] = slope[i].slope[0];
    }
  }

 private:
  template <class T>
  static Dual<T, 1> along(const T& value, const T& slope) {
    Dual<T, 1> number(value);
    number.slope[0] = slope;
    return number;
  }
};

}  // namespace detail

/// Of a FunctionLayer: θ is [p | ṗ]. Batches are packed with one tangent; side inputs are not.
template <class Function, Real S>
class MovingFunction {
  using Along = FunctionLayer<detail::FunctionAlong<Function>, S>;

 public:
  using Scalar = S;

  explicit MovingFunction(const FunctionLayer<Function, S>& layer)
      : dim_(layer.in_rows()),
        along_({layer.function(), dim_, layer.parameter_count()}, 2 * dim_,
               Vector<S>::Zero(2 * layer.parameter_count())) {}

  [[nodiscard]] Index in_rows() const noexcept { return dim_; }
  [[nodiscard]] Index out_rows() const noexcept { return dim_; }
  [[nodiscard]] Index side_rows() const noexcept { return 1; }
  [[nodiscard]] Index widest() const noexcept { return dim_; }
  [[nodiscard]] Index parameter_count() const noexcept { return along_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const noexcept { return 0; }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    eigen_assert(X.cols() == 2 * n && (side.cols() == 1 || side.cols() == n));
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> x = frame.batch(2 * dim_, n), y = frame.batch(2 * dim_, n);
    detail::stack<Scalar>(X, x);
    along_.linearize(theta, side, x, n, y, tape, workspace);
    detail::unstack<Scalar>(y, Y);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> side_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> x = frame.batch(2 * dim_, n), y_bar = frame.batch(2 * dim_, n), x_bar = frame.batch(2 * dim_, n);
    detail::stack<Scalar>(X, x);
    detail::stack<Scalar>(Y_bar, y_bar);
    along_.pullback(theta, side, x, n, tape, y_bar, x_bar, side_bar, theta_bar, workspace);
    detail::unstack<Scalar>(x_bar, X_bar);
  }

 private:
  Index dim_;
  Along along_;
};

template <class Function, Real S>
struct MovingRule<FunctionLayer<Function, S>> {
  using type = MovingFunction<Function, S>;
  [[nodiscard]] static type of(const FunctionLayer<Function, S>& layer) { return type(layer); }
  static void add_counts(const FunctionLayer<Function, S>& layer, std::vector<Index>& counts) {
    counts.push_back(layer.parameter_count());
  }
};

}  // namespace pathline
