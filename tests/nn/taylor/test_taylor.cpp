#include <pathline/nn/taylor/taylor.hpp>

#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <span>
#include <utility>

using namespace pathline;
using namespace pathline::test;

namespace {

/// Taylor mode behind the names of a layer, so that what the law says of tapes, blocks and sums is asked of it too.
template <TaylorLayer L>
struct TaylorAsLayer {
  using Scalar = double;
  L layer;

  [[nodiscard]] Index in_rows() const { return layer.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer.out_rows(); }
  [[nodiscard]] Index side_rows() const { return layer.side_rows(); }
  [[nodiscard]] Index widest() const { return layer.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index order) const { return layer.taylor_tape_size(n, order); }
  void linearize(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                 BatchRef<double> Y, std::span<double> tape, Workspace<double>& workspace) const {
    layer.taylor(theta, S, X, n, Y, tape, workspace);
  }
  void pullback(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                std::span<double> tape, BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar,
                VectorRef<double> theta_bar, Workspace<double>& workspace) const {
    layer.taylor_pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }
};

/// A path batch after a while τ: values and derivatives move with the ones behind them, x + τ x' + τ²/2 x''.
Batch<double> after(double tau, const Batch<double>& X, Index n) {
  Batch<double> moved = X;
  for (Index j = 0; j < X.cols(); ++j) {
    if (j + n < X.cols()) moved.col(j) += tau * X.col(j + n);
    if (j + 2 * n < X.cols()) moved.col(j) += tau * tau / 2 * X.col(j + 2 * n);
  }
  return moved;
}

/// Each block of Y is the derivative in time of the one before, by central differences.
void check_derivatives_in_time(LayerProblem& problem) {
  constexpr double h = 1e-6;
  const Index n = problem.n;
  const Batch<double> Y = problem.linearize();
  CHECK(problem.tape_was_kept_to());
  const Batch<double> above = problem.linearize(problem.theta, after(h, problem.S, n), after(h, problem.X, n));
  const Batch<double> below = problem.linearize(problem.theta, after(-h, problem.S, n), after(-h, problem.X, n));
  const Index known = Y.cols() - n;
  const Batch<double> difference = (above - below).leftCols(known) / (2 * h);
  // h² times derivatives of order 100, and ε / h: both 1e-10 beside numbers of order one to ten.
  CHECK((difference - Y.rightCols(known)).lpNorm<Eigen::Infinity>() < 1e-8 * Y.lpNorm<Eigen::Infinity>());
}

/// Cotangents of values and derivatives, of every input, by central differences of ⟨Y_bar, Y⟩.
void check_pullback(LayerProblem& problem) {
  (void)problem.linearize();
  const LayerGradients bar = problem.pullback(problem.zero());
  CHECK(problem.tape_was_kept_to());
  const auto product = [&](const Vector<double>& theta, const Batch<double>& S, const Batch<double>& X) {
    return problem.linearize(theta, S, X).cwiseProduct(problem.Y_bar).sum();
  };
  const auto agrees = [](const auto& got, const Vector<double>& expected) {
    // A sum of some 30 terms of order ten: ε · 300 / h is 7e-8. A lost third derivative is an error of order one.
    CHECK((got.reshaped() - expected).template lpNorm<Eigen::Infinity>() <
          1e-8 * expected.lpNorm<Eigen::Infinity>() + 1e-7);
  };
  const Vector<double>& theta = problem.theta;
  const Batch<double>&S = problem.S, &X = problem.X;
  agrees(bar.X,
         central_differences([&](const Vector<double>& x) { return product(theta, S, x.reshaped(X.rows(), X.cols())); },
                             X.reshaped()));
  if (theta.size() > 0)
    agrees(bar.theta, central_differences([&](const Vector<double>& moved) { return product(moved, S, X); }, theta));
  if (S.size() > 0)
    agrees(bar.S, central_differences(
                      [&](const Vector<double>& s) { return product(theta, s.reshaped(S.rows(), S.cols()), X); },
                      S.reshaped()));
}

void check_taylor_laws(const AnyLayer& layer) {
  for (const Index n : {1, 3})
    for (const Index order : {0, 1, 2}) {
      INFO("n = " << n << ", order " << order);
      LayerProblem problem(layer, n, order, (1 + order) * n, 0);
      if (order > 0) check_derivatives_in_time(problem);
      check_pullback(problem);
      LayerProblem with_more_side_rows(layer, n, order, (1 + order) * n, 2);
      check_accumulation(with_more_side_rows);
      check_blocks(with_more_side_rows);
    }
}

template <TaylorLayer L>
void check(L layer) {
  check_taylor_laws(TaylorAsLayer<L>{std::move(layer)});
}

static_assert(TaylorLayer<Linear<float>> && TaylorLayer<Dense<double, Tanh>> && TaylorLayer<Elementwise<float, Sine>>);
static_assert(TaylorLayer<Repeat<Dense<float, Swish>>> && TaylorLayer<Sequential<Linear<double>, Linear<double>>>);
static_assert(TaylorField<Mlp<float, Softplus>> && TaylorField<Network<Linear<double>>>);
static_assert(Layer<Dense<double, Cube>> && !TaylorLayer<Dense<double, Cube>>, "an activation without third");
static_assert(!TaylorLayer<Elementwise<double, Cube>> && !TaylorLayer<Repeat<Dense<double, Cube>>>);
static_assert(!TaylorLayer<Sequential<Linear<double>, Elementwise<double, Cube>>>);
static_assert(Field<Mlp<double, Cube>> && !TaylorField<Mlp<double, Cube>>);
static_assert(!TaylorLayer<Mlp<double, Tanh>> && !TaylorField<Linear<double>>, "with θ passed in, and without");

struct NoTape : Linear<double> {
  Index taylor_tape_size(Index, Index) const = delete;
};
struct NoTaylor : Linear<double> {
  void taylor() const;
};
struct NoTaylorPullback : Linear<double> {
  void taylor_pullback() const;
};
static_assert(Layer<NoTape> && !TaylorLayer<NoTape> && !TaylorLayer<NoTaylor> && !TaylorLayer<NoTaylorPullback>);

}  // namespace

