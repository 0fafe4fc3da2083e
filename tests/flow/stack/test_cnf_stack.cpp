// Flows of several blocks with normalisations between them: one density, its gradient, and its running statistics.
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <Eigen/LU>

#include <numeric>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using Net = Mlp<double, Tanh>;
using Stack = FieldStack<Net::Layers, MovingNormalization>;

constexpr Index d = 2, n = 7;

Batch<double> numbers(std::uint64_t draw, Index rows = d, Index columns = n) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{8, draw}, 0, X);
  return X;
}
std::vector<Index> ids(Index count = n) {
  std::vector<Index> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), Index(0));
  return result;
}

/// Normalisations far from the identity, so that each of their numbers counts.
Stack stack(Index blocks, Index context = 0) {
  Rng rng(6);
  Stack result(Net::layers(d, {6}, 1 + context), blocks, rng, MovingNormalization{});
  for (Index b = 0; b < blocks; ++b)
    result.parameters().segment(result.block_offset(b), result.layer().parameter_count()) *= 1.5;
  for (Index g = 0; g <= blocks; ++g) {
    const double sign = g % 2 == 0 ? 1 : -1;
    result.parameters().segment(result.normalization_offset(g), 8) << 0.2 * sign, -0.3, 0.1, 0.4 * sign, -0.5,
        0.3 * sign, 0.6, 1.7;
  }
  return result;
}

struct Settings {
  int threads = 1;
  Index width = 3;
  TimeSpan time{};
};
/// One list of policies, and so few types to compile.
template <class Blocks, class Gradient = Backpropagation<>>
auto flow_of(const Blocks& blocks, int steps, const Settings& settings = {}, const Gradient& gradient = {}) {
  return Cnf(blocks, Rk4{}, FixedSteps(steps), Hutchinson<>{}, KineticEnergy{.weight = 0.3}, ChunkWidth{settings.width},
             Threads{settings.threads}, settings.time, gradient);
}
/// The field of block b, with parameters of its own.
Net alone(const Stack& blocks, Index b) {
  Rng rng(0);
  Net result(d, {6}, rng);
  result.parameters() = blocks.parameters().segment(blocks.block_offset(b), result.parameters().size());
  return result;
}

template <class Flow>
TrainingLoss<double> loss_of(const Flow& flow, const Batch<double>& X, const Draw& draw = {2, 2}) {
  typename Flow::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(X, ids(X.cols()), draw, memory, result);
  return result;
}

/// The gradient by central differences, but 0 for the running statistics, which are constants.
template <class Flow>
Vector<double> differences_of(const Flow& flow, const Batch<double>& X) {
  Flow moved = flow;
  Vector<double> result = central_differences(
      [&](const Vector<double>& theta) {
        moved.parameters() = theta;
        return loss_of(moved, X).loss;
      },
      flow.parameters());
  for (Index g = 0; g <= flow.field().blocks(); ++g) {
    const Index statistics = flow.field().normalization_offset(g) + 2 * d;
    CHECK_FALSE(result.segment(statistics, 2 * d).isZero(1e-3));  // the loss does depend on them
    result.segment(statistics, 2 * d).setZero();
  }
  return result;
}

}  // namespace

TEST_CASE("A stack of one block without normalisation is the flow of its field", "[flow][stack]") {
  Rng rng(6), same(6);
  const FieldStack one(Net::layers(d, {6}), 1, same);
  const auto flow = flow_of(Net(d, {6}, rng), 4);
  const auto stacked = flow_of(one, 4);
  REQUIRE(flow.parameters() == stacked.parameters());
  const Batch<double> X = numbers(1);
  CHECK(flow.transform(X) == stacked.transform(X));
  CHECK(flow.inverse(X) == stacked.inverse(X));
  CHECK(flow.log_prob(X) == stacked.log_prob(X));
  CHECK(flow.log_prob(X, Hutchinson<>{}, 3) == stacked.log_prob(X, Hutchinson<>{}, 3));
  const auto a = loss_of(flow, X), b = loss_of(stacked, X);
  CHECK(a.loss == b.loss);
  CHECK(a.gradient == b.gradient);
  CHECK(a.costs == b.costs);
  CHECK(a.forward == b.forward);
  CHECK(a.solves == b.solves);
}

