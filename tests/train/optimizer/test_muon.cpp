#include <pathline/train/optimizer/muon.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/optimizer/hidden_matrices.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

static_assert(Optimizer<Muon>);

/// What five steps make of the singular value σ of a matrix of Frobenius norm 1.
double moved(double sigma) {
  for (int i = 0; i < 5; ++i) sigma = 3.4445 * sigma - 4.7750 * std::pow(sigma, 3) + 2.0315 * std::pow(sigma, 5);
  return sigma;
}

}  // namespace

TEST_CASE("Muon moves a matrix by steps with singular values near 1, and the rest as Adam does", "[train][muon]") {
  // One number, a matrix of 3 × 2 or 2 × 3 with the singular values |g1| and |g2|, and two numbers more.
  const bool tall = GENERATE(true, false);
  INFO((tall ? "tall" : "wide"));
  const Muon muon{
      .learning_rate = 0.5, .momentum = 0.9, .adam_share = 0.2, .matrices = {{1, tall ? 3 : 2, tall ? 2 : 3}}};
  muon.check();
  const double c = std::cos(0.7), s = std::sin(0.7);
  const auto matrix = [&](double a, double b) {  // diag(a, b) turned, a row or column of zeros beside it
    Batch<double> A = Batch<double>::Zero(tall ? 3 : 2, tall ? 2 : 3);
    A.topLeftCorner(2, 2) << a * c, b * s, -a * s, b * c;
    return A;
  };
  const auto gradient = [&](double a, double b) {
    Vector<double> g(9);
    g << 0.3, matrix(a, b).reshaped(), -2, 0;
    return g;
  };
  Vector<double> theta = Vector<double>::LinSpaced(9, -1, 1), by_adam = theta;
  const Vector<double> start = theta;
  OptimizerState<double> state, of_adam;
  const double shape = tall ? std::sqrt(1.5) : 1;
  Batch<double> expected = Eigen::Map<const Batch<double>>(start.data() + 1, tall ? 3 : 2, tall ? 2 : 3);
  double m1 = 0, m2 = 0;
  for (const auto& [a, b] : {std::pair(3., 1.), std::pair(-0.5, 2.)}) {
    state.step(muon, 0.5, gradient(a, b), theta);
    of_adam.step(Adam{}, 0.1, gradient(a, b), by_adam);
    m1 = 0.9 * m1 + a;
    m2 = 0.9 * m2 + b;
    const double d1 = a + 0.9 * m1, d2 = b + 0.9 * m2, norm = std::hypot(d1, d2);
    expected -= 0.5 * shape * matrix(moved(d1 / norm), moved(d2 / norm));
    CHECK((Eigen::Map<const Batch<double>>(theta.data() + 1, expected.rows(), expected.cols()) - expected).norm() <
          1e-12);
    for (const Index i : {0, 7, 8}) CHECK(theta(i) == by_adam(i));
  }
  CHECK(theta(8) == start(8));  // its gradient has always been 0
  double least = 2, greatest = 0;
  for (double sigma = 0.0016; sigma < 1; sigma += 1e-4) {
    least = std::min(least, moved(sigma));
    greatest = std::max(greatest, moved(sigma));
  }
  CHECK(least > 0.68);
  CHECK(greatest < 1.21);

  // A rank-one gradient moves one direction; the other one keeps its singular value 0.
  Vector<double> from_zero = Vector<double>::Zero(9);
  OptimizerState<double> one_direction;
  one_direction.step(muon, 0.5, gradient(2, 0), from_zero);
  CHECK((Eigen::Map<const Batch<double>>(from_zero.data() + 1, expected.rows(), expected.cols()) +
         0.5 * shape * matrix(moved(1), 0))
            .norm() < 1e-12);

  // Without a gradient nothing moves.
  Vector<double> still = start;
  OptimizerState<double> none;
  none.step(muon, 0.5, Vector<double>::Zero(9), still);
  CHECK(still == start);
}

