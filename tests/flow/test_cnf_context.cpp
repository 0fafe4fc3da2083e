// Conditional flows: context enters every call, and both gradient methods give its gradient.
#include <pathline/flow/cnf.hpp>

#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
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

// A flow of one component under one component of context, with few fixed steps.
auto on_a_line(const std::vector<Index>& hidden, const Batch<double>& X, const Batch<double>& C) {
  Rng rng(2);
  return Cnf(Mlp<double, Tanh>(1, hidden, rng, 2), Rk4{}, FixedSteps(4), Standardize(X), StandardizeContext(C),
             Threads{1});
}

struct NoPullback {
  template <class... A>
  void check(const A&...) const {}
  template <class... A>
  void apply(const A&...) const {}
};
static_assert(ContextTransform<NoContextTransform> && ContextTransform<NoContextTransform, float>);
static_assert(ContextTransform<StandardizeContext> && ContextTransform<StandardizeContext, float>);
static_assert(!ContextTransform<NoPullback>);

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
  const Batch<double> raw = 2000 + 0.01 * C.array();
  const Cnf flow(field(), PiController{.rtol = 1e-9, .atol = 1e-9}, ChunkWidth{3}, Standardize(X),
                 StandardizeContext(raw));
  const Batch<double> Z = flow.transform(with_context(X, raw));
  CHECK((flow.inverse(with_context(Z, raw)) - X).cwiseAbs().maxCoeff() < 1e-6);
  CHECK((flow.trajectory(with_context(X, raw), {0.0, 1.0}).back() - Z).cwiseAbs().maxCoeff() < 1e-6);
  Rng rng(3), same(3);
  const Batch<double> samples = flow.sample(raw, rng);
  Batch<double> noise(d, n);
  StandardNormal{}.sample(same.draw(), 0, noise);
  CHECK(samples == flow.inverse(with_context(noise, raw)));

  // In every front the field reads what it would read of context of order 1.
  const Cnf same_units(field(), PiController{.rtol = 1e-9, .atol = 1e-9}, ChunkWidth{3}, Standardize(X),
                       StandardizeContext(C));
  CHECK((flow.log_prob(with_context(X, raw)) - same_units.log_prob(with_context(X, C))).cwiseAbs().maxCoeff() < 1e-8);
  CHECK((Z - same_units.transform(with_context(X, C))).cwiseAbs().maxCoeff() < 1e-8);
  Rng again(3);
  CHECK((samples - same_units.sample(C, again)).cwiseAbs().maxCoeff() < 1e-8);
  Rng third(3);
  const auto drawn = flow.sample_with_log_prob(raw, third);
  CHECK((drawn.samples - samples).cwiseAbs().maxCoeff() < 1e-6);
  CHECK((drawn.log_prob - flow.log_prob(with_context(drawn.samples, raw))).cwiseAbs().maxCoeff() < 1e-6);
  CHECK_THROWS_WITH(
      Cnf(field(), PiController{}, ChunkWidth{3}, Standardize(X), StandardizeContext(C.topRows(1))),
      "StandardizeContext: the context that the field reads has 2 rows, expected 1; give the field side = 2 (time "
      "and context), and context a column per sample");
}

TEST_CASE("Gradients to parameters and context, by differences and by both methods", "[flow][context][gradient]") {
  // Raw context of other units: its gradient goes back through the scaling, 1 / deviation.
  const Batch<double> X = numbers(1, d), C = 3 + 0.2 * numbers(2, c).array();
  const StandardizeContext scaling(Eigen::Vector2d(3.1, 2.8), Eigen::Vector2d(0.4, 0.25));
  const auto run = [&](const auto& gradient, const Vector<double>& theta, const Batch<double>& context) {
    Cnf flow(field(), Rk4{}, FixedSteps(16), Hutchinson<>{}, ChunkWidth{3}, KineticEnergy{.weight = 0.3}, scaling,
             gradient);
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

TEST_CASE("The score of a conditional flow agrees with differences of log p, by both methods",
          "[flow][context][gradient]") {
  const Batch<double> X = numbers(1, d), C = 3 + 0.2 * numbers(2, c).array();
  const StandardizeContext scaling(Eigen::Vector2d(3.1, 2.8), Eigen::Vector2d(0.4, 0.25));
  const auto flow_by = [&](const auto& gradient) {
    return Cnf(field(), Rk4{}, FixedSteps(16), Hutchinson<>{}, ChunkWidth{3}, KineticEnergy{.weight = 0.3}, scaling,
               gradient);
  };
  const auto flow = flow_by(Backpropagation<>{});
  const auto [log_prob, score] = flow.log_prob_with_score(with_context(X, C));
  CHECK(log_prob == flow.log_prob(with_context(X, C)));
  REQUIRE(score.rows() == d);
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& x) { return flow.log_prob(with_context(Batch<double>(x.reshaped(d, n)), C)).sum(); },
      Vector<double>(X.reshaped()));
  CHECK(max_difference(Vector<double>(score.reshaped()), differences) < 1e-7);
  CHECK(max_difference(flow_by(Adjoint{}).score(with_context(X, C)), score) < 1e-4);  // RK4 with 16 steps: O(h⁴)
  CHECK_THROWS_WITH(flow.score(X), ContainsSubstring("Cnf::score: data has"));
}