TEST_CASE("A stack is its blocks one after another", "[flow][stack]") {
  const Stack blocks = stack(2);
  const Batch<double> X = numbers(1);
  const auto flow = flow_of(blocks, 5);
  Batch<double> Z = X;
  Row<double> log_det = Row<double>::Zero(n);
  double cost = 0;
  for (Index g = 0; g <= 2; ++g) {
    const auto norm = blocks.parameters().segment(blocks.normalization_offset(g), 4 * d);
    for (Index i = 0; i < d; ++i) {
      const double scale = std::exp(norm(i)) / std::sqrt(norm(3 * d + i) + 1e-4);
      Z.row(i) = ((Z.row(i).array() - norm(2 * d + i)) * scale + norm(d + i)).matrix().eval();
      log_det.array() += std::log(scale);
    }
    if (g == 2) break;
    const auto block = flow_of(alone(blocks, g), 5);
    const Batch<double> next = block.transform(Z);
    Row<double> log_base(n);
    StandardNormal{}.log_density(next, log_base);
    log_det += block.log_prob(Z) - log_base;
    cost += loss_of(block, Z).costs[0];
    Z = next;
  }
  // Sums in another order: rounding.
  CHECK(max_difference(flow.transform(X), Z) < 1e-13);
  Row<double> log_base(n);
  StandardNormal{}.log_density(Z, log_base);
  CHECK(max_difference(flow.log_prob(X), log_base + log_det) < 1e-13);
  CHECK(loss_of(flow, X).costs[0] == Approx(cost).epsilon(1e-13));
  CHECK(loss_of(flow, X).solves == 2 * 3);
}

TEST_CASE("A stack's log-determinant is that of its map's differences", "[flow][stack]") {
  const auto flow = flow_of(stack(3), 40);
  const Batch<double> X = numbers(1);
  const Row<double> log_prob = flow.log_prob(X);
  const double h = 1e-5;
  for (Index j = 0; j < n; ++j) {
    Batch<double> moved = X.col(j).replicate(1, 2 * d);
    for (Index i = 0; i < d; ++i) {
      moved(i, i) += h;
      moved(i, d + i) -= h;
    }
    const Batch<double> Z = flow.transform(moved), z = flow.transform(X.col(j));
    const Batch<double> J = (Z.leftCols(d) - Z.rightCols(d)) / (2 * h);
    const double log_base = -0.5 * z.squaredNorm() - double(d) * 0.91893853320467274;
    // Differences: h² = 1e-10; and two discretisations of one number, O(h⁴) of RK4's step 1/40: 1e-7.
    CHECK(log_prob(j) == Approx(log_base + std::log(std::abs(J.determinant()))).margin(1e-6));
  }
}

TEST_CASE("A stack's gradient agrees with central differences, and statistics have none",
          "[flow][stack][gradient][many-draws]") {
  const Index count = GENERATE(2, 3);
  const Stack blocks = stack(count);
  const auto flow = flow_of(blocks, 4);
  const Batch<double> X = numbers(1);
  const Vector<double> gradient = loss_of(flow, X).gradient;
  for (Index g = 0; g <= count; ++g) CHECK(gradient.segment(blocks.normalization_offset(g) + 2 * d, 2 * d).isZero(0));
  CHECK(max_difference(gradient, differences_of(flow, X)) < 1e-7);
  // RK4 with 32 steps: both are the true gradient to O(h⁴).
  const Vector<double> adjoint = loss_of(flow_of(blocks, 32, {}, Adjoint{}), X).gradient;
  CHECK(max_difference(adjoint, loss_of(flow_of(blocks, 32), X).gradient) < 1e-5);
}

TEST_CASE("A stack's score agrees with central differences of its density", "[flow][stack][gradient]") {
  const auto flow = flow_of(stack(2), 4);
  const Batch<double> X = numbers(1);
  const auto [log_prob, score] = flow.log_prob_with_score(X);
  CHECK(max_difference(log_prob, flow.log_prob(X)) == 0);
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& x) { return flow.log_prob(Batch<double>(x.reshaped(X.rows(), X.cols()))).sum(); },
      Vector<double>(X.reshaped()));
  CHECK(max_difference(Vector<double>(score.reshaped()), differences) < 1e-7);
}

