// One iteration of flow matching: its loss and gradient against differences, a closed form and the field's best value;
// who is joined with whom; the same bits for any number of threads.
#include <pathline/train/matching/matching_iteration.hpp>

#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/matching/optimal_transport.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

std::vector<Index> ids(Index n, Index first = 0) {
  std::vector<Index> result(static_cast<std::size_t>(n));
  std::iota(result.begin(), result.end(), first);
  return result;
}
Batch<double> numbers(std::uint64_t draw, Index rows, Index columns) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{8, draw}, 0, X);
  return X;
}
/// Time runs from 2 at the data to -1 at the base.
auto small_flow(const std::vector<Index>& hidden, Index context_rows, int threads = 1, Index width = 0) {
  Rng rng(6);
  return Cnf(Mlp<double, Tanh>(2, hidden, rng, 1 + context_rows), TimeSpan{.data = 2, .base = -1}, Threads{threads},
             ChunkWidth{width});
}
template <class Matching>
MatchingLoss<double> loss_of(const Matching& matching, const Batch<double>& X, const Vector<double>& weights = {},
                             Index first = 0) {
  typename Matching::Memory memory;
  MatchingLoss<double> result;
  matching.value_and_gradient(X, ids(X.cols(), first), weights, Draw{3, 1}, memory, result);
  return result;
}

/// Each column of A is a column of B, and the other way round.
bool same_columns(const Batch<double>& A, const Batch<double>& B) {
  const auto within = [](const Batch<double>& some, const Batch<double>& all) {
    for (Index j = 0; j < some.cols(); ++j)
      if (!((all.colwise() - some.col(j)).colwise().squaredNorm().array() == 0).any()) return false;
    return true;
  };
  return A.cols() == B.cols() && within(A, B) && within(B, A);
}

}  // namespace

TEST_CASE("Flow matching: the gradient agrees with central differences", "[train][matching][gradient]") {
  const Index context = GENERATE(0, 2), n = 9;
  INFO("rows of context: " << context);
  auto flow = small_flow({5}, context, 1, 4);
  const Batch<double> X = numbers(1, 2 + context, n);
  Vector<double> weights;
  if (context == 0) weights = Vector<double>{{1, 2, 1, 1, 2, 0.5, 1, 1, 2}};
  const Vector<double> theta = flow.parameters();
  const auto check = [&](const auto& matching) {
    const MatchingLoss<double> got = loss_of(matching, X, weights);
    const auto at = [&](const Vector<double>& x) {
      flow.set_parameters(x);
      return loss_of(matching, X, weights).loss;
    };
    // h = 1e-6: truncation h^2 times third derivatives of some tens, rounding 1e-16 of a loss of ten over h.
    CHECK(max_difference(got.gradient, central_differences(at, theta)) < 1e-7);
    flow.set_parameters(theta);
    if (context == 0) return;
    REQUIRE(got.context_gradient.cols() == n);
    const auto of_context = [&](const Vector<double>& c) {
      Batch<double> changed = X;
      changed.bottomRows(context) = Eigen::Map<const Batch<double>>(c.data(), context, n);
      return loss_of(matching, changed).loss;
    };
    const Batch<double> raw = X.bottomRows(context);
    const Vector<double> expected =
        central_differences(of_context, Eigen::Map<const Vector<double>>(raw.data(), raw.size()));
    CHECK(max_difference(got.context_gradient.reshaped(), expected) < 1e-7);
  };
  check(FlowMatching(flow, StraightPath{.sigma_min = 0.1}));
  check(FlowMatching(flow, VariancePreservingPath{.s_min = 1e-2}, OptimalTransport{}));
}

