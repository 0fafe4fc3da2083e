#include <pathline/nn/time/learned_end_time.hpp>

#include <pathline/gradient.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/ode.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using Map = Linear<double>;
using Hidden = Dense<double, Tanh>;
static_assert(Layer<LearnedEndTime<Map>> && !TracedLayer<LearnedEndTime<Map>>);

/// f(t, z) = θ t z of the plane with its trace, 2 θ t, and one row that it offers, NaN: it must not be read.
struct Growth {
  using Scalar = double;
  [[nodiscard]] Index in_rows() const { return 2; }
  [[nodiscard]] Index out_rows() const { return 2; }
  [[nodiscard]] Index side_rows() const { return 1; }
  [[nodiscard]] Index widest() const { return 2; }
  [[nodiscard]] Index parameter_count() const { return 1; }
  [[nodiscard]] Index tape_size(Index, Index) const { return 0; }
  [[nodiscard]] Index offered_rows() const { return 1; }
  [[nodiscard]] Index trace_tape_size(Index) const { return 0; }
  void initialize(VectorRef<double> theta, Rng&) const { theta.setOnes(); }
  void linearize(ConstVectorRef<double>, ConstBatchRef<double>, ConstBatchRef<double>, Index, BatchRef<double>,
                 std::span<double>, Workspace<double>&) const {}
  void pullback(ConstVectorRef<double>, ConstBatchRef<double>, ConstBatchRef<double>, Index, std::span<double>,
                BatchRef<double>, BatchRef<double>, BatchRef<double>, VectorRef<double>, Workspace<double>&) const {}
  void evaluate_with_trace(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> Z,
                           BatchRef<double> Y, std::span<double>, Workspace<double>&) const {
    for (Index i = 0; i < Z.cols(); ++i) {
      const double t = S(0, S.cols() == 1 ? 0 : i);
      Y.col(i) << theta(0) * t * Z.col(i), 2 * theta(0) * t, not_a_number;
    }
  }
  void pullback_with_trace(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> Z,
                           std::span<double>, BatchRef<double> Y_bar, BatchRef<double> Z_bar, BatchRef<double> S_bar,
                           VectorRef<double> theta_bar, Workspace<double>&) const {
    for (Index i = 0; i < Z.cols(); ++i) {
      const Index at = S.cols() == 1 ? 0 : i;
      const double both_bar = Z.col(i).dot(Y_bar.col(i).head(2)) + 2 * Y_bar(2, i) + 1e9 * Y_bar(3, i);
      Z_bar.col(i) = theta(0) * S(0, at) * Y_bar.col(i).head(2);
      S_bar(0, at) += theta(0) * both_bar;
      theta_bar(0) += S(0, at) * both_bar;
    }
  }
};
static_assert(TracedLayer<Growth> && TracedLayer<LearnedEndTime<Growth>>);

}  // namespace

TEST_CASE("LearnedEndTime keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(LearnedEndTime(Hidden(3, 2, 2), 2.5, 0.5));
  check_layer_laws(LearnedEndTime(Map(2, 2, 0)));
}

TEST_CASE("LearnedEndTime allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(LearnedEndTime(Map(8, 8, 2)));
}

TEST_CASE("LearnedEndTime is T f(t0 + s T, z), and T is e to the last parameter", "[nn]") {
  const LearnedEndTime layer(Map(3, 2, 2), 2.5, 0.5);
  LayerProblem stretched(layer, 4, 1, 8, 0), plain(Map(3, 2, 2), 4, 1, 8, 0);
  const Index last = stretched.theta.size() - 1;
  plain.theta = stretched.theta.head(last);
  const double T = std::exp(stretched.theta(last));
  plain.S = stretched.S;
  plain.S.row(0) *= T;
  plain.S.row(0).head(4).array() += 0.5;
  CHECK((stretched.linearize() - T * plain.linearize()).lpNorm<Eigen::Infinity>() < 1e-13);  // numbers below ten
  CHECK(layer.end_time(stretched.theta) == Approx(0.5 + T).epsilon(1e-15));

  Rng rng(7);
  const Network field(LearnedEndTime(Map(2, 2), 3.0), rng);
  CHECK(field.layer().end_time(field.parameters()) == Approx(3).epsilon(1e-15));
  CHECK(field.parameters()(field.parameters().size() - 1) == std::log(3.0));
}