TEST_CASE("A stack's inverse undoes its transform, and samples carry their density", "[flow][stack]") {
  const auto flow = flow_of(stack(3), 40);
  const Batch<double> X = numbers(1);
  CHECK(max_difference(flow.inverse(flow.transform(X)), X) < 1e-6);  // O(h⁴) of RK4's step
  Rng rng(4);
  const auto drawn = flow.sample_with_log_prob(n, rng);
  CHECK(max_difference(drawn.log_prob, flow.log_prob(drawn.samples)) < 1e-6);
}

TEST_CASE("A stack's density integrates to one", "[flow][stack][many-draws]") {
  const auto flow = flow_of(stack(2), 10, {.width = 256});
  // Each normalisation shrinks the second component to 0.57, so that its data spread 5.4 times as far as the base.
  const Index side = 120;
  const double across = 24.0 / double(side), up = 80.0 / double(side);
  Batch<double> grid(d, side * side);
  for (Index i = 0; i < grid.cols(); ++i)
    grid.col(i) << across * (double(i % side) + 0.5 - 0.5 * double(side)),
        up * (double(i / side) + 0.5 - 0.5 * double(side));
  const Row<double> density = flow.log_prob(grid).array().exp();
  CHECK(density.maxCoeff() * across * up < 0.02);  // cells are small beside the density's width
  CHECK(density.sum() * across * up == Approx(1).margin(1e-3));
}

TEST_CASE("Each block of a stack draws its own noise", "[flow][stack]") {
  // Two equal blocks without movement in between would err alike under the same probes. With a linear field whose
  // Jacobian is [0 1; 1 0] everywhere, a probe's error is ±2: two independent ones cancel in half of the samples.
  Rng rng(1);
  FieldStack swap(Net::layers(d, {}, 0), 2, rng);  // no hidden layer: linear
  swap.parameters() << 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0;
  const auto flow = flow_of(swap, 2);
  const Batch<double> X = numbers(1, d, 400);
  const Row<double> error = flow.log_prob(X, Hutchinson<>{}, 1) - flow.log_prob(X);
  const Index zero = (error.array().abs() < 1e-9).count(), four = (error.array().abs() > 4 - 1e-9).count();
  CHECK(zero + four == 400);
  CHECK(std::abs(double(zero) - 200) < 49);  // binomial with deviation 10: 4.9 of them are 1e-6
}

TEST_CASE("Costs of a stack count forward where time runs backward", "[flow][stack]") {
  const auto flow = flow_of(stack(2), 4, {.time = {.data = 1, .base = 0}});
  const auto result = loss_of(flow, numbers(1));
  CHECK(result.costs[0] > 0);
  CHECK(result.loss == Approx(result.negative_log_likelihood + 0.3 * result.costs[0]).epsilon(1e-14));
  CHECK(max_difference(result.gradient, differences_of(flow, numbers(1))) < 1e-7);
}

TEST_CASE("Contexts reach every block of a stack", "[flow][stack][context][gradient]") {
  const auto flow = flow_of(stack(2, 2), 4);
  REQUIRE(flow.context_rows() == 2);
  const Batch<double> X = numbers(1), C = numbers(2, 2);
  const auto result = loss_of(flow, with_context(X, C));
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& c) { return loss_of(flow, with_context(X, c.reshaped(2, n))).loss; },
      Vector<double>(C.reshaped()));
  CHECK(max_difference(Vector<double>(result.context_gradient.reshaped()), differences) < 1e-7);
  CHECK(max_difference(result.gradient, differences_of(flow, with_context(X, C))) < 1e-7);
  const auto fine = flow_of(stack(2, 2), 40);
  CHECK(max_difference(fine.inverse(with_context(fine.transform(with_context(X, C)), C)), X) < 1e-6);
}