TEST_CASE("hidden_matrices finds the weights between the first and the last layer", "[train][muon]") {
  Rng rng(1);
  const Mlp<double, Tanh> field(2, {3, 4, 5}, rng);  // 3 x (1 + 2) and 3, 4 x (1 + 3) and 4, 5 x (1 + 4) and 5, …
  CHECK(hidden_matrices(field) == std::vector<ParameterMatrix>{{12, 4, 4}, {32, 5, 5}});
  CHECK(hidden_matrices(Mlp<double, Tanh>(2, {3}, rng)).empty());

  // The network computes with exactly these matrices: the layers by hand, two of them read where hidden_matrices says.
  Mlp<double, Tanh> network(2, {3, 4, 5}, rng);
  std::vector<Batch<double>> weights;  // [U | W] of each layer, and its bias as the last column
  for (const auto& [rows, columns] : {std::pair(3, 4), std::pair(4, 5), std::pair(5, 6), std::pair(2, 7)}) {
    weights.emplace_back(rows, columns);
    fill<Gaussian>(rng.draw(), 0, weights.back());
  }
  Vector<double> theta = network.parameters();
  theta.head(12) = weights[0].reshaped();
  theta.tail(14) = weights[3].reshaped();
  const std::vector<ParameterMatrix> found = hidden_matrices(network);
  REQUIRE(found.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& [offset, rows, columns] = found[i];
    const Batch<double>& weight = weights[i + 1];
    REQUIRE(weight.cols() == columns + 1);
    Eigen::Map<Batch<double>>(theta.data() + offset, rows, columns) = weight.leftCols(columns);
    theta.segment(offset + rows * columns, rows) = weight.rightCols(1);
  }
  network.parameters() = theta;
  const double t = 0.3;
  const Batch<double> z{{0.4}, {-1.1}};
  Vector<double> expected = z;
  for (std::size_t i = 0; i < 4; ++i) {
    Vector<double> input(expected.size() + 2);
    input << t, expected, 1;
    expected = weights[i] * input;
    if (i < 3) expected = expected.array().tanh();
  }
  Batch<double> f(2, 1);
  Vector<double> tape(network.tape_size(1, 0));
  Workspace<double> workspace;
  network.linearize(Batch<double>::Constant(1, 1, t), z, 1, f, {tape.data(), std::size_t(tape.size())}, workspace);
  CHECK((f - expected).norm() < 1e-14);
}

TEST_CASE("Muon refuses settings and matrices that cannot be", "[train][muon][errors]") {
  CHECK_THROWS_WITH(Muon{}.check(),
                    "Muon: number of matrices is 0, expected at least 1: hidden_matrices(field), of a field with two "
                    "hidden layers or more");
  const std::vector<ParameterMatrix> two{{0, 2, 2}, {3, 2, 2}};
  CHECK_THROWS_WITH(Muon{.matrices = two}.check(),
                    "Muon: offset of a matrix is 3, expected at least 4, where the one before ends");
  const std::vector<ParameterMatrix> one{{2, 2, 2}}, flat{{0, 0, 2}};
  CHECK_THROWS_AS(Muon{.matrices = flat}.check(), ArgumentError);
  CHECK_THROWS_WITH((Muon{.momentum = 1, .matrices = one}).check(),
                    "Muon: momentum is 1, expected at least 0 and below 1");
  CHECK_THROWS_AS((Muon{.adam_share = 0, .matrices = one}).check(), ArgumentError);
  CHECK_THROWS_AS((Muon{.learning_rate = std::numeric_limits<double>::quiet_NaN(), .matrices = one}).check(),
                  ArgumentError);
  Vector<double> theta = Vector<double>::Zero(5);
  OptimizerState<double> state;
  CHECK_THROWS_WITH(state.step(Muon{.matrices = one}, 0.1, Vector<double>::Ones(5), theta),
                    "Muon: end of the last matrix is 6, expected at most 5, the number of parameters");
  CHECK(theta.isZero());
}
