/// \file
/// A formula of one's own, value and pullback of 1024 columns: derivatives found by the library (`differentiable`)
/// beside those written by hand. A damped pendulum with two parameters goes forward, waves with thirty over the tape.
#include <benchmarks/measure.hpp>
#include <pathline/nn/differentiable.hpp>

#include <cmath>

using namespace pathline;

namespace {

constexpr Index n = 1024;

struct Pendulum {
  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& p, D& dy) const {
    using std::sin;
    dy[0] = y[1];
    dy[1] = -p[0] * sin(y[0]) - p[1] * y[1];
  }
  static constexpr Index parameters = 2;

  template <Real S>
  static void evaluate(const Vector<S>& p, const Batch<S>& X, Batch<S>& Y) {
    for (Index j = 0; j < n; ++j) {
      Y(0, j) = X(1, j);
      Y(1, j) = -p(0) * std::sin(X(0, j)) - p(1) * X(1, j);
    }
  }
  template <Real S>
  static void pullback(const Vector<S>& p, const Batch<S>& X, const Batch<S>& Y_bar, Batch<S>& X_bar,
                       Vector<S>& p_bar) {
    for (Index j = 0; j < n; ++j) {
      const S bar = Y_bar(1, j), sine = std::sin(X(0, j)), cosine = std::cos(X(0, j));
      X_bar(0, j) = -p(0) * cosine * bar;
      X_bar(1, j) = Y_bar(0, j) - p(1) * bar;
      p_bar(0) -= sine * bar;
      p_bar(1) -= X(1, j) * bar;
    }
  }
};

struct Waves {
  static constexpr Index waves = 15, parameters = 2 * waves;

  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& p, D& dy) const {
    using std::sin;
    T sum = 0;
    for (Index i = 0; i < waves; ++i) sum += p[2 * i] * sin(p[2 * i + 1] * y[0]);
    dy[0] = y[1];
    dy[1] = sum;
  }

  template <Real S>
  static void evaluate(const Vector<S>& p, const Batch<S>& X, Batch<S>& Y) {
    for (Index j = 0; j < n; ++j) {
      S sum = 0;
      for (Index i = 0; i < waves; ++i) sum += p(2 * i) * std::sin(p(2 * i + 1) * X(0, j));
      Y(0, j) = X(1, j);
      Y(1, j) = sum;
    }
  }
  template <Real S>
  static void pullback(const Vector<S>& p, const Batch<S>& X, const Batch<S>& Y_bar, Batch<S>& X_bar,
                       Vector<S>& p_bar) {
    for (Index j = 0; j < n; ++j) {
      const S bar = Y_bar(1, j);
      S x_bar = 0;
      for (Index i = 0; i < waves; ++i) {
        const S sine = std::sin(p(2 * i + 1) * X(0, j)), slope = p(2 * i) * std::cos(p(2 * i + 1) * X(0, j)) * bar;
        x_bar += slope * p(2 * i + 1);
        p_bar(2 * i) += sine * bar;
        p_bar(2 * i + 1) += slope * X(0, j);
      }
      X_bar(0, j) = x_bar;
      X_bar(1, j) = Y_bar(0, j);
    }
  }
};

template <Real S>
struct Columns {
  Batch<S> X = Batch<S>::Random(2, n), Y = X, Y_bar = Batch<S>::Random(2, n), X_bar = X;
  Batch<S> time = Batch<S>::Zero(1, 1), time_bar = time;
  Workspace<S> workspace;
};
template <class Formula, Real S>
Vector<S> parameters() {
  return Vector<S>::LinSpaced(Formula::parameters, S(0.5), S(2));
}

template <class Formula, Real S>
void by_hand(benchmark::State& state) {
  Columns<S> columns;
  const Vector<S> p = parameters<Formula, S>();
  Vector<S> p_bar = Vector<S>::Zero(p.size());
  measure(state, [&] {
    Formula::evaluate(p, columns.X, columns.Y);
    Formula::pullback(p, columns.X, columns.Y_bar, columns.X_bar, p_bar);
    benchmark::DoNotOptimize(columns.Y.data());
    benchmark::DoNotOptimize(p_bar.data());
  });
}

template <class Formula, Real S>
void by_differentiable(benchmark::State& state) {
  Columns<S> columns;
  const auto field = differentiable(Formula{}, 2, parameters<Formula, S>());
  Vector<S> p_bar = Vector<S>::Zero(field.parameters().size());
  measure(state, [&] {
    field.linearize(columns.time, columns.X, n, columns.Y, {}, columns.workspace);
    field.pullback(columns.time, columns.X, n, {}, columns.Y_bar, columns.X_bar, columns.time_bar, p_bar,
                   columns.workspace);
  });
}

}  // namespace

BENCHMARK_TEMPLATE(by_hand, Pendulum, double)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(by_differentiable, Pendulum, double)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(by_hand, Pendulum, float)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(by_differentiable, Pendulum, float)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(by_hand, Waves, double)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(by_differentiable, Waves, double)->Unit(benchmark::kMicrosecond);