TEST_CASE("A stack's running statistics become those of the batch", "[flow][stack][many-draws]") {
  auto flow = flow_of(stack(2), 4);
  const Stack& blocks = flow.field();
  typename decltype(flow)::Memory memory;
  TrainingLoss<double> loss;
  const Batch<double> X = (3 * numbers(1).array() + 5).matrix();
  // A normalisation settles after those in front of it: 3 · ln(1e-12) / ln(0.9) steps.
  for (int i = 0; i < 800; ++i) {
    flow.value_and_gradient(X, ids(), Draw{2, 2}, memory, loss);
    flow.after_step(memory);
  }
  Batch<double> Z = X;
  for (Index g = 0; g <= 2; ++g) {
    if (g > 0) Z = flow_of(alone(blocks, g - 1), 4).transform(Z);
    const Vector<double> mean = Z.rowwise().mean();
    const Vector<double> variance = (Z.colwise() - mean).rowwise().squaredNorm() / double(n);
    const auto norm = blocks.parameters().segment(blocks.normalization_offset(g), 4 * d);
    CHECK(max_difference(norm.segment(2 * d, d), mean) < 1e-9);
    CHECK(max_difference(norm.tail(d), variance) < 1e-9);
    blocks.normalize(g, Z);
    const Vector<double> after = (Z.colwise() - Z.rowwise().mean().eval()).rowwise().squaredNorm() / double(n);
    const Vector<double> expected = (norm.head(d).array() * 2).exp() * variance.array() / (variance.array() + 1e-4);
    CHECK(max_difference(after, expected) < 1e-8);
  }
}

TEST_CASE("Rows of weight 0 are not in a stack's running statistics", "[flow][stack][weights]") {
  const auto statistics_after = [](const Batch<double>& X, const Vector<double>& weights) {
    auto flow = flow_of(stack(2), 4);
    typename decltype(flow)::Memory memory;
    TrainingLoss<double> loss;
    flow.value_and_gradient(X, ids(X.cols()), weights, Draw{2, 2}, memory, loss);
    flow.after_step(memory);
    return Vector<double>(std::as_const(flow).field().parameters());
  };
  // Chunks of 3, 2 and 2 rows: of the last one no row counts.
  const Batch<double> X = numbers(1);
  const Vector<double> weights{{1, 0, 2, 1, 1, 0, 0}}, of_others{{1, 2, 1, 1}};
  Batch<double> others(d, 4);
  others << X.col(0), X.middleCols(2, 3);
  const Vector<double> expected = statistics_after(others, of_others), got = statistics_after(X, weights);
  CHECK(max_difference(got, expected) < 1e-13);
  CHECK(max_difference(statistics_after(X, Vector<double>::Ones(n)), expected) > 1e-2);
}

TEST_CASE("A stack trains to the same bits on every number of threads", "[flow][stack]") {
  const Batch<double> X = numbers(1, d, 20);
  const auto train = [&](int threads) {
    auto flow = flow_of(stack(2), 3, {.threads = threads});
    Rng rng(3);
    fit(flow, X, {.epochs = 2, .batch = 8, .validation_fraction = 0.2}, rng);
    return flow.parameters();
  };
  const Vector<double> one = train(1);
  CHECK(train(2) == one);
  CHECK(train(3) == one);
}

TEST_CASE("A stack's second iteration does not allocate", "[flow][stack]") {
  auto flow = flow_of(stack(3), 4);
  typename decltype(flow)::Memory memory;
  TrainingLoss<double> loss;
  const Batch<double> X = numbers(1);
  const std::vector<Index> samples = ids();
  const auto iterate = [&] {
    flow.value_and_gradient(X, samples, Draw{2, 2}, memory, loss);
    flow.after_step(memory);
  };
  const AllocationCounter first;
  iterate();
  CHECK((first.count() > 0 || !AllocationCounter::available));
  const AllocationCounter second;
  iterate();
  CHECK(second.count() == 0);
}

TEST_CASE("What a stack's normalisation learns survives a step of the optimizer", "[flow][stack][train]") {
  auto flow = flow_of(stack(2), 3);
  typename decltype(flow)::Memory memory;
  TrainingLoss<double> loss;
  flow.value_and_gradient(numbers(1), ids(), Draw{2, 2}, memory, loss);
  const Vector<double> before = flow.parameters();
  OptimizerState<double> optimizer;
  for (int i = 0; i < 3; ++i) optimizer.step(Adam{.learning_rate = 0.1}, loss.gradient, flow.parameters());
  const Vector<double> moved = flow.parameters() - before;
  for (Index g = 0; g <= 2; ++g) CHECK(moved.segment(flow.field().normalization_offset(g) + 2 * d, 2 * d).isZero(0));
  CHECK((moved.array() != 0).count() == before.size() - 3 * 2 * d);
}
