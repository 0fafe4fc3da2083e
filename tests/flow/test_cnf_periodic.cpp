// Flows on circles and lines: densities that do not see where the circle is cut.
#include <pathline/flow/base/periodic_base.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/periodic_transform.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/periodic_mlp.hpp>
#include <pathline/train/adam.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr double pi = std::numbers::pi;
const std::vector<Circle> angle{{.component = 0}};

// The density of von Mises' distribution at the midpoints of equal cells of [-π, π), with sum 1.
Row<double> von_mises(Index cells, double kappa, double mean) {
  Row<double> p(cells);
  for (Index i = 0; i < cells; ++i)
    p(i) = std::exp(kappa * (std::cos(2 * pi * (double(i) + 0.5) / double(cells) - pi - mean) - 1));
  return p / p.sum();
}
Row<double> midpoints(Index cells) {
  return (Row<double>::LinSpaced(cells, 0.5, double(cells) - 0.5) * (2 * pi / double(cells))).array() - pi;
}

template <class Transform>
auto flow_on(const Transform& transform, Index dim, Index context, Index steps, const std::vector<Index>& hidden) {
  Rng rng(5);
  return Cnf(PeriodicMlp<double, Tanh>(dim, angle, hidden, rng, 1 + context), Rk4{}, FixedSteps(steps),
             PeriodicBase(dim, angle), transform, Threads{1});
}

}  // namespace

TEST_CASE("A flow on the circle learns von Mises' density across the seam", "[flow][periodic][train][many-draws]") {
  // Data by quantiles, so that all that is missing is the flow's: n points at equal steps of the distribution function.
  constexpr Index cells = 4000, n = 400;
  const Row<double> fine = von_mises(cells, 4, 3), at = midpoints(cells);
  Batch<double> X(1, n);
  double below = 0;
  for (Index i = 0, j = 0; i < cells; ++i) {
    below += fine(i);
    for (; j < n && double(j) + 0.5 < below * double(n); ++j) X(j) = at(i);
  }
  Cnf flow = flow_on(PeriodicTransform<double>(angle, 1), 1, 0, 4, {16});
  // By hand: `fit` would cost more compile time than all else here.
  OptimizerState<double> adam;
  decltype(flow)::Memory memory;
  TrainingLoss<double> loss;
  std::vector<Index> ids(n);
  std::iota(ids.begin(), ids.end(), Index(0));
  constexpr Index iterations = 150;
  for (Index i = 0; i < iterations; ++i) {
    flow.value_and_gradient(X, ids, Draw{1, std::uint64_t(i)}, memory, loss);
    adam.step(Adam{.learning_rate = 3e-2 * (1.05 - double(i) / iterations)}, loss.gradient, flow.parameters());
  }
  const Row<double> truth = von_mises(256, 4, 3), log_p = flow.log_prob(midpoints(256));
  const double kl = (truth.array() * ((truth.array() * (256 / (2 * pi))).log() - log_p.array())).sum();
  INFO("Kullback-Leibler divergence " << kl);
  CHECK(kl < 0.02);
  CHECK(kl > -1e-4);
  // The midpoint rule is exact for smooth periodic functions; what is left is four steps of Rk4.
  CHECK(log_p.array().exp().sum() * 2 * pi / 256 == Approx(1).epsilon(1e-3));

  const auto density = [&](double x) { return flow.log_prob(Vector<double>::Constant(1, x))(0); };
  CHECK(density(-pi) == density(pi));
  CHECK(density(1 + 6 * pi) == Approx(density(1)).epsilon(1e-12));
  // Its slope has no jump at the seam either: one-sided differences of both sides agree to second derivatives · h.
  const double h = 1e-5, left = (density(pi) - density(pi - h)) / h, right = (density(-pi + h) - density(-pi)) / h;
  CHECK(std::abs(left - right) < 1e-3);
  CHECK(std::abs(left) > 0.1);

  Rng rng(3);
  const Batch<double> samples = flow.sample(500, rng);
  CHECK(samples.minCoeff() >= -pi);
  CHECK(samples.maxCoeff() < pi);
  CHECK(samples.minCoeff() < -2.5);  // the mode is at 3: samples are on both sides of the seam
  CHECK(samples.maxCoeff() > 2.5);
  // E cos(x - 3) = I_1(4) / I_0(4) = 0.8635; its deviation is below 0.2: 4.9 standard errors, and 0.02 of what is
  // learned.
  CHECK((samples.array() - 3).cos().mean() == Approx(0.8635).margin(4.9 * 0.2 / std::sqrt(500.0) + 0.02));
}