TEST_CASE("Conditional flows: a sample's density is that of its own context", "[flow][context]") {
  const Batch<double> X = numbers(1, d), C = numbers(2, c), raw = 2000 + 0.01 * C.array();
  const Cnf flow(field(), PiController{.rtol = 1e-9, .atol = 1e-9}, ChunkWidth{3}, Standardize(X),
                 StandardizeContext(raw));
  Rng rng(3), same(3), untouched(3);
  const auto [samples, log_prob] = flow.sample_with_log_prob(raw, rng);
  CHECK((samples - flow.sample(raw, same)).cwiseAbs().maxCoeff() < 1e-6);
  CHECK((log_prob - flow.log_prob(with_context(samples, raw))).cwiseAbs().maxCoeff() < 1e-6);
  CHECK_THROWS_WITH(flow.sample_with_log_prob(3, untouched),
                    "Cnf::sample_with_log_prob: context of a conditional flow is missing, expected 2 rows: "
                    "sample_with_log_prob(context, rng)");
  CHECK_THROWS_AS(flow.sample_with_log_prob(Batch<double>(raw.topRows(1)), untouched), ShapeError);
  CHECK(untouched == Rng(3));
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
  Cnf flow = on_a_line({16}, X, C);
  fit(flow, with_context(X, C), {.epochs = 150, .batch = 32, .validation_fraction = 0.2}, rng,
      Adam{.learning_rate = 2e-2});
  const Batch<double> samples = flow.sample(C, rng);
  CHECK((samples.array() * C.array() > 0).count() >= 62);
  // The mixture without context has log 2 nats more than the conditional density.
  const double nll = -flow.log_prob(with_context(X, C)).mean(), truth = 0.5 * std::log(2 * M_PI * std::exp(1.0) * 0.09);
  INFO(nll << " nats, truth " << truth);
  CHECK(nll < truth + 0.3);
}

TEST_CASE("Context of any units is learned: x = sin 3u + 0.1 e under context u + 2000",
          "[flow][context][train][many-draws]") {
  constexpr Index count = 500;
  Batch<double> U(1, count), E(1, count);
  fill<Uniform>(Draw{1, 1}, 0, U);
  fill<Gaussian>(Draw{1, 0}, 0, E);
  U = (2 * U.array() - 1).matrix();
  const Batch<double> X = (3 * U.array()).sin().matrix() + 0.1 * E, C = U.array() + 2000;
  const auto trained = [&](const Batch<double>& made_from, const Batch<double>& context, FitReport& report) {
    Rng rng(3);
    Cnf flow = on_a_line({24, 24}, X, made_from);
    report = fit(flow, with_context(X, context), {.epochs = 60, .batch = 100}, rng, Adam{.learning_rate = 3e-2},
                 Cosine{.final_rate = 1.5e-3});
    return -flow.log_prob(with_context(X, context)).mean();
  };
  FitReport report;
  // The entropy of the noise, ½ log(2πe 0.01), is -0.884; the marginal has above 1 nat.
  const double nll = trained(C, C, report);
  INFO(nll << " nats");
  CHECK(nll < -0.8);
  CHECK(nll > -1.0);
  CHECK(report.warnings.empty());
}

TEST_CASE("Context far from order 1, as a flow reads it, is warned of", "[flow][context][train]") {
  const Batch<double> X = numbers(1, 1), C = numbers(2, 1);
  const Batch<double> years = 2000 + C.array();
  const auto warnings = on_a_line({4}, X, C).context_warnings(with_context(X, years));  // made from other units
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("component 0 of the context with mean ") != std::string::npos);
  CHECK(warnings[0].find("StandardizeContext(C)") != std::string::npos);
  CHECK(on_a_line({4}, X, C).context_warnings(with_context(X, C)).empty());
  const auto of = [](const Batch<double>& read) {
    return detail::context_warnings(read, detail::precision_of<double>, read).size();
  };
  CHECK(of(Batch<double>(0.01 * C)) == 1);
  CHECK(of(Batch<double>(100 * C)) == 1);
  CHECK(of(Batch<double>::Constant(1, 9, 2000)) == 1);
  CHECK(of(Batch<double>::Constant(1, 9, 3)) == 0);
  CHECK(of(Eigen::RowVector4d(0, 0, 0, 1)) == 0);
  // Seconds since 1970 in float: 128 apart.
  const Batch<double> seconds = 1.7e9 + 1000 * C.array();
  const auto lost = detail::context_warnings(seconds, detail::precision_of<float>, C);
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].find("where float numbers are 128 apart") != std::string::npos);
  CHECK(detail::context_warnings(seconds, detail::precision_of<double>, C).empty());
}