TEST_CASE("Flow matching: loss and gradient of an affine field are those of a least-squares problem",
          "[train][matching][gradient]") {
  const Index n = 12;
  auto flow = small_flow({}, 0);
  const FlowMatching matching(flow, StraightPath{.sigma_min = 0.25});
  const Batch<double> X = numbers(1, 2, n);
  const MatchingLoss<double> got = loss_of(matching, X, {}, 40);

  // f = U t + W z + b, theta = [U W b]; rows 40, 41, ... name the base points and, by a draw of their own, the times.
  const Vector<double> theta = flow.parameters();
  const Eigen::Vector2d U = theta.head(2), b = theta.tail(2);
  const Eigen::Matrix2d W = Eigen::Map<const Eigen::Matrix2d>(theta.data() + 2);
  double loss = 0;
  Vector<double> gradient = Vector<double>::Zero(theta.size());
  for (Index j = 0; j < n; ++j) {
    Eigen::Vector2d e;
    fill<Gaussian>(Draw{3, 1}, 40 + j, e);
    const double s = Draw{3 + 0x9E3779B97F4A7C15U, 1}.number_at<Uniform>(40 + j, 0), t = 2 - 3 * s;
    const Eigen::Vector2d z = (1 - s) * X.col(j) + (0.25 + 0.75 * s) * e;
    const Eigen::Vector2d residual = U * t + W * z + b - (0.75 * e - X.col(j)) / -3;
    loss += residual.squaredNorm() / double(n);
    const Eigen::Vector2d r = 2 / double(n) * residual;
    gradient.head(2) += r * t;
    gradient.segment(2, 4) += (r * z.transpose()).reshaped();
    gradient.tail(2) += r;
  }
  CHECK(got.loss == Approx(loss).epsilon(1e-13));
  CHECK(max_difference(got.gradient, gradient) < 1e-12);
  CHECK(got.forward.evaluations == got.solves);
  CHECK(got.backward.evaluations == got.solves);
}

TEST_CASE("The best field of independent coupling is the mean velocity, of Gaussian data in closed form",
          "[train][matching][many-draws]") {
  // docs/maths.md, (14.8), with a factor in front: at 1 the loss is stationary there.
  const auto best = [](const auto& t, const auto& z, const auto& p, auto& f) {
    const double m = 1.5, v = 0.3;
    for (Index i = 0; i < 2; ++i) {
      const auto a = 1. - t, b = t;
      f[i] = p[0] * (-m + (b - v * a) / (v * a * a + b * b) * (z[i] - a * m));
    }
  };
  const Index n = 40'000;
  Batch<double> X = numbers(2, 2, n);
  X = (1.5 + std::sqrt(0.3) * X.array()).matrix();
  Cnf flow(differentiable(best, 2, Vector<double>{{1}}), Threads{1});
  const FlowMatching matching(flow);
  using Matching = decltype(matching);
  std::remove_const_t<Matching>::Memory memory;
  MatchingLoss<double> result;
  const auto gradient_at = [&](double factor) {
    flow.parameters()(0) = factor;
    matching.value_and_gradient(X, ids(n), Draw{3, 1}, memory, result);
    return result.gradient(0);
  };
  // d/dp E |p f - u|^2 = 2 E (f - u) f at 1: a mean of numbers with a standard deviation of about 6, here of 40,000.
  CHECK(std::abs(gradient_at(1)) < 5 * 6 / std::sqrt(double(n)));
  // The second derivative, 2 E |f|^2, is at least 2 * 2 m^2 = 9: ten per cent off is seen by six times that bound.
  CHECK(gradient_at(1.1) > 0.9 - 5 * 6 / std::sqrt(double(n)));
  CHECK(gradient_at(0.9) < -(0.9 - 5 * 6 / std::sqrt(double(n))));
}

TEST_CASE("A row's base point and time are those of its number, whatever the mini-batch", "[train][matching]") {
  auto flow = small_flow({5}, 0);
  const FlowMatching matching(flow);
  const Batch<double> X = numbers(1, 2, 6);
  double sum = 0;
  for (Index j = 0; j < 6; ++j) sum += loss_of(matching, X.col(j), {}, j).loss / 6;
  CHECK(loss_of(matching, X).loss == Approx(sum).epsilon(1e-13));
  CHECK(loss_of(matching, X, {}, 1).loss != Approx(sum).epsilon(1e-6));
}

