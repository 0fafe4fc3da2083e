#include <pathline/nn/differentiable.hpp>

#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/layer/function_layer.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace pathline;
using namespace pathline::test;

namespace {

/// A damped pendulum, driven: reads everything that there is.
struct Pendulum {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::abs, std::cos, std::exp, std::sin;
    dy[0] = y[1];
    dy[1] = -p[0] * sin(y[0]) - p[1] * y[1] * abs(y[1]) + p[2] * cos(1.5 * t) / (1 + exp(-y[0]));
  }
};

/// Thirty parameters: a sum of waves.
struct Waves {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::pow, std::sin, std::tanh;
    T sum = 0;
    for (Index i = 0; i < 15; ++i) sum += p[2 * i] * sin(double(i + 1) * y[0] + p[2 * i + 1] * t) * y[1];
    dy[0] = tanh(sum) + pow(y[1] * y[1] + 1, 1.5);
    dy[1] = y[0] > 0 ? sum * y[0] : T(0.5);
  }
};

/// dy_i = Σ_m p_m sin((m + 1) y_i) + t y_0 for any number of rows and parameters, and its pullback by hand.
struct Sines {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::sin;
    for (Index i = 0; i < y.size(); ++i) {
      T sum = t * y[0];
      for (Index m = 0; m < p.size(); ++m) sum += p[m] * sin(T(m + 1) * y[i]);
      dy[i] = sum;
    }
  }
};

/// Value and cotangents of d rows, q parameters and time against those by hand; S_: one time, or one a sample.
template <Real S>
void check_sines_by_hand(Index d, Index q, bool own_times) {
  const Index n = 3;
  CAPTURE(d, q, own_times, sizeof(S));
  std::srand(unsigned(100 * d + q));
  // Columns lie further apart than they have rows: a layer sees blocks.
  Batch<S> x_memory(d + 2, n), y_bar_memory(d + 1, n), x_bar_memory(d + 3, n), y_memory(d + 4, n);
  Vector<S> p(q), p_bar = Vector<S>::Ones(q);
  Batch<S> time(1, own_times ? n : 1), time_bar = Batch<S>::Ones(1, time.cols());
  x_memory.setRandom();
  y_bar_memory.setRandom();
  p.setRandom();
  time.setRandom();
  const FunctionLayer<Sines, S> layer(Sines{}, d, p);
  Workspace<S> workspace;
  layer.linearize(p, time, x_memory.topRows(d), n, y_memory.topRows(d), {}, workspace);
  layer.pullback(p, time, x_memory.topRows(d), n, {}, y_bar_memory.topRows(d), x_bar_memory.topRows(d), time_bar, p_bar,
                 workspace);

  Batch<double> y(d, n), x_bar = Batch<double>::Zero(d, n), hand_time_bar = Batch<double>::Ones(1, time.cols());
  Vector<double> hand_p_bar = Vector<double>::Ones(q);  // cotangents of parameters and times are added to
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < d; ++i) {
      const double bar = y_bar_memory(i, j), x = x_memory(i, j), x_0 = x_memory(0, j);
      const Index of_time = own_times ? j : 0;
      y(i, j) = time(of_time) * x_0;
      x_bar(0, j) += bar * time(of_time);
      hand_time_bar(of_time) += bar * x_0;
      for (Index m = 0; m < q; ++m) {
        y(i, j) += p(m) * std::sin(double(m + 1) * x);
        x_bar(i, j) += bar * p(m) * double(m + 1) * std::cos(double(m + 1) * x);
        hand_p_bar(m) += bar * std::sin(double(m + 1) * x);
      }
    }
  // Rounding alone: sums of some 30 terms of up to 26 each, derivatives of sin at arguments of up to 26.
  const double tolerance = 3000 * double(std::numeric_limits<S>::epsilon());
  CHECK((y_memory.topRows(d).template cast<double>() - y).cwiseAbs().maxCoeff() < tolerance);
  CHECK((x_bar_memory.topRows(d).template cast<double>() - x_bar).cwiseAbs().maxCoeff() < tolerance);
  CHECK((time_bar.template cast<double>() - hand_time_bar).cwiseAbs().maxCoeff() < tolerance);
  if (q > 0) CHECK((p_bar.template cast<double>() - hand_p_bar).cwiseAbs().maxCoeff() < tolerance);
}

}  // namespace

