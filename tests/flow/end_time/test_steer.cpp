#include <pathline/flow/end_time/steer.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <numeric>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

struct NoCheck {
  [[nodiscard]] double training_end(const Draw&, double, double end) const { return end; }
};
struct NoTrainingEnd {
  void check(double, double) const {}
};
static_assert(EndTimePolicy<FixedEndTime> && EndTimePolicy<Steer> && EndTimePolicy<SteerAbsolute>);
static_assert(!EndTimePolicy<NoCheck> && !EndTimePolicy<NoTrainingEnd> && !EndTimePolicy<int>);

constexpr Index n = 6;

Batch<double> data() {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  return X;
}

template <class... Policies>
double loss_of(const Policies&... policies) {
  Rng rng(4);
  const Cnf flow(Mlp<double, Tanh>(2, {5}, rng), Rk4{}, FixedSteps(4), policies...);
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  std::vector<Index> samples(n);
  std::iota(samples.begin(), samples.end(), Index(0));
  flow.value_and_gradient(data(), samples, Draw{11, 3}, memory, result);
  return result.loss;
}

}  // namespace

TEST_CASE("STEER's end is uniform around t1, in both forms, forward and backward in time", "[flow][end-time]") {
  const Index draws = 20'000;
  const auto check = [&](const auto& policy, double start, double end, double b) {
    double sum = 0, squares = 0, low = 1e9, high = -1e9;
    for (Index i = 0; i < draws; ++i) {
      const double x = (policy.training_end(Draw{5, std::uint64_t(i)}, start, end) - end) / b;
      sum += x;
      squares += x * x;
      low = std::min(low, x);
      high = std::max(high, x);
    }
    CHECK(low > -1);
    CHECK(high < 1);
    CHECK(high - low > 1.99);
    // 4.9 standard errors, of variances 1/3 and 1/5 - 1/9: 1e-6 each for a false alarm.
    CHECK(std::abs(sum / draws) < 4.9 * std::sqrt(1.0 / 3 / draws));
    CHECK(std::abs(squares / draws - 1.0 / 3) < 4.9 * std::sqrt((1.0 / 5 - 1.0 / 9) / draws));
  };
  check(Steer{.half_width = 0.5}, 0, 1, 0.5);
  check(Steer{.half_width = 0.25}, 0, 4, 1);  // scaling time scales b
  check(Steer{.half_width = 0.5}, 2, 1, 0.5);
  check(SteerAbsolute{.half_width = 0.5}, 0, 4, 0.5);
  check(SteerAbsolute{.half_width = 0.5}, 4, 0, 0.5);
}

TEST_CASE("STEER draws one end a mini-batch, whatever the chunks, and another the next time", "[flow][end-time]") {
  // The chunks' losses add up to the same only if all of them end at the same time.
  CHECK(loss_of(Steer{}, ChunkWidth{2}) == Approx(loss_of(Steer{}, ChunkWidth{n})).epsilon(1e-13));
  const double end = Steer{}.training_end(Draw{11, 3}, 0, 1);
  CHECK(loss_of(Steer{}) == Approx(loss_of(TimeSpan{.data = 0, .base = end})).epsilon(1e-13));
  CHECK(Steer{}.training_end(Draw{11, 3}, 0, 1) != Steer{}.training_end(Draw{11, 4}, 0, 1));
}

TEST_CASE("Densities and samples use the flow's own span under STEER", "[flow][end-time]") {
  Rng rng(4);
  const Mlp<double, Tanh> field(2, {5}, rng);
  const Cnf plain(field);
  const Cnf steered(field, Steer{});
  CHECK(plain.log_prob(data()) == steered.log_prob(data()));
}

TEST_CASE("End times that do not fit the span are refused", "[flow][end-time][errors]") {
  CHECK_THROWS_WITH(Steer{.half_width = 1}.check(0, 1), "Steer: half_width is 1, expected in [0, 1)");
  CHECK_THROWS_AS(Steer{.half_width = -0.1}.check(0, 1), ArgumentError);
  CHECK_THROWS_AS(Steer{.half_width = std::nan("")}.check(0, 1), ArgumentError);
  CHECK_THROWS_WITH(SteerAbsolute{.half_width = 2}.check(0, 1.5),
                    "SteerAbsolute: half_width is 2, expected at least 0 and below the span of time, 1.5");
  CHECK_NOTHROW(SteerAbsolute{.half_width = 1}.check(1.5, 0));
}

TEST_CASE("The likelihood's weight scales its part of loss and gradient alone", "[flow][loss]") {
  Rng rng(4);
  const Mlp<double, Tanh> field(2, {5}, rng);
  std::vector<Index> samples(n);
  std::iota(samples.begin(), samples.end(), Index(0));
  const auto run = [&](double likelihood, double kinetic) {
    const Cnf flow(field, Rk4{}, FixedSteps(4), LikelihoodWeight{likelihood}, KineticEnergy{.weight = kinetic});
    typename std::remove_const_t<decltype(flow)>::Memory memory;
    TrainingLoss<double> result;
    flow.value_and_gradient(data(), samples, Draw{}, memory, result);
    return result;
  };
  const auto likelihood = run(1, 0), cost = run(0, 1), both = run(30, 2);
  CHECK(both.loss == Approx(30 * likelihood.loss + 2 * cost.loss).epsilon(1e-13));
  CHECK(both.negative_log_likelihood == Approx(likelihood.negative_log_likelihood).epsilon(1e-14));
  CHECK(max_difference(both.gradient, (30 * likelihood.gradient + 2 * cost.gradient).eval()) < 1e-12);
}