TEST_CASE("Transport exchanges base points among rows of one label and of one weight alone", "[train][matching]") {
  // Two labels, at the left and at the right of the base: without a look at labels each would get its side of it.
  const Index n = 60;
  Batch<double> X = numbers(1, 3, n);
  Vector<double> weights(n);
  for (Index j = 0; j < n; ++j) {
    X(2, j) = j % 3 == 0 ? 1 : -1;
    X(0, j) += 5 * X(2, j);
    weights(j) = j % 2 == 0 ? 1 : 3;
  }
  const auto base_points = [&](const auto& matching, const Batch<double>& rows, const Vector<double>& of_rows) {
    typename std::remove_cvref_t<decltype(matching)>::Memory memory;
    MatchingLoss<double> result;
    matching.value_and_gradient(rows, ids(n), of_rows, Draw{3, 1}, memory, result);
    return std::pair(memory.E, memory.E_drawn);
  };
  const auto chosen = [&](const Batch<double>& all, const auto& choose) {
    Batch<double> some(2, 0);
    for (Index j = 0; j < n; ++j)
      if (choose(j)) {
        some.conservativeResize(2, some.cols() + 1);
        some.col(some.cols() - 1) = all.col(j);
      }
    return some;
  };
  const auto labelled = [&](Index j) { return X(2, j) > 0; };
  const auto heavy = [&](Index j) { return weights(j) > 1; };

  auto conditional = small_flow({5}, 1);
  auto plain = small_flow({5}, 0);
  const auto [E, drawn] = base_points(FlowMatching(conditional, OptimalTransport{}), X, {});
  CHECK(E != drawn);
  CHECK(same_columns(chosen(E, labelled), chosen(drawn, labelled)));
  const auto [by_weight, drawn_too] = base_points(FlowMatching(plain, OptimalTransport{}), X.topRows(2), weights);
  CHECK(drawn_too == drawn);
  CHECK(by_weight != drawn);
  CHECK(same_columns(chosen(by_weight, heavy), chosen(drawn, heavy)));
  // What the labels prevent: all exchange, and those at the right get the right side.
  const auto [mixed, again] = base_points(FlowMatching(plain, OptimalTransport{}), X.topRows(2), {});
  CHECK(same_columns(mixed, drawn));
  CHECK_FALSE(same_columns(chosen(mixed, labelled), chosen(drawn, labelled)));
  CHECK(chosen(mixed, labelled).row(0).mean() > chosen(drawn, labelled).row(0).mean() + 0.5);
}

TEST_CASE("Flow matching has the same bits for any number of threads, and allocates in the first iteration alone",
          "[train][matching][threads]") {
  const Batch<double> X = numbers(1, 2, 50);
  auto alone = small_flow({5}, 0, 1, 7), together = small_flow({5}, 0, 3, 7);
  const FlowMatching matching(alone, OptimalTransport{}), by_threads(together, OptimalTransport{});
  const MatchingLoss<double> expected = loss_of(matching, X), got = loss_of(by_threads, X);
  CHECK(got.solves == 8);
  CHECK(got.loss == expected.loss);
  CHECK(got.gradient == expected.gradient);

  std::remove_const_t<decltype(matching)>::Memory memory;
  MatchingLoss<double> result;
  const std::vector<Index> samples = ids(50);
  matching.value_and_gradient(X, samples, Draw{3, 1}, memory, result);
  const AllocationCounter counter;
  matching.value_and_gradient(X, samples, Draw{3, 2}, memory, result);
  if (AllocationCounter::available) CHECK(counter.count() == 0);
}

TEST_CASE("Flow matching happens in the coordinates of the data transform, with the flow's own base density",
          "[train][matching]") {
  // Whole numbers, so that both ways have the same bits: raw data 8 + 4 z.
  const Batch<double> Z = numbers(1, 2, 8), X = 8 + 4 * Z.array();
  Rng rng(6);
  const Mlp<double, Tanh> field(2, {5}, rng);
  const DiagonalGaussian base(Eigen::Vector2d(1, -1), Eigen::Vector2d(2, 0.5));
  Cnf raw(field, base, Threads{1},
          Standardize(Eigen::Vector2d::Constant(8).eval(), Eigen::Vector2d::Constant(4).eval()));
  Cnf plain(field, base, Threads{1});
  CHECK(loss_of(FlowMatching(raw), X).loss == Approx(loss_of(FlowMatching(plain), Z).loss).epsilon(1e-12));
  Cnf normal(field, Threads{1});
  CHECK(loss_of(FlowMatching(normal), Z).loss != Approx(loss_of(FlowMatching(plain), Z).loss).epsilon(1e-2));
}
