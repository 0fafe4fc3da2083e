#include <pathline/flow/augmented_dynamics.hpp>

#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <array>
#include <span>
#include <tuple>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index d = 3, n = 2;

/// Reads Z, F and JV, so that every cotangent of a path point is used: ∫ Σ_j ‖J v_j‖² + f₁³ + z₂².
struct ReadsEverything {
  double weight = 1;
  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    cost = at.F.row(0).array().cube() + at.Z.row(1).array().square();
    for (Index j = 0; j < at.tangents(); ++j)
      cost += at.JV.middleCols(j * at.samples(), at.samples()).colwise().squaredNorm();
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    bar.Z.row(1).array() += Scalar(2) * at.Z.row(1).array() * cost_bar.array();
    bar.F.row(0).array() += Scalar(3) * at.F.row(0).array().square() * cost_bar.array();
    for (Index j = 0; j < at.tangents(); ++j)
      bar.JV.middleCols(j * at.samples(), at.samples()).array() +=
          at.JV.middleCols(j * at.samples(), at.samples()).array().rowwise() * (Scalar(2) * cost_bar.array());
  }
};

struct Problem {
  using FieldType = Mlp<double, Tanh>;
  using G = AugmentedDynamics<FieldByTangents<FieldType>, KineticEnergy, ReadsEverything>;

  Rng rng{4};
  FieldType field{d, {5, 4}, rng};
  std::tuple<KineticEnergy, ReadsEverything> regularizers;
  Hutchinson<Gaussian> trace{.probes = 2};
  Workspace<double> workspace;
  std::array<double, 2> weights{0.5, 0.5};
  Eigen::MatrixXd V{d, 2 * n};
  Batch<double> y{d + 3, n};
  double t = 0.3;