TEST_CASE("LearnedEndTime scales the trace as it scales the values, and offers no rows", "[nn][gradient]") {
  const LearnedEndTime layer(Growth{}, 2.0, 0.5);
  CHECK(layer.offered_rows() == 0);
  const Index n = 3, side_columns = GENERATE(1, 3);
  const Vector<double> theta = Vector<double>::Constant(2, 0.3);
  const Batch<double> S = gaussian(1, 1, side_columns), Z = gaussian(2, 2, n), Y_bar = gaussian(3, 3, n);
  Vector<double> tape(layer.trace_tape_size(n));
  Workspace<double> workspace;
  const std::span<double> slab(tape.data(), std::size_t(tape.size()));
  const auto evaluate = [&](const Vector<double>& at, const Batch<double>& side, const Batch<double>& z) {
    Batch<double> Y(3, n);
    layer.evaluate_with_trace(at, side, z, Y, slab, workspace);
    return Y;
  };
  const double T = std::exp(0.3);
  const Batch<double> Y = evaluate(theta, S, Z);
  for (Index i = 0; i < n; ++i) {
    const double factor = T * 0.3 * (0.5 + T * S(0, side_columns == 1 ? 0 : i));
    CHECK((Y.col(i).head(2) - factor * Z.col(i)).lpNorm<Eigen::Infinity>() < 1e-14);
    CHECK(Y(2, i) == Approx(2 * factor).margin(1e-14));
  }

  Batch<double> scratch = Y_bar, Z_bar(2, n), S_bar = Batch<double>::Zero(1, side_columns);
  Vector<double> theta_bar = Vector<double>::Zero(2);
  layer.pullback_with_trace(theta, S, Z, slab, scratch, Z_bar, S_bar, theta_bar, workspace);
  // h = 1e-6: truncation h² and rounding ε/h of numbers below ten.
  const auto loss = [&](const Vector<double>& at, const Batch<double>& side, const Batch<double>& z) {
    return evaluate(at, side, z).cwiseProduct(Y_bar).sum();
  };
  const Vector<double> s = S.reshaped(), z = Z.reshaped();
  CHECK((theta_bar - central_differences([&](const Vector<double>& x) { return loss(x, S, Z); }, theta, 1e-6))
            .lpNorm<Eigen::Infinity>() < 1e-7);
  CHECK((S_bar.reshaped() -
         central_differences([&](const Vector<double>& x) { return loss(theta, x.transpose(), Z); }, s, 1e-6))
            .lpNorm<Eigen::Infinity>() < 1e-7);
  CHECK((Z_bar.reshaped() -
         central_differences([&](const Vector<double>& x) { return loss(theta, S, x.reshaped(2, n)); }, z, 1e-6))
            .lpNorm<Eigen::Infinity>() < 1e-7);
}

TEST_CASE("LearnedEndTime: solved over [0, 1] it is f up to the end time, whose gradient is a(t1) f(t1, z1)",
          "[nn][gradient]") {
  Rng rng(7), same_seed(7);
  const Map map(2, 2);
  const Network plain(LearnedEndTime(map, 1.0, 0.0), rng);  // T = 1: f itself
  const Network stretched(LearnedEndTime(map, 2.0, 0.5), same_seed);
  const Batch<double> y0 = gaussian(1, 2, 3), weights = gaussian(2, 2, 3);
  const auto loss = [&](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    bars.back() += weights;
    return states.back().cwiseProduct(weights).sum();
  };
  const PiController tight{.rtol = 1e-11, .atol = 1e-11};
  const NeuralOde ode(stretched, Dopri5{}, tight);
  const Batch<double> end = NeuralOde(plain, Dopri5{}, tight).solve(y0, {0.5, 2.0}).back();
  CHECK((ode.solve(y0, {0.0, 1.0}).back() - end).lpNorm<Eigen::Infinity>() < 1e-9);

  Batch<double> F(2, 3);
  Vector<double> tape(plain.tape_size(3, 0));
  Workspace<double> workspace;
  plain.linearize(Batch<double>::Constant(1, 1, 2), end, 3, F, {tape.data(), std::size_t(tape.size())}, workspace);
  const double expected = 1.5 * F.cwiseProduct(weights).sum();  // dT/dτ = T = 1.5
  const std::vector<double> times{0, 1};
  const auto exact = ode.value_and_gradient(y0, times, loss);
  const auto adjoint = NeuralOde(stretched, Dopri5{}, tight, Adjoint{}).value_and_gradient(y0, times, loss);
  // Tolerances of 1e-11 a step, some 50 steps, and the field grows errors by less than ten.
  CHECK(exact.parameters(exact.parameters.size() - 1) == Approx(expected).epsilon(1e-8));
  CHECK(adjoint.parameters(adjoint.parameters.size() - 1) == Approx(expected).epsilon(1e-8));
}

TEST_CASE("LearnedEndTime refuses an end that is not after the start", "[nn][errors]") {
  CHECK_THROWS_WITH(LearnedEndTime(Map(2, 2), 0.0),
                    "LearnedEndTime: initial end is 0, expected a finite time after the start, 0");
  CHECK_THROWS_AS(LearnedEndTime(Map(2, 2), 1, 2), ArgumentError);
  CHECK_THROWS_AS(LearnedEndTime(Map(2, 2), std::numeric_limits<double>::quiet_NaN()), ArgumentError);
  CHECK_THROWS_AS(LearnedEndTime(Map(2, 2), std::numeric_limits<double>::infinity()), ArgumentError);
}
