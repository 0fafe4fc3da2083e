// Conditional flows: context enters every call, and both gradient methods give its gradient.
#include <pathline/flow/cnf.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <numeric>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index d = 2, c = 2, n = 7;

Batch<double> numbers(std::uint64_t draw, Index rows, Index columns = n) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{8, draw}, 0, X);
  return X;
}
std::vector<Index> ids() {
  std::vector<Index> result(n);
  std::iota(result.begin(), result.end(), Index(0));
  return result;
}
Mlp<double, Tanh> field() {
  Rng rng(6);
  return Mlp<double, Tanh>(d, {6, 5}, rng, 1 + c);
}

}  // namespace

TEST_CASE("A conditional flow's density is that of the flow with the context built in", "[flow][context]") {
  const Batch<double> X = numbers(1, d), C = numbers(2, c);
  const Cnf flow(field(), Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10}, ChunkWidth{3});
  CHECK(flow.context_rows() == c);
  const Row<double> got = flow.log_prob(with_context(X, C));
  for (Index i = 0; i < n; ++i) {
    // The layers' weights of context times a fixed context are a part of the bias.
    Rng rng(6);
    Mlp<double, Tanh> fixed(d, {6, 5}, rng, 1);
    const Vector<double>& theta = flow.parameters();
    Index from = 0, to = 0, in = d;
    for (const Index out : {Index(6), Index(5), d}) {
      const Index weights = out * (1 + in);
      const Eigen::Map<const Batch<double>> U(theta.data() + from + out, out, c);
      fixed.parameters().segment(to, out) = theta.segment(from, out);
      fixed.parameters().segment(to + out, out * in) = theta.segment(from + out * (1 + c), out * in);
      fixed.parameters().segment(to + weights, out) = theta.segment(from + out * (1 + c + in), out) + U * C.col(i);
      from += out * (1 + c + in + 1);
      to += out * (1 + in + 1);
      in = out;
    }
    const Cnf alone(fixed, Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10});
    CHECK(got(i) == Approx(alone.log_prob(X.col(i))(0)).epsilon(1e-8));
  }
}

TEST_CASE("Conditional flows: inverse undoes transform, and samples follow their own context", "[flow][context]") {
  const Batch<double> X = numbers(1, d), C = numbers(2, c);
  const Cnf flow(field(), PiController{.rtol = 1e-9, .atol = 1e-9}, ChunkWidth{3}, Standardize(X));
  const Batch<double> Z = flow.transform(with_context(X, C));
  CHECK((flow.inverse(with_context(Z, C)) - X).cwiseAbs().maxCoeff() < 1e-6);
  CHECK((flow.trajectory(with_context(X, C), {0.0, 1.0}).back() - Z).cwiseAbs().maxCoeff() < 1e-6);
  Rng rng(3), same(3);
  const Batch<double> samples = flow.sample(C, rng);
  Batch<double> noise(d, n);
  StandardNormal{}.sample(same.draw(), 0, noise);
  CHECK(samples == flow.inverse(with_context(noise, C)));
}

TEST_CASE("Gradients to parameters and context, by differences and by both methods", "[flow][context][gradient]") {
  const Batch<double> X = numbers(1, d), C = numbers(2, c);
  const auto run = [&](const auto& gradient, const Vector<double>& theta, const Batch<double>& context) {
    Cnf flow(field(), Rk4{}, FixedSteps(16), Hutchinson<>{}, ChunkWidth{3}, KineticEnergy{.weight = 0.3}, gradient);
    flow.parameters() = theta;
    typename decltype(flow)::Memory memory;
    TrainingLoss<double> result;
    flow.value_and_gradient(with_context(X, context), ids(), Draw{2, 2}, memory, result);
    return result;
  };
  const Vector<double> theta = field().parameters();
  const auto exact = run(Backpropagation<>{}, theta, C);
  REQUIRE(exact.context_gradient.rows() == c);
  REQUIRE(exact.context_gradient.cols() == n);
  const auto loss = [&](const Vector<double>& p, const Batch<double>& context) {
    return run(Backpropagation<>{}, p, context).loss;
  };
  CHECK(max_difference(exact.gradient,
                       central_differences([&](const Vector<double>& p) { return loss(p, C); }, theta)) < 1e-7);
  CHECK(max_difference(Vector<double>(exact.context_gradient.reshaped()),
                       central_differences([&](const Vector<double>& x) { return loss(theta, x.reshaped(c, n)); },
                                           Vector<double>(C.reshaped()))) < 1e-7);
  const auto adjoint = run(Adjoint{}, theta, C);
  CHECK(max_difference(adjoint.gradient, exact.gradient) < 1e-4);  // of RK4 with 16 steps: O(h⁴)
  CHECK(max_difference(adjoint.context_gradient, exact.context_gradient) < 1e-4);
}

TEST_CASE("NeuralOde takes context, and gives its gradient", "[gradient][context]") {
  const Batch<double> y0 = numbers(1, d), C = numbers(2, c);
  const NeuralOde ode(field(), Rk4{}, FixedSteps(5));
  const std::vector<double> times{0, 1};
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    bars.back() = 2 * states.back();
    return states.back().squaredNorm();
  };
  const auto result = ode.value_and_gradient(y0, times, loss, C);
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& x) { return ode.solve(y0, times, x.reshaped(c, n)).back().squaredNorm(); },
      Vector<double>(C.reshaped()));
  CHECK(max_difference(Vector<double>(result.context.reshaped()), differences) < 1e-7);
  CHECK_THROWS_WITH(ode.solve(y0, times), "NeuralOde: context has 0 rows, expected 2");
  CHECK_THROWS_AS(ode.solve(y0, times, C.leftCols(2)), ShapeError);
}

TEST_CASE("fit keeps data and context together", "[flow][context][train]") {
  // x = 3 s with s = ±1 in the context, and a little noise: without its own context a sample's sign is a coin.
  Batch<double> X(1, 64), C(1, 64);
  fill<Rademacher>(Draw{1, 0}, 0, C);
  fill<Gaussian>(Draw{1, 1}, 0, X);
  X = 3 * C + 0.3 * X;
  Rng rng(2);
  Cnf flow(Mlp<double, Tanh>(1, {16}, rng, 2), Rk4{}, FixedSteps(4));
  fit(flow, with_context(X, C), {.epochs = 150, .batch = 32, .learning_rate = 2e-2, .validation_fraction = 0.2}, rng);
  const Batch<double> samples = flow.sample(C, rng);
  CHECK((samples.array() * C.array() > 0).count() >= 62);
  // The mixture without context has log 2 nats more than the conditional density.
  const double nll = -flow.log_prob(with_context(X, C)).mean(), truth = 0.5 * std::log(2 * M_PI * std::exp(1.0) * 0.09);
  INFO(nll << " nats, truth " << truth);
  CHECK(nll < truth + 0.3);
}
