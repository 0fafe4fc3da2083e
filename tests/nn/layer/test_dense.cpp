#include <pathline/nn/layer/dense.hpp>

#include <pathline/math/activations.hpp>

#include <pathline/core/chunks.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(Layer<Dense<float, Tanh>> && Layer<Dense<double, Cube>> && Layer<Dense<double, Arctangent>>);

/// Dense with tanh, in plain loops and from the formulas of docs/maths.md, (9.1) to (9.3), one sample at a time.
struct NaiveDense {
  Index in, out, side;

  [[nodiscard]] double U(const Vector<double>& theta, Index i, Index j) const { return theta(j * out + i); }
  [[nodiscard]] double W(const Vector<double>& theta, Index i, Index j) const { return theta((side + j) * out + i); }
  [[nodiscard]] double b(const Vector<double>& theta, Index i) const { return theta((side + in) * out + i); }

  // A of one sample, and B of one tangent.
  [[nodiscard]] double pre(const LayerProblem& at, Index i, Index sample) const {
    double sum = b(at.theta, i);
    for (Index j = 0; j < in; ++j) sum += W(at.theta, i, j) * at.X(j, sample);
    for (Index j = 0; j < side; ++j) sum += U(at.theta, i, j) * at.S(j, at.S.cols() == 1 ? 0 : sample);
    return sum;
  }
  [[nodiscard]] double pre_tangent(const LayerProblem& at, Index i, Index column) const {
    double sum = 0;
    for (Index j = 0; j < in; ++j) sum += W(at.theta, i, j) * at.X(j, column);
    return sum;
  }

  [[nodiscard]] Batch<double> linearize(const LayerProblem& at) const {
    Batch<double> Y(out, at.X.cols());
    for (Index sample = 0; sample < at.n; ++sample)
      for (Index i = 0; i < out; ++i) {
        const double value = std::tanh(pre(at, i, sample));
        Y(i, sample) = value;
        for (Index tangent = 1; tangent <= at.k; ++tangent) {
          const Index column = tangent * at.n + sample;
          Y(i, column) = (1 - value * value) * pre_tangent(at, i, column);
        }
      }
    return Y;
  }

  [[nodiscard]] LayerGradients pullback(const LayerProblem& at) const {
    LayerGradients bar = at.zero();
    bar.X.setZero(in, at.X.cols());
    const auto add = [&](Index i, Index column, double pre_bar) {  // A_bar or B_bar: through W alone
      for (Index j = 0; j < in; ++j) {
        bar.X(j, column) += W(at.theta, i, j) * pre_bar;
        bar.theta((side + j) * out + i) += pre_bar * at.X(j, column);
      }
    };
    for (Index sample = 0; sample < at.n; ++sample)
      for (Index i = 0; i < out; ++i) {
        const double value = std::tanh(pre(at, i, sample)), first = 1 - value * value, second = -2 * value * first;
        double A_bar = first * at.Y_bar(i, sample);
        for (Index tangent = 1; tangent <= at.k; ++tangent) {
          const Index column = tangent * at.n + sample;
          A_bar += second * pre_tangent(at, i, column) * at.Y_bar(i, column);
          add(i, column, first * at.Y_bar(i, column));
        }
        add(i, sample, A_bar);
        const Index side_column = at.S.cols() == 1 ? 0 : sample;
        for (Index j = 0; j < side; ++j) {
          bar.theta(j * out + i) += A_bar * at.S(j, side_column);
          bar.S(j, side_column) += U(at.theta, i, j) * A_bar;
        }
        bar.theta((side + in) * out + i) += A_bar;
      }
    return bar;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Dense keeps the law of layers", "[nn][gradient]", Tanh, Softplus, Sigmoid, Swish, Sine, LogTwoCosh,
                   Identity, Cube, Arctangent) {
  check_layer_laws(Dense<double, TestType>(3, 4));
  check_layer_laws(Dense<double, TestType>(2, 5, 3));
  check_layer_laws(Dense<double, TestType>(1, 1, 0));
}

TEST_CASE("Dense is what its formulas say in plain loops", "[nn]") {
  const Index side = GENERATE(0, 1, 3), k = GENERATE(0, 1, 3), side_columns = GENERATE(1, 4);
  INFO("side = " << side << ", k = " << k << ", columns of S: " << side_columns);
  const NaiveDense naive{3, 5, side};
  LayerProblem problem(Dense<double, Tanh>(3, 5, side), 4, k, side_columns, 1);
  const Batch<double> Y = problem.linearize(), Y_naive = naive.linearize(problem);
  // Sums of some ten terms of order one; tanh to 4 ulp.
  CHECK((Y - Y_naive).lpNorm<Eigen::Infinity>() < 1e-14);
  const LayerGradients bar = problem.pullback(problem.zero()), bar_naive = naive.pullback(problem);
  // Sums of up to 20 terms of order ten.
  CHECK((bar.X - bar_naive.X).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((bar.theta - bar_naive.theta).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((bar.S - bar_naive.S).lpNorm<Eigen::Infinity>() < 1e-13);
}

TEST_CASE("Dense reports its sizes", "[nn]") {
  const Dense<double, Tanh> layer(3, 5, 2);
  CHECK(layer.in_rows() == 3);
  CHECK(layer.out_rows() == 5);
  CHECK(layer.side_rows() == 2);
  CHECK(layer.widest() == 5);
  CHECK(layer.parameter_count() == 5 * (2 + 3 + 1));
  CHECK(Dense<double, Tanh>(3, 5).side_rows() == 1);
}

TEST_CASE("Dense allocates nothing after its first call, at widths whose panels are too large for the stack too",
          "[nn][allocations]") {
  const Index width = GENERATE(64, 256);
  const Dense<float, Tanh> layer(width, width);
  const Index n = 100, k = 1;
  Vector<float> theta(layer.parameter_count()), theta_bar = Vector<float>::Zero(layer.parameter_count()),
                                                tape(layer.tape_size(n, k));
  Rng rng(1);
  layer.initialize(theta, rng);
  const Batch<float> S = Batch<float>::Constant(1, 1, 0.5F), X = Batch<float>::Constant(width, (1 + k) * n, 0.25F);
  Batch<float> Y(width, (1 + k) * n), X_bar(width, (1 + k) * n), S_bar = Batch<float>::Zero(1, 1);
  Workspace<float> workspace;
  const std::span<float> slab(tape.data(), std::size_t(tape.size()));
  const auto both = [&] {
    layer.linearize(theta, S, X, n, Y, slab, workspace);
    layer.pullback(theta, S, X, n, slab, Y, X_bar, S_bar, theta_bar, workspace);
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  both();
  const AllocationCounter counter;
  both();
  CHECK(counter.count() == 0);
}

TEST_CASE("Dense refuses sizes that make no layer", "[nn][errors]") {
  using D = Dense<double, Tanh>;
  CHECK_THROWS_AS(D(0, 3), ArgumentError);
  CHECK_THROWS_WITH(D(0, 3), "Affine: number of inputs is 0, expected at least 1");
  CHECK_THROWS_WITH(D(3, -1), "Affine: number of outputs is -1, expected at least 1");
  CHECK_THROWS_WITH(D(3, 3, -1), "Affine: number of side inputs is -1, expected at least 0");
}