TEST_CASE("FunctionLayer: inputs around eight, sixteen and twenty-four against derivatives by hand",
          "[nn][differentiable]") {
  // d + q + 1 inputs: eight go together, the 25th goes back over the tape.
  for (const Index d : {1, 2, 7, 8, 9})
    for (const Index inputs : {d + 1, 5L, 7L, 8L, 9L, 15L, 16L, 17L, 23L, 24L, 25L, 26L})
      for (const bool own_times : {false, true})
        if (const Index q = inputs - d - 1; q >= 0) {
          check_sines_by_hand<double>(d, q, own_times);
          check_sines_by_hand<float>(d, q, own_times);
        }
}

TEST_CASE("FunctionLayer meets the laws of layers around each boundary of inputs", "[nn][differentiable]") {
  for (const Index q : {4, 5, 6, 13, 20, 21, 22})  // 7, 8, 9, 16, 23, 24 and 25 inputs
    check_layer_laws(FunctionLayer<Sines, double>(Sines{}, 2, Vector<double>::Zero(q)));
}

TEST_CASE("FunctionLayer: a sample in which a result is not written has nothing of the one before",
          "[nn][differentiable]") {
  const auto sometimes = [](const auto&, const auto& y, const auto& p, auto& dy) {
    dy[0] = p[0] * y[0];
    if (y[0] > 0) dy[1] = p[0] * y[1];
  };
  for (const Index parameters : {1, 30}) {  // forward, and over the tape
    CAPTURE(parameters);
    const Vector<double> p = Vector<double>::Constant(parameters, 3);
    const auto field = differentiable(sometimes, 2, p);
    const Batch<double> time = Batch<double>::Zero(1, 1), X{{1, -1, 1}, {5, 6, 7}};
    Batch<double> Y_bar = Batch<double>::Ones(2, 3), Y(2, 3), X_bar(2, 3), time_bar = time;
    Vector<double> p_bar = Vector<double>::Zero(parameters);
    Workspace<double> workspace;
    field.linearize(time, X, 3, Y, {}, workspace);
    CHECK(Y.row(0) == 3 * X.row(0));
    CHECK(Y(1, 0) == 15);
    CHECK(std::isnan(Y(1, 1)));
    CHECK(Y(1, 2) == 21);
    field.pullback(time, X, 3, {}, Y_bar, X_bar, time_bar, p_bar, workspace);
    CHECK(X_bar == Batch<double>{{3, 3, 3}, {3, 0, 3}});
    CHECK(p_bar(0) == (1 + 5) - 1 + (1 + 7));
  }
}

TEST_CASE("FunctionLayer: an infinite slope leaves the cotangents of other numbers alone", "[nn][differentiable]") {
  // A stick that slides: at rest the friction's slope is infinite.
  const auto slide = [](const auto&, const auto& y, const auto& p, auto& dy) {
    using std::sqrt;
    dy[0] = -p[0] * sqrt(y[0]) + p[1];
  };
  const auto field = differentiable(slide, 1, Vector<double>{{2, 5}});
  const Batch<double> time = Batch<double>::Zero(1, 1), X{{0, 4}};
  Batch<double> Y_bar{{1, 1}}, X_bar(1, 2), time_bar = time;
  Vector<double> p_bar = Vector<double>::Zero(2);
  Workspace<double> workspace;
  field.pullback(time, X, 2, {}, Y_bar, X_bar, time_bar, p_bar, workspace);
  CHECK(X_bar(0) == -std::numeric_limits<double>::infinity());
  CHECK(X_bar(1) == -0.5);
  CHECK(p_bar == Vector<double>{{-2, 2}});
  CHECK(time_bar(0) == 0);
}

