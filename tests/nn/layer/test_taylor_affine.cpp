#include <pathline/nn/layer/taylor_affine.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("taylor_apply is W X + U S order by order, with the bias on the values alone", "[nn]") {
  const Index in = 3, out = 4, n = 5, side = GENERATE(0, 2), order = GENERATE(0, 1, 2), columns = (1 + order) * n;
  INFO("side = " << side << ", order " << order);
  const Affine<double> affine(in, out, side);
  const Batch<double> U = gaussian(0, out, side), W = gaussian(1, out, in), b = gaussian(2, out, 1);
  const Batch<double> S = gaussian(3, side, columns), X = gaussian(4, in, columns), A_bar = gaussian(5, out, columns);
  Vector<double> theta(affine.parameter_count());
  theta << U.reshaped(), W.reshaped(), b.reshaped();
  Workspace<double> workspace;

  Batch<double> A(out, columns), expected = W * X + U * S;
  expected.leftCols(n).colwise() += b.col(0);
  detail::taylor_apply<double>(affine, theta, S, X, n, A, workspace);
  // Sums of at most six terms of order one, perhaps in another order; below 20 terms of order ten.
  CHECK((A - expected).lpNorm<Eigen::Infinity>() < 1e-14);

  Batch<double> X_bar(in, columns), S_bar = Batch<double>::Zero(side, columns);
  Vector<double> theta_bar = Vector<double>::Zero(theta.size()), expected_bar = theta_bar;
  detail::taylor_apply_pullback<double>(affine, theta, S, X, n, A_bar, X_bar, S_bar, theta_bar, workspace);
  expected_bar << (A_bar * S.transpose()).reshaped(), (A_bar * X.transpose()).reshaped(),
      A_bar.leftCols(n).rowwise().sum();
  CHECK((X_bar - W.transpose() * A_bar).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((S_bar - U.transpose() * A_bar).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((theta_bar - expected_bar).lpNorm<Eigen::Infinity>() < 1e-13);
}
