#include <pathline/nn/moving/moving_field.hpp>

#include <pathline/core/random.hpp>
#include <pathline/nn/compose/blend.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/hyper_linear.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/moving/moving_compose.hpp>
#include <pathline/nn/moving/moving_function.hpp>
#include <pathline/nn/moving/moving_layer.hpp>
#include <pathline/nn/moving/moving_linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/time/autonomous.hpp>
#include <pathline/nn/time/time_embedding.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

using namespace pathline;
using namespace pathline::test;

static_assert(MovableLayer<Linear<double>> && MovableLayer<Sequential<Dense<double, Tanh>, HyperLinear<double>>>);
static_assert(!MovableLayer<ConcatSquash<double>> && !MovableLayer<Sequential<ConcatSquash<double>>>);
static_assert(Layer<MovingLinear<Linear<double>>>);

namespace {

Batch<double> gaussian(Index rows, Index columns, std::uint64_t draw) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{17, draw}, 0, X);
  return X;
}

/// What a field and its moving one give at two samples, with side inputs that are shared or not.
template <class F>
void check_moving(const F& field, Index side_columns) {
  constexpr Index n = 2;
  const Index d = field.dim(), p = field.parameters().size();
  const Batch<double> S = gaussian(field.side_rows(), side_columns, 1), X = gaussian(2 * d, n, 2);
  const Vector<double> theta = field.parameters(), direction = gaussian(p, 1, 3);
  MovingField<F> moving(field);
  moving.set(theta, direction);
  REQUIRE(moving.dim() == 2 * d);
  REQUIRE(moving.error_rows() == d);
  CHECK(moving.widest() == field.widest());
  CHECK(moving.side_rows() == field.side_rows());

  Workspace<double> workspace;
  const auto evaluate = [&](const MovingField<F>& at, const Batch<double>& side, const Batch<double>& x) {
    Vector<double> tape(at.tape_size(n, 0));
    Batch<double> y(2 * d, n);
    at.linearize(side, x, n, y, {tape.data(), std::size_t(tape.size())}, workspace);
    return y;
  };
  const Batch<double> Y = evaluate(moving, S, X);

  // The values are the field's, and the derivative is that of differences along (ż, θ̇).
  F plain = field;
  const auto along = [&](double h) {
    plain.parameters() = theta + h * direction;
    const Batch<double> x = X.topRows(d) + h * X.bottomRows(d);
    Batch<double> y(d, n);
    Vector<double> tape(plain.tape_size(n, 0));
    plain.linearize(S, x, n, y, {tape.data(), std::size_t(tape.size())}, workspace);
    return y;
  };
  CHECK(max_difference(Batch<double>(Y.topRows(d)), along(0)) < 1e-14);
  // h = 1e-6: truncation h² and rounding ε/h are below 1e-9.
  CHECK(max_difference(Batch<double>(Y.bottomRows(d)), Batch<double>((along(1e-6) - along(-1e-6)) / 2e-6)) < 1e-8);

  // The pullback: of ⟨Ȳ, Y⟩ by everything that moves.
  const Batch<double> Y_bar = gaussian(2 * d, n, 4);
  Batch<double> scratch = Y_bar, X_bar(2 * d, n), S_bar = Batch<double>::Zero(S.rows(), S.cols());
  Vector<double> tape(moving.tape_size(n, 0)), theta_bar = Vector<double>::Zero(2 * p);
  Batch<double> again(2 * d, n);
  const std::span<double> taped(tape.data(), std::size_t(tape.size()));
  moving.linearize(S, X, n, again, taped, workspace);
  CHECK(again == Y);
  moving.pullback(S, X, n, taped, scratch, X_bar, S_bar, theta_bar, workspace);
  const auto product = [&](const Batch<double>& y) { return (Y_bar.array() * y.array()).sum(); };
  const Vector<double> by_x = central_differences(
      [&](const Vector<double>& x) { return product(evaluate(moving, S, x.reshaped(2 * d, n))); }, X.reshaped());
  CHECK(max_difference(Vector<double>(X_bar.reshaped()), by_x) < 1e-8);
  if (S.size() > 0) {
    const Vector<double> by_s = central_differences(
        [&](const Vector<double>& s) { return product(evaluate(moving, s.reshaped(S.rows(), S.cols()), X)); },
        S.reshaped());
    CHECK(max_difference(Vector<double>(S_bar.reshaped()), by_s) < 1e-8);
  }
  const Vector<double> by_theta = central_differences(
      [&](const Vector<double>& both) {
        MovingField<F> other = moving;
        other.parameters() = both;
        return product(evaluate(other, S, X));
      },
      moving.parameters());
  CHECK(max_difference(theta_bar, by_theta) < 1e-8);

  // set() and split() know the same order.
  Vector<double> values(p), slopes(p);
  moving.split(moving.parameters(), values, slopes);
  CHECK(values == theta);
  CHECK(slopes == direction);
  moving.set(theta, Vector<double>());
  moving.split(moving.parameters(), values, slopes);
  CHECK(slopes.isZero(0));
}

/// A formula of ten constants: moving it has 25 numbers to be differentiated by, so that it is pulled back over a tape.
struct Waves {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::exp, std::sin, std::sqrt;
    dy[0] = p[0] * sin(p[1] * y[1] + t) - p[2] / (1 + exp(p[3] * y[0]));
    dy[1] = p[4] * y[0] * y[1] + p[5] * sqrt(p[6] * p[6] + y[1] * y[1]) - p[7] * p[8] / p[9];
  }
};
struct Pendulum {
  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& p, D& dy) const {
    using std::sin;
    dy[0] = y[1];
    dy[1] = -p[0] * sin(y[0]);
  }
};

}  // namespace

TEST_CASE("MovingField: networks agree with central differences, and so do their pullbacks", "[nn][moving]") {
  Rng rng(5);
  using Hidden = Repeat<Dense<double, Tanh>>;
  const Network field(
      Sequential(Hidden(2, {Dense<double, Tanh>(2, 3, 2), Dense<double, Tanh>(3, 3, 2)}),
                 TimeEmbedding(HyperLinear<double>(3, 3, 2 * 2 + 1), 2), Elementwise<double, Softplus>(3),
                 Residual(Blend(Linear<double>(3, 3, 0), Linear<double>(3, 3, 0)), 0.5),
                 Autonomous(Linear<double>(3, 2, 1))),
      rng);
  const Index side_columns = GENERATE(1, 2);
  check_moving(field, side_columns);
}

TEST_CASE("MovingField: sums and formulas of one's own agree with central differences", "[nn][moving]") {
  const auto few = differentiable(Pendulum{}, 2, Vector<double>{{9.81}});
  const auto many = differentiable(Waves{}, 2, Vector<double>{{1, 0.7, -0.4, 0.3, 0.2, -1, 0.5, 0.1, 0.6, 1.1}});
  const Index side_columns = GENERATE(1, 2);
  check_moving(Sum{few, Scaled{many, -0.5}}, side_columns);
}