TEST_CASE("FunctionLayer meets the laws of layers, forward and by the tape", "[nn][differentiable]") {
  check_layer_laws(FunctionLayer<Pendulum, double>(Pendulum{}, 2, Vector<double>::Zero(3)));
  check_layer_laws(FunctionLayer<Waves, double>(Waves{}, 2, Vector<double>::Zero(30)));
  check_no_allocations(FunctionLayer<Pendulum, double>(Pendulum{}, 2, Vector<double>::Zero(3)));
  check_no_allocations(FunctionLayer<Waves, double>(Waves{}, 2, Vector<double>::Zero(30)));
}

TEST_CASE("differentiable makes a field with its parameters, and a sum with a network", "[nn][differentiable]") {
  Rng rng(3);
  const auto field = differentiable(Pendulum{}, 2, Vector<double>{{9, 0.1, 0.3}});
  CHECK(field.parameters() == Vector<double>{{9, 0.1, 0.3}});
  const Sum sum(field, Mlp<double, Tanh>(2, {4}, rng));
  CHECK(sum.parameters().head(3) == field.parameters());
  check_layer_laws(sum.layer(), 3, 1, 1);
  const auto single = differentiable(Pendulum{}, 2, Vector<float>{{9, 0.1F, 0.3F}});
  static_assert(std::same_as<decltype(single)::Scalar, float>);
}

TEST_CASE("FunctionLayer: what the function does not write is not a number", "[nn][differentiable]") {
  const auto forgetful =
      differentiable([](const auto&, const auto& y, const auto&, auto& dy) { dy[0] = y[1]; }, 2, Vector<double>());
  Workspace<double> workspace;
  const Batch<double> S = Batch<double>::Zero(1, 1), X{{1, 2}, {3, 4}};
  Batch<double> Y(2, 2);
  forgetful.linearize(S, X, 2, Y, {}, workspace);
  CHECK(Y.row(0) == X.row(1));
  CHECK(Y.row(1).array().isNaN().all());
}

namespace {

/// An infinite slope in a result of its own, and one that the other result multiplies by 0.
struct Roots {
  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& p, D& dy) const {
    using std::sqrt;
    dy[0] = p[0] * sqrt(y[0]);
    dy[1] = p[0] * y[1] + 0 * sqrt(0 * y[0]);
  }
};

}  // namespace

TEST_CASE("FunctionLayer: an infinite slope without a cotangent counts for nothing", "[nn][differentiable]") {
  const Index parameters = GENERATE(1, 30);  // forward, and over the tape
  const Index tangents = GENERATE(0, 1);
  CAPTURE(parameters, tangents);
  const Vector<double> theta = Vector<double>::Constant(parameters, 2);
  const FunctionLayer<Roots, double> layer(Roots{}, 2, theta);
  Batch<double> X(2, 2 * (1 + tangents)), Y_bar(X.rows(), X.cols()), X_bar = X;
  X.leftCols(2) << 0, 0, 1, 3;
  Y_bar.leftCols(2) << 0, 0, 1, 1;
  if (tangents > 0) {
    X.rightCols(2) << 0, 0, 1, 1;
    Y_bar.rightCols(2) << 0, 0, 1, 1;
  }
  const Batch<double> S = Batch<double>::Zero(1, 1);
  Batch<double> S_bar = S;
  Vector<double> theta_bar = Vector<double>::Zero(parameters);
  Workspace<double> workspace;
  layer.pullback(theta, S, X, 2, {}, Y_bar, X_bar, S_bar, theta_bar, workspace);
  CHECK((X_bar.row(0).array() == 0).all());
  CHECK((X_bar.row(1).array() == 2).all());
  CHECK(theta_bar(0) == 4 + 2 * double(tangents));
}

TEST_CASE("FunctionLayer refuses no rows and parameters that are not finite", "[nn][differentiable][errors]") {
  CHECK_THROWS_AS(differentiable(Pendulum{}, 0, Vector<double>{{1, 2, 3}}), ArgumentError);
  CHECK_THROWS_AS(differentiable(Pendulum{}, 2, Vector<double>{{1, 2, not_a_number}}), ArgumentError);
}