TEMPLATE_TEST_CASE("Taylor mode of Dense: derivatives in time and cotangents agree with central differences",
                   "[nn][gradient]", Tanh, Softplus, Sigmoid, Swish, Sine, LogTwoCosh, Identity) {
  check(Dense<double, TestType>(3, 4, 2));
}

TEST_CASE("Taylor mode of the other layers agrees with central differences", "[nn][gradient]") {
  check(Linear<double>(3, 2, 2));
  check(Linear<double>(2, 3, 0));
  check(Elementwise<double, Sine>(5));
  check(Dense<double, Tanh>(1, 1, 0));
  check(Sequential(Elementwise<double, Tanh>(2), Dense<double, Softplus>(2, 5, 3), Linear<double>(5, 2)));
  check(Repeat<Dense<double, Swish>>(2, {Dense<double, Swish>(2, 5), Dense<double, Swish>(5, 3)}));
  check(Repeat<Dense<double, Swish>>(2, {}));
}

TEST_CASE("Taylor mode of order 1 is linearize with one tangent where the side inputs rest", "[nn]") {
  const Dense<double, Tanh> dense(3, 4, 2);
  const Sequential layer(dense, Linear<double>(4, 2));
  LayerProblem problem(layer, 5, 1, 5, 0),
      taylor(TaylorAsLayer<Sequential<Dense<double, Tanh>, Linear<double>>>{layer}, 5, 1, 10, 0);
  taylor.S << problem.S, Batch<double>::Zero(2, 5);
  // The same products, perhaps summed in another order.
  CHECK((taylor.linearize() - problem.linearize()).lpNorm<Eigen::Infinity>() < 1e-14);
  const LayerGradients bar = problem.pullback(problem.zero()), taylor_bar = taylor.pullback(taylor.zero());
  CHECK((taylor_bar.X - bar.X).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((taylor_bar.S.leftCols(5) - bar.S).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((taylor_bar.theta - bar.theta).lpNorm<Eigen::Infinity>() < 1e-13);
}
