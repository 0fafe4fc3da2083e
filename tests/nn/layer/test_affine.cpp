#include <pathline/nn/layer/affine.hpp>

#include <pathline/core/chunks.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("Affine: parameters are [U | W | b], column-major", "[nn]") {
  const Affine<double> affine(2, 3, 2);
  CHECK(affine.parameter_count() == 3 * (2 + 2 + 1));
  Vector<double> theta(15);
  theta << 1, 2, 3, /* U */ 4, 5, 6, 7, 8, 9, /* W */ 10, 11, 12, 13, 14, 15 /* b */;
  const Eigen::Vector2d s(0.5, -1), x(2, 3), v(1, -1);
  Batch<double> X(2, 2), A(3, 2);
  X << x, v;
  Workspace<double> workspace;
  affine.apply(theta, s, X, 1, A, workspace);
  for (Index i = 0; i < 3; ++i) {
    // Small integers and halves: exact.
    CHECK(A(i, 0) == theta(i) * 0.5 - theta(3 + i) + theta(6 + i) * 2 + theta(9 + i) * 3 + theta(12 + i));
    CHECK(A(i, 1) == theta(6 + i) - theta(9 + i));
  }
}

// Each product that a layer's sizes may ask for: few rows, tiles, and one for all columns.
TEST_CASE("Affine: maps and cotangents of all sizes are those of matrices", "[nn][gradient]") {
  const auto [in, out] = GENERATE(table<Index, Index>({{3, 20}, {20, 3}, {4, 5}, {20, 30}, {70, 66}}));
  const Index side = in == 20 ? 1 : in == 4 ? 0 : 2, n = 5;
  const Index columns = GENERATE(1, 5, 15);  // of S: shared, one a sample, with two tangents
  INFO(in << " to " << out << ", " << columns << " columns of side inputs");
  const Affine<double> affine(in, out, side);
  const Vector<double> theta = gaussian(0, affine.parameter_count(), 1, 0.2), b = theta.tail(out);
  const Batch<double> U = theta.head(out * side).reshaped(out, side),
                      W = theta.segment(out * side, out * in).reshaped(out, in), S = gaussian(1, side, columns),
                      X = gaussian(2, in, 3 * n), A_bar = gaussian(3, out, 3 * n);
  Workspace<double> workspace;
  Batch<double> A = Batch<double>::Constant(out, 3 * n, not_a_number), moving = Batch<double>::Zero(side, 3 * n);
  moving.leftCols(columns) = S;
  if (columns == 1) moving.leftCols(n) = S.replicate(1, n);
  affine.apply(theta, S, X, n, A, workspace);
  Batch<double> expected = W * X + U * moving;
  expected.leftCols(n).colwise() += b;
  // Sums of at most 73 products, some above 10: 1e-13 is 50 ulps of that.
  CHECK((A - expected).lpNorm<Eigen::Infinity>() < 1e-13);

  Batch<double> X_bar = Batch<double>::Constant(in, 3 * n, not_a_number), S_bar = Batch<double>::Ones(side, columns);
  Vector<double> theta_bar = Vector<double>::Ones(theta.size()), expected_bar = theta_bar;
  affine.pullback(theta, S, X, n, A_bar, X_bar, S_bar, theta_bar, workspace);
  expected_bar.head(out * side) += (A_bar * moving.transpose()).reshaped();
  expected_bar.segment(out * side, out * in) += (A_bar * X.transpose()).reshaped();
  expected_bar.tail(out) += A_bar.leftCols(n).rowwise().sum();
  CHECK((theta_bar - expected_bar).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((X_bar - W.transpose() * A_bar).lpNorm<Eigen::Infinity>() < 1e-13);
  const Batch<double> moving_bar = U.transpose() * A_bar;
  Batch<double> expected_S_bar = moving_bar.leftCols(columns);
  if (columns == 1) expected_S_bar = moving_bar.leftCols(n).rowwise().sum();
  CHECK((S_bar - expected_S_bar).array().isApprox(Eigen::ArrayXXd::Ones(side, columns), 1e-12));
}

TEST_CASE("Affine: shared side inputs are side inputs that are the same for each sample", "[nn]") {
  const Affine<double> affine(3, 4, 2);
  const Vector<double> theta = gaussian(0, affine.parameter_count(), 1);
  const Batch<double> s = gaussian(1, 2, 1), X = gaussian(2, 3, 10), A_bar = gaussian(3, 4, 10);
  const Batch<double> S = s.replicate(1, 5);
  Batch<double> shared(4, 10), each(4, 10);
  Workspace<double> workspace;
  affine.apply(theta, s, X, 5, shared, workspace);
  affine.apply(theta, S, X, 5, each, workspace);
  CHECK((shared - each).lpNorm<Eigen::Infinity>() < 1e-14);  // the same four products, added in another order

  Batch<double> X_bar(3, 10), s_bar = Batch<double>::Zero(2, 1), S_bar = Batch<double>::Zero(2, 5);
  Vector<double> theta_bar = Vector<double>::Zero(theta.size()), theta_bar_each = theta_bar;
  affine.pullback(theta, s, X, 5, A_bar, X_bar, s_bar, theta_bar, workspace);
  affine.pullback(theta, S, X, 5, A_bar, X_bar, S_bar, theta_bar_each, workspace);
  // Sums of at most 20 terms of order one.
  CHECK((s_bar - S_bar.rowwise().sum()).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((theta_bar - theta_bar_each).lpNorm<Eigen::Infinity>() < 1e-13);
}

TEST_CASE("Affine: side inputs that move add U s to a tangent, and the bias moves nothing", "[nn]") {
  const Affine<double> affine(3, 2, 1);
  const Vector<double> theta = gaussian(0, affine.parameter_count(), 1);
  const Batch<double> S = gaussian(1, 1, 15), X = gaussian(2, 3, 15);
  Batch<double> moving(2, 15), resting(2, 15);
  Workspace<double> workspace;
  affine.apply(theta, S, X, 5, moving, workspace);
  affine.apply(theta, S.leftCols(5), X, 5, resting, workspace);
  CHECK((moving - resting).leftCols(5).lpNorm<Eigen::Infinity>() < 1e-14);
  CHECK((moving - resting - theta.head(2) * S).rightCols(10).lpNorm<Eigen::Infinity>() < 1e-14);
}

TEST_CASE("Affine allocates nothing, whatever the shape of the side inputs", "[nn][allocations]") {
  const Affine<double> affine(3, 64, 2);
  const Vector<double> theta = gaussian(0, affine.parameter_count(), 1);
  const Batch<double> X = gaussian(1, 3, 120), all = gaussian(2, 2, 120);
  Batch<double> A(64, 120), X_bar(3, 120), S_bar = Batch<double>::Zero(2, 120);
  Vector<double> theta_bar = Vector<double>::Zero(theta.size());
  Workspace<double> workspace;
  const auto both = [&](Index columns) {
    affine.apply(theta, all.leftCols(columns), X, 40, A, workspace);
    affine.pullback(theta, all.leftCols(columns), X, 40, A, X_bar, S_bar.leftCols(columns), theta_bar, workspace);
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  both(1);
  const AllocationCounter counter;
  for (const Index columns : {1, 40, 120}) both(columns);
  CHECK(counter.count() == 0);
}

TEST_CASE("Affine starts uniform on ±1/√(fan-in), side inputs counted, biases too", "[nn]") {
  const Affine<double> affine(60, 100, 4);
  const double bound = 1 / std::sqrt(64.0);
  Vector<double> theta(affine.parameter_count());
  Rng rng(3);
  affine.initialize(theta, rng);
  CHECK(rng.next() == 1);  // one draw
  const double n = double(theta.size());
  CHECK(theta.cwiseAbs().maxCoeff() < bound);
  CHECK(theta.cwiseAbs().maxCoeff() > 0.99 * bound);  // fails by chance with probability 0.99^6500 = 4e-29
  CHECK(theta.tail(100).cwiseAbs().maxCoeff() > 0.8 * bound);
  // Mean 0 and variance bound²/3; 5 standard errors: √(1/3n) and, with the fourth moment 1/5, √((1/5 - 1/9)/n).
  CHECK(std::abs(theta.mean()) < 5 * bound / std::sqrt(3 * n));
  CHECK(std::abs(theta.squaredNorm() / n - bound * bound / 3) < 5 * bound * bound * std::sqrt((0.2 - 1. / 9) / n));

  Vector<double> again(theta.size()), other(theta.size());
  Rng same_seed(3), other_seed(4);
  affine.initialize(again, same_seed);
  affine.initialize(other, other_seed);
  CHECK(again == theta);
  CHECK(other != theta);
}

TEST_CASE("Affine: a float starts where the double starts", "[nn]") {
  Vector<double> wide(12);
  Vector<float> narrow(12);
  Rng rng(5), same_seed(5);
  Affine<double>(2, 3, 1).initialize(wide, rng);
  Affine<float>(2, 3, 1).initialize(narrow, same_seed);
  CHECK((narrow.cast<double>() - wide).lpNorm<Eigen::Infinity>() < 3e-7);  // 2⁻²⁴ of Uniform, and float's own
}

TEST_CASE("Affine refuses sizes that make no map", "[nn][errors]") {
  CHECK_THROWS_AS(Affine<double>(0, 1, 0), ArgumentError);
  CHECK_THROWS_WITH(Affine<double>(-2, 1, 0), "Affine: number of inputs is -2, expected at least 1");
  CHECK_THROWS_WITH(Affine<double>(1, 0, 0), "Affine: number of outputs is 0, expected at least 1");
  CHECK_THROWS_WITH(Affine<double>(1, 1, -1), "Affine: number of side inputs is -1, expected at least 0");
}