TEST_CASE("StandardizeContext: mean 0 and deviation 1, whatever the units", "[flow][context]") {
  Batch<double> C(1, 5);
  C << 1, 2, 3, 4, 10;
  const Batch<double> read = transformed(StandardizeContext(C), C);
  CHECK(std::abs(read.mean()) < 1e-15);
  CHECK(read.squaredNorm() == Approx(5).epsilon(1e-14));
  for (const double unit : {1e-300, 1e-9, 1e9, 1e300}) {
    INFO("unit " << unit);
    const Batch<double> scaled = unit * C, shifted = unit * (C.array() + 2000);
    CHECK((transformed(StandardizeContext(scaled), scaled) - read).cwiseAbs().maxCoeff() < 1e-14);
    CHECK((transformed(StandardizeContext(shifted), shifted) - read).cwiseAbs().maxCoeff() < 1e-12);  // 2000 · 2e-16
  }
  // In float the difference to the mean is formed before it is rounded: all that is lost was lost in the context.
  const Batch<float> years = (C.array() + 2000).matrix().cast<float>();
  CHECK((transformed(StandardizeContext(years), years) - read.cast<float>()).cwiseAbs().maxCoeff() < 1e-6F);
}

TEST_CASE("StandardizeContext leaves one-hot codes as they are, and makes constants 0", "[flow][context]") {
  Batch<double> C(3, 4);
  C << 0, 0, 0, 1, 1, 1, 1, 1, 7, 7, 7, 7;
  const Batch<double> read = transformed(StandardizeContext(C), C);
  CHECK(read.topRows(2) == C.topRows(2));
  CHECK(read.row(2) == Row<double>::Zero(4));
}

TEST_CASE("StandardizeContext: the pullback is the transposed derivative, without allocation", "[flow][context]") {
  const StandardizeContext scaling(Eigen::Vector2d(5, -1), Eigen::Vector2d(4, 0.5));
  Batch<double> batch = Batch<double>::Ones(3, 6), read(2, 6), bar = Batch<double>::Ones(2, 6);
  AllocationCounter counter;
  scaling.apply(batch.bottomRows(2), read);
  scaling.pullback(batch.bottomRows(2), bar);
  CHECK(counter.count() == 0);
  CHECK(read == Batch<double>(Eigen::Vector2d(-1, 4).replicate(1, 6)));
  CHECK(bar == Batch<double>(Eigen::Vector2d(0.25, 2).replicate(1, 6)));
}

TEST_CASE("StandardizeContext refuses context that it cannot scale", "[flow][context][errors]") {
  Batch<double> C(1, 5);
  C << 1, 2, 3, 4, 1e12;
  CHECK_THROWS_WITH(
      StandardizeContext(C),
      "StandardizeContext: component 0 of the context is 1e+12 at sample 4, while half of all samples are "
      "within 1 of 3: beside it they look alike to the network; correct that sample, or take the "
      "component's logarithm");
  Batch<float> seconds(1, 4);
  seconds << 1.7e9F, 1.7e9F + 128, 1.7e9F + 256, 1.7e9F;
  CHECK_THROWS_AS(StandardizeContext(seconds), DataError);
  CHECK_NOTHROW(StandardizeContext(seconds.cast<double>()));
  C << 0.3, 0.1 + 0.2, 0.3, 0.3, 0.3;
  CHECK_THROWS_AS(StandardizeContext(C), DataError);
  C(2) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(StandardizeContext(C), DataError);
  CHECK_THROWS_WITH(StandardizeContext(Vector<double>(Eigen::Vector3d(1, 2, 3))),
                    "StandardizeContext: context has 1 sample, expected at least 2 to tell its spread, a column per "
                    "sample: transpose() rows");
  CHECK_THROWS_AS(StandardizeContext(Eigen::Vector2d(0, 0), Eigen::Vector2d(1, 0)), ArgumentError);
  CHECK_THROWS_AS(StandardizeContext(Eigen::Vector2d(0, 0), Vector<double>::Ones(3).eval()), ShapeError);
}