  Problem() {
    const std::vector<Index> samples{0, 1};
    trace.fill(rng.draw(), std::span<const Index>(samples), BatchMap<double>(V.data(), d, 2 * n), workspace);
    fill<Gaussian>(rng.draw(), 0, y);
  }
  [[nodiscard]] G dynamics(const FieldType& of) {
    return G(FieldByTangents<FieldType>(of, BatchMap<double>(V.data(), d, 2 * n), weights.data(), n), regularizers);
  }
  [[nodiscard]] Batch<double> evaluate(const FieldType& of, const Batch<double>& at, double time) {
    const G g = dynamics(of);
    Vector<double> tape(g.tape_size());
    Batch<double> dy(d + 3, n);
    g.evaluate(time, at, dy, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
    return dy;
  }
  [[nodiscard]] Eigen::MatrixXd f(const Eigen::MatrixXd& z) {
    Vector<double> tape(field.tape_size(z.cols(), 0));
    Eigen::MatrixXd F(d, z.cols());
    field.linearize(Eigen::MatrixXd::Constant(1, 1, t), z, z.cols(), F,
                    std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
    return F;
  }
};
static_assert(Dynamics<Problem::G>);

}  // namespace

TEST_CASE("AugmentedDynamics: every row agrees with a naive statement by explicit Jacobians", "[flow][dynamics]") {
  Problem problem;
  const Batch<double> dy = problem.evaluate(problem.field, problem.y, problem.t);
  for (Index sample = 0; sample < n; ++sample) {
    const Eigen::VectorXd z = problem.y.col(sample).head(d), F = problem.f(z);
    Eigen::MatrixXd J(d, d);  // by differences
    for (Index j = 0; j < d; ++j) {
      const Eigen::VectorXd h = 1e-6 * Eigen::VectorXd::Unit(d, j);
      J.col(j) = (problem.f(z + h) - problem.f(z - h)) / 2e-6;
    }
    double trace = 0, norm = 0;
    for (Index j = 0; j < 2; ++j) {
      const Eigen::VectorXd v = problem.V.col(j * n + sample), Jv = J * v;
      trace += 0.5 * v.dot(Jv);
      norm += Jv.squaredNorm();
    }
    CHECK((dy.col(sample).head(d) - F).norm() < 1e-15);
    CHECK(dy(d, sample) == Approx(trace).margin(1e-8));
    CHECK(dy(d + 1, sample) == Approx(0.5 * F.squaredNorm()).epsilon(1e-14));
    CHECK(dy(d + 2, sample) == Approx(norm + std::pow(F(0), 3) + z(1) * z(1)).margin(1e-8));
  }
}

TEST_CASE("AugmentedDynamics: those of the path alone are its rows of z, and what is left of its pullback",
          "[flow][dynamics]") {
  Problem problem;
  const Problem::G g = problem.dynamics(problem.field);
  const auto path = g.path_dynamics();
  static_assert(HasPathDynamics<Problem::G> && Dynamics<decltype(path)>);
  REQUIRE(path.rows() == d);
  REQUIRE(path.parameter_count() == g.parameter_count());
  const Batch<double> dy = problem.evaluate(problem.field, problem.y, problem.t);
  Vector<double> tape(path.tape_size()), of_all(g.tape_size());
  const std::span<double> slot(tape.data(), std::size_t(tape.size())), all(of_all.data(), std::size_t(of_all.size()));
  Batch<double> F(d, n), same(d + 3, n);
  path.evaluate(problem.t, problem.y.topRows(d), F, slot, problem.workspace);
  CHECK((F - dy.topRows(d)).lpNorm<Eigen::Infinity>() < 1e-15);

  g.evaluate(problem.t, problem.y, same, all, problem.workspace);
  Batch<double> bar = problem.y, path_bar(d, n), expected(d, n);
  bar.bottomRows(3).setZero();  // no cotangents of quadratures
  Vector<double> theta_bar = Vector<double>::Zero(g.parameter_count()), expected_theta = theta_bar;
  double t_bar = 0, expected_t = 0;
  path.pullback(problem.t, slot, bar.topRows(d), path_bar, theta_bar, t_bar, problem.workspace);
  g.pullback(problem.t, all, bar, expected, expected_theta, expected_t, problem.workspace);
  CHECK(max_difference(path_bar, expected) < 1e-14);
  CHECK(max_difference(theta_bar, expected_theta) < 1e-14);
  CHECK(t_bar == Approx(expected_t).epsilon(1e-13));
}

TEST_CASE("AugmentedDynamics: without regularizers a solve lends no tape to the field", "[flow][dynamics]") {
  using OnPath = FieldByTangents<Problem::FieldType>;
  Problem problem;
  const OnPath on_path(problem.field, BatchMap<double>(problem.V.data(), d, 2 * n), problem.weights.data(), n);
  const std::tuple<> none;
  const AugmentedDynamics<OnPath> dynamics(on_path, none);
  CHECK(dynamics.evaluation_tape_size() < dynamics.tape_size());
  CHECK(problem.dynamics(problem.field).evaluation_tape_size() == problem.dynamics(problem.field).tape_size());
  Batch<double> dy(d + 1, n);
  SolverRightHandSide<AugmentedDynamics<OnPath>>{dynamics, problem.workspace}(problem.t, problem.y.topRows(d + 1), dy);
  const Batch<double> expected = problem.evaluate(problem.field, problem.y, problem.t).topRows(d + 1);
  CHECK((dy - expected).lpNorm<Eigen::Infinity>() < 1e-14);
}

TEST_CASE("AugmentedDynamics: an evaluation by the trace that the field knows is one by d tangents",
          "[flow][dynamics]") {
  using OnPath = FieldByTangents<Problem::FieldType>;
  using G = AugmentedDynamics<OnPath>;
  Problem problem;
  CHECK(detail::needs_no_tangents<ExactTrace>(problem.field));
  CHECK_FALSE(detail::needs_no_tangents<Hutchinson<>>(problem.field));
  const std::tuple<> none;
  const SideInputs<double> side;
  const Batch<double> y = problem.y.topRows(d + 1);
  std::array<Batch<double>, 2> dy{Batch<double>(d + 1, n), Batch<double>(d + 1, n)};
  const auto run = [&](Batch<double>& to) {
    return [&](const OnPath& on_path) {
      const G dynamics(on_path, none);
      SolverRightHandSide<G>{dynamics, problem.workspace}(problem.t, y, to);
    };
  };
  const std::span<const Index> samples;
  detail::with_field_on_path(problem.field, ExactTrace{}, Draw{}, samples, side, 0, y.topRows(d), problem.workspace,
                             run(dy[0]));
  detail::with_field_to_evaluate(problem.field, ExactTrace{}, Draw{}, samples, side, 0, y.topRows(d), problem.workspace,
                                 run(dy[1]));
  // Sums of at most 20 products, in another order.
  CHECK((dy[0] - dy[1]).lpNorm<Eigen::Infinity>() < 1e-14);
}

TEST_CASE("AugmentedDynamics: quadrature rows do not feed back", "[flow][dynamics]") {
  Problem problem;
  Batch<double> other = problem.y;
  other.bottomRows(3).setConstant(1e9);
  CHECK(problem.evaluate(problem.field, problem.y, 0.3) == problem.evaluate(problem.field, other, 0.3));
}

TEST_CASE("AugmentedDynamics is a function: the same call gives the same bits", "[flow][dynamics]") {
  // DiffEqFlux drew its noise inside of the right-hand side.
  Problem problem;
  CHECK(problem.evaluate(problem.field, problem.y, 0.3) == problem.evaluate(problem.field, problem.y, 0.3));
}

TEST_CASE("AugmentedDynamics: pullback agrees with central differences", "[flow][dynamics][gradient]") {
  Problem problem;
  const auto g = problem.dynamics(problem.field);
  Vector<double> tape(g.tape_size());
  const std::span<double> slab(tape.data(), std::size_t(tape.size()));
  Batch<double> dy(d + 3, n), dy_bar(d + 3, n), path_bar(d, n);
  fill<Gaussian>(problem.rng.draw(), 0, dy_bar);
  g.evaluate(problem.t, problem.y, dy, slab, problem.workspace);
  Vector<double> theta_bar = Vector<double>::Zero(g.parameter_count());
  double t_bar = 0;
  g.pullback(problem.t, slab, dy_bar, path_bar, theta_bar, t_bar, problem.workspace);

  const auto product = [&](const Problem::FieldType& field, const Batch<double>& y, double t) {
    return problem.evaluate(field, y, t).cwiseProduct(dy_bar).sum();
  };
  CHECK(max_difference(theta_bar, central_differences(
                                      [&](const Vector<double>& theta) {
                                        Problem::FieldType moved = problem.field;
                                        moved.parameters() = theta;
                                        return product(moved, problem.y, problem.t);
                                      },
                                      problem.field.parameters())) < 1e-8);
  CHECK(max_difference(path_bar.reshaped(), central_differences(
                                                [&](const Vector<double>& z) {
                                                  Batch<double> y = problem.y;
                                                  y.topRows(d) = Eigen::Map<const Batch<double>>(z.data(), d, n);
                                                  return product(problem.field, y, problem.t);
                                                },
                                                problem.y.topRows(d).reshaped())) < 1e-8);
  const Vector<double> time =
      central_differences([&](const Vector<double>& t) { return product(problem.field, problem.y, t(0)); },
                          Vector<double>::Constant(1, problem.t));
  CHECK(t_bar == Approx(time(0)).epsilon(1e-7));
}
