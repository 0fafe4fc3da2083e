// The score of a flow's density along the path of its samples, against the score by a solve of its own.
#include <pathline/train/variational/score_dynamics.hpp>

#include <pathline/core/workspace.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/solve.hpp>

#include <support/catch.hpp>

#include <tuple>
#include <vector>

using namespace pathline;

TEST_CASE("From base points back to the data the state carries the score of the density", "[train][variational]") {
  using Field = Mlp<double, Tanh>;
  const Index d = 3, n = 4;
  Rng rng(5);
  Field field(d, {6}, rng);
  fill<Gaussian>(Draw{5, 1}, 0, field.parameters());
  field.parameters() *= 0.5;
  Batch<double> V = Batch<double>::Zero(d, d * n);  // the exact trace: unit vectors
  for (Index i = 0; i < d; ++i) V.block(i, i * n, 1, n).setOnes();
  const std::vector<double> weights(std::size_t(d), 1);
  const FieldByTangents<Field> on_path(field, View<const double>(V), weights.data(), n);
  const std::tuple<> costs;
  using Augmented = AugmentedDynamics<FieldByTangents<Field>>;
  const detail::ScoreDynamics<Augmented, Field> dynamics(on_path, costs, SideInputs<double>{});
  static_assert(Dynamics<detail::ScoreDynamics<Augmented, Field>>);
  REQUIRE(dynamics.rows() == 2 * d + 1);

  Batch<double> y = Batch<double>::Zero(2 * d + 1, n);
  fill<Gaussian>(Draw{5, 2}, 0, y.topRows(d));
  y.bottomRows(d) = -y.topRows(d);  // the score of N(0, I)
  Workspace<double> workspace;
  const SolverRightHandSide<detail::ScoreDynamics<Augmented, Field>> rhs{dynamics, workspace};
  y = solve(rhs, y, 1, 0, Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10});

  const Cnf flow(field, PiController{.rtol = 1e-10, .atol = 1e-10});
  const Batch<double> X = y.topRows(d);
  CHECK((y.bottomRows(d) - flow.score(X)).cwiseAbs().maxCoeff() < 1e-7);
  CHECK(y.bottomRows(d).cwiseAbs().maxCoeff() > 0.3);
  Row<double> log_base(n);
  StandardNormal{}.log_density(flow.transform(X), log_base);
  CHECK((flow.log_prob(X) - log_base + y.row(d)).cwiseAbs().maxCoeff() < 1e-7);
}
