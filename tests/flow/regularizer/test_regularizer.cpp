#include <pathline/flow/path/path_acceleration.hpp>
#include <pathline/flow/path/path_jerk.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/flow/regularizer/acceleration_and_jerk.hpp>
#include <pathline/flow/regularizer/hamilton_jacobi_bellman.hpp>
#include <pathline/flow/regularizer/jacobian_norm.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/regularizer/regularizer.hpp>

#include <pathline/nn/mlp.hpp>
#include <pathline/nn/potential/potential.hpp>

#include <support/regularizer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

/// A field of three rows that reads time and two rows of context.
Mlp<double, Tanh> conditional_field() {
  Rng rng(9);
  return Mlp<double, Tanh>(3, {6, 5}, rng, 3);
}

/// A program's own cost, ∫ z''·f dt, the power along the path: this struct is all that it takes.
struct Power {
  static constexpr PathQuantities needs{.acceleration = true};
  double weight = 1.0;
  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    cost = at.acceleration.cwiseProduct(at.F).colwise().sum();
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    bar.F.array() += at.acceleration.array().rowwise() * cost_bar.array();
    bar.acceleration.array() += at.F.array().rowwise() * cost_bar.array();
  }
};
static_assert(FlowPolicy<Power> && IsRegularizer<Power>::value);

static_assert(Regularizer<JacobianNorm> && Regularizer<HamiltonJacobiBellman> && Regularizer<DirectionalDerivative>);
static_assert(detail::all_needs<KineticEnergy, JacobianNorm>.tangents);
static_assert(!detail::all_needs<KineticEnergy>.tangents && !detail::all_needs<>.acceleration);

}  // namespace

TEST_CASE("KineticEnergy obeys the law of regularizers", "[flow][regularizers]") {
  check_regularizer_laws(conditional_field(), KineticEnergy{}, [](const auto& p, Index i, const Eigen::VectorXd& z) {
    return 0.5 * field_at(p.field, p.t, z, p.context_of(i)).squaredNorm();
  });
}

TEST_CASE("JacobianNorm obeys the law of regularizers", "[flow][regularizers]") {
  check_regularizer_laws(conditional_field(), JacobianNorm{}, [](const auto& p, Index i, const Eigen::VectorXd& z) {
    const Eigen::MatrixXd J = jacobian_at(p.field, p.t, z, p.context_of(i));
    double sum = 0;
    for (Index j = 0; j < p.k; ++j) sum += p.weights(j) * (J * p.V.col(j * p.n + i)).squaredNorm();
    return sum;
  });
}

TEST_CASE("DirectionalDerivative obeys the law of regularizers", "[flow][regularizers]") {
  check_regularizer_laws(
      conditional_field(), DirectionalDerivative{}, [](const auto& p, Index i, const Eigen::VectorXd& z) {
        constexpr double h = 1e-6;
        const Eigen::VectorXd c = p.context_of(i), f = field_at(p.field, p.t, z, c);
        const Eigen::VectorXd f_t = (field_at(p.field, p.t + h, z, c) - field_at(p.field, p.t - h, z, c)) / (2 * h);
        return (f_t + jacobian_at(p.field, p.t, z, c) * f).squaredNorm();
      });
}

TEST_CASE("A program's own regularizer obeys the law, and reads what it needs", "[flow][regularizers]") {
  check_regularizer_laws(conditional_field(), Power{}, [](const auto& p, Index i, const Eigen::VectorXd& z) {
    constexpr double h = 1e-6;
    const Eigen::VectorXd c = p.context_of(i), f = field_at(p.field, p.t, z, c);
    return f.dot(field_at(p.field, p.t + h, z + h * f, c) - field_at(p.field, p.t - h, z - h * f, c)) / (2 * h);
  });
}

TEST_CASE("Jerk obeys the law of regularizers", "[flow][regularizers]") {
  check_regularizer_laws(conditional_field(), Jerk{}, [](const auto& p, Index i, const Eigen::VectorXd& z) {
    // d/dt of the acceleration along (1, f), by differences of the exact directional derivative.
    const Eigen::VectorXd c = p.context_of(i);
    const auto acceleration = [&](double t, const Eigen::VectorXd& at) -> Eigen::VectorXd {
      Workspace<double> workspace;
      Eigen::MatrixXd S(3, 2), X(3, 2), Y(3, 2);
      S << t, 1, c(0), 0, c(1), 0;
      X << at, field_at(p.field, t, at, c);
      Vector<double> tape(p.field.tape_size(1, 1));
      p.field.linearize(S, X, 1, Y, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
      return Y.col(1);
    };
    constexpr double h = 1e-5;
    const Eigen::VectorXd f = field_at(p.field, p.t, z, c);
    return ((acceleration(p.t + h, z + h * f) - acceleration(p.t - h, z - h * f)) / (2 * h)).eval().squaredNorm();
  });
}

TEST_CASE("HamiltonJacobiBellman obeys the law of regularizers, and reads the potential's rate",
          "[flow][regularizers]") {
  const Index d = GENERATE(2, 4);
  Rng rng(5);
  using F = Network<Potential<double>>;
  const F field(Potential<double>(d, 6, 2), rng);
  const auto phi = [&](double t, const Eigen::VectorXd& z) {
    Workspace<double> workspace;
    Row<double> value(1);
    field.layer().value(field.parameters(), Eigen::MatrixXd::Constant(1, 1, t), z, value, workspace);
    return value(0);
  };
  check_regularizer_laws(
      RegularizerProblem<F>{.field = field}, HamiltonJacobiBellman{},
      [](const F& of, const RegularizerProblem<F>& problem) { return FieldInClosedForm<F>(of, problem.n); },
      [&](const auto& p, Index, const Eigen::VectorXd& z) {
        constexpr double h = 1e-6;
        const double rate = (phi(p.t + h, z) - phi(p.t - h, z)) / (2 * h);
        double speed = 0;
        for (Index j = 0; j < d; ++j) {
          const Eigen::VectorXd step = h * Eigen::VectorXd::Unit(d, j);
          speed += std::pow((phi(p.t, z + step) - phi(p.t, z - step)) / (2 * h), 2);
        }
        return std::abs(rate - 0.5 * speed);
      });
}

TEST_CASE("The sign of the HJB term: zero on straight paths of constant speed", "[flow][regularizers]") {
  // Φ = -x²/2(t+c) solves ∂Φ/∂t = ½‖∇Φ‖²: both are x²/2(t+c)². With a plus between them nothing would vanish.
  const double x = 0.7, t = 0.2, c = 1.5;
  const double rate = x * x / (2 * (t + c) * (t + c)), velocity = x / (t + c);
  Batch<double> F(1, 1), P(1, 1), Z(1, 1);
  F << velocity;
  P << rate;
  Z << x;
  using Block = PathPoint<double>::Block;
  const auto block = [](const Batch<double>& X) { return Block(X.data(), 1, 1, Eigen::OuterStride<>(1)); };
  PathPoint<double> at{.t = t,
                       .Z = block(Z),
                       .F = block(F),
                       .V = PathPoint<double>::none(),
                       .JV = PathPoint<double>::none(),
                       .weights = nullptr,
                       .potential_rate = block(P)};
  Row<double> cost(1);
  HamiltonJacobiBellman{}.evaluate(at, RowRef<double>(cost));
  CHECK(cost(0) < 1e-15);
}