TEST_CASE("Circle, line and context in one flow: density 1 in all, and gradients by differences",
          "[flow][periodic][context][gradient]") {
  const std::vector<Circle> hours{{.component = 0, .lower = 0, .upper = 24}};
  const auto flow = flow_on(PeriodicTransform<double>(hours, 2), 2, 1, 24, {5});
  constexpr Index around = 32, along = 64;
  Batch<double> X(3, around * along);
  for (Index j = 0; j < X.cols(); ++j)
    X.col(j) << 24.0 * double(j % around) / around, 14 * (double(j / around) + 0.5) / along - 7, 0.7;
  // Both rules converge faster than any power; Rk4 with 24 steps leaves 1e-8.
  CHECK(flow.log_prob(X).array().exp().sum() * (24.0 / around) * (14.0 / along) == Approx(1).epsilon(1e-6));

  const Batch<double> few = X.leftCols(40).rightCols(3);
  const std::vector<Index> ids{0, 1, 2};
  auto moved = flow;
  const auto loss = [&](const Vector<double>& theta, TrainingLoss<double>& result) {
    typename decltype(moved)::Memory memory;
    moved.parameters() = theta;
    moved.value_and_gradient(few, ids, Draw{1, 1}, memory, result);
    return result.loss;
  };
  TrainingLoss<double> exact, other;
  loss(flow.parameters(), exact);
  const Vector<double> theta = flow.parameters();
  CHECK(max_difference(exact.gradient,
                       central_differences([&](const Vector<double>& p) { return loss(p, other); }, theta)) < 1e-7);
}

TEST_CASE("Parts that do not agree on the circles are refused", "[flow][periodic][errors]") {
  CHECK_THROWS_WITH(detail::require_same_circles({}, {0}, {0}, true),
                    "Cnf: components on circles of the base density is none, expected those of the field, 0: name "
                    "PeriodicBase(dim, circles)");
  CHECK_THROWS_AS(detail::require_same_circles({0}, {0, 1}, {}, true), ArgumentError);
  CHECK_THROWS_AS(detail::require_same_circles({0}, {}, {0}, true), ArgumentError);  // samples would stay on the line
  CHECK_NOTHROW(detail::require_same_circles({0, 1}, {0, 1}, {}, false));
  CHECK_THROWS_AS(flow_on(PeriodicTransform<double>(std::vector<Circle>{}, 1), 1, 0, 4, {4}), ArgumentError);
  Rng rng(1);
  CHECK_THROWS_AS(detail::require_periodic(Mlp<double, Tanh>(1, {4}, rng), {0}, 0.5), ArgumentError);
  const PeriodicTransform<double> transform(angle, 1);
  Mlp<double, Tanh> zero(1, {4}, rng);
  zero.parameters().setZero();  // periodic until training changes it
  CHECK_THROWS_WITH(Cnf(zero, PeriodicBase(1, angle), transform), ContainsSubstring("makes one turn"));
  const FieldStack stack(PeriodicMlp<double, Tanh>::layers(1, angle, {4}), 2, rng, MovingNormalization{});
  CHECK_THROWS_WITH(Cnf(stack, PeriodicBase(1, angle), transform),
                    "Cnf: normalisation of a stack on circles is MovingNormalization, which scales angles, expected "
                    "none");
  CHECK(Chain(NoTransform{}, transform).circles() == std::vector<Index>{0});
}
