// Bugs that other libraries of flows have had, each as a test named after what went wrong there.
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <cmath>

using namespace pathline;

namespace {

Batch<double> data(Index d, Index n) {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  return X;
}

/// z' = M z.
Network<Linear<double>> linear_field(const Eigen::MatrixXd& M) {
  Rng rng(1);
  Network<Linear<double>> field(Linear<double>(M.rows(), M.rows(), 0), rng);
  field.parameters().setZero();
  field.parameters().head(M.size()) = M.reshaped();
  return field;
}

}  // namespace

TEST_CASE("The Jacobian's diagonal is not its first column", "[flow][traps]") {
  // FFJORD took the diagonal of a d x d matrix with a stride of d: column 0.
  Eigen::MatrixXd M(3, 3);
  M << 0.1, 5, 7, -11, 0.2, 13, 17, -19, 0.4;
  M *= 0.1;
  const Cnf flow(linear_field(M), Tsit5{}, PiController{.rtol = 1e-11, .atol = 1e-11});
  const Batch<double> X = data(3, 5), Z = flow.transform(X);
  for (Index i = 0; i < 5; ++i)
    CHECK(flow.log_prob(X)(i) ==
          Approx(-0.5 * Z.col(i).squaredNorm() - 1.5 * std::log(2 * M_PI) + M.trace()).epsilon(1e-9));
}

TEST_CASE("An estimate does not depend on the number of probes where each of them is exact", "[flow][traps]") {
  // Summed instead of averaged, k probes give k times the trace. Rademacher noise is exact for a diagonal Jacobian.
  const Cnf flow(linear_field(Eigen::Vector3d(0.3, -0.2, 0.7).asDiagonal()));
  const Batch<double> X = data(3, 4);
  for (const Index probes : {1, 2, 7})
    CHECK((flow.log_prob(X, Hutchinson<Rademacher>{.probes = probes}, 9) - flow.log_prob(X)).cwiseAbs().maxCoeff() <
          1e-12);
}

TEST_CASE("The log-determinant starts at 0 on the way back, too", "[flow][traps]") {
  // OT-Flow's integrator padded it with the time at which it starts, which is 1 there.
  Rng rng(2);
  const Cnf flow(Mlp<double, Tanh>(2, {8}, rng), PiController{.rtol = 1e-9, .atol = 1e-9},
                 TimeSpan{.data = 0, .base = 1});
  const auto drawn = flow.sample_with_log_prob(20, rng);
  CHECK((drawn.log_prob - flow.log_prob(drawn.samples)).cwiseAbs().maxCoeff() < 1e-6);
}

TEST_CASE("A flow of augmented dimensions is refused, instead of giving the density of data and padding",
          "[flow][traps]") {
  // ContinuousNormalizingFlows.jl pads by default, and its log_prob is then the joint density at (x, 0).
  Rng rng(2);
  const Cnf augmented(Mlp<double, Tanh>(2 + 1, {8}, rng));
  CHECK_THROWS_WITH(augmented.log_prob(data(2, 4)), "Cnf::log_prob: data has 2 rows, expected 3");
}
