#include <pathline/flow/cnf.hpp>

#include <pathline/nn/mlp.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;

namespace {

/// z' = M z: the flow is the matrix exponential, and the log-determinant the trace times the time.
struct LinearFlow {
  Eigen::Matrix2d M = (Eigen::Matrix2d() << 0.3, -0.8, 0.5, -0.7).finished();
  Mlp<double, Tanh> field = [this] {
    Rng rng(0);
    Mlp<double, Tanh> affine(2, {}, rng, 0);
    affine.parameters() << M.reshaped(), 0, 0;
    return affine;
  }();
  Batch<double> X = (Batch<double>(2, 3) << 1, -0.5, 2, 0.3, 1.5, -1).finished();

  /// e^(time M): with s half of M's trace, N = M - s I squares to -w² I, w² = det N > 0, and e^(N t) is
  /// cos(w t) I + sin(w t) / w N.
  [[nodiscard]] Batch<double> exponential(double time) const {
    const double s = 0.5 * M.trace(), w = std::sqrt(M(0, 0) * M(1, 1) - M(0, 1) * M(1, 0) - s * s);
    const Batch<double> I = Batch<double>::Identity(2, 2);
    return std::exp(s * time) * (std::cos(w * time) * I + std::sin(w * time) / w * (M - s * I));
  }
  [[nodiscard]] Row<double> log_prob(double time) const {
    const Batch<double> Z = exponential(time) * X;
    return (-0.5 * Z.colwise().squaredNorm()).array() - std::log(2 * std::numbers::pi) + time * M.trace();
  }
};

template <class Method>
auto control_for() {
  if constexpr (EmbeddedMethod<Method>)
    return PiController{.rtol = 1e-12, .atol = 1e-12, .max_steps = 100'000};
  else
    return FixedSteps(300);  // RK4: h⁴ / 120 = 1e-12
}

}  // namespace

TEMPLATE_TEST_CASE("A linear field's flow and log-determinant are those of the matrix exponential, to 1e-10",
                   "[flow][cnf]", Rk4, BogackiShampine, Dopri5, Tsit5) {
  const LinearFlow linear;
  const Cnf flow(linear.field, TestType{}, control_for<TestType>());
  CHECK((flow.log_prob(linear.X) - linear.log_prob(1)).cwiseAbs().maxCoeff() < 1e-10);
  const Batch<double> Z = flow.transform(linear.X);
  CHECK((Z - linear.exponential(1) * linear.X).cwiseAbs().maxCoeff() < 1e-10);
  CHECK((flow.inverse(Z) - linear.X).cwiseAbs().maxCoeff() < 1e-10);

  // Sampling with the density runs back in time: its log-determinant starts at 0 there (OT-Flow's started at 1).
  Rng rng(3);
  const auto [samples, log_prob] = flow.sample_with_log_prob(4, rng);
  CHECK((flow.log_prob(samples) - log_prob).cwiseAbs().maxCoeff() < 1e-10);
  Rng again(3);
  CHECK((flow.sample(4, again) - samples).cwiseAbs().maxCoeff() < 1e-10);
}

TEST_CASE("Data may stand at the later time", "[flow][cnf]") {
  const LinearFlow linear;
  const Cnf flow(linear.field, PiController{.rtol = 1e-12, .atol = 1e-12}, TimeSpan{.data = 1.5, .base = 0.25});
  CHECK((flow.log_prob(linear.X) - linear.log_prob(-1.25)).cwiseAbs().maxCoeff() < 1e-10);
}

TEST_CASE("A linear field's score is that of a normal distribution", "[flow][cnf][gradient]") {
  LinearFlow linear;
  // log p = -1/2 |e^M x|^2 + tr M + c: the score is -(e^M)^T e^M x. A field that is 0 leaves the base's, -x.
  const Batch<double> E = linear.exponential(1);
  Cnf flow(linear.field, Dopri5{}, control_for<Dopri5>());
  const auto [log_prob, score] = flow.log_prob_with_score(linear.X);
  CHECK((log_prob - linear.log_prob(1)).cwiseAbs().maxCoeff() < 1e-10);
  CHECK((score + E.transpose() * E * linear.X).cwiseAbs().maxCoeff() < 1e-10);
  CHECK(flow.score(linear.X) == score);
  flow.parameters().setZero();
  CHECK((flow.score(linear.X) + linear.X).cwiseAbs().maxCoeff() < 1e-15);
}

TEST_CASE("Implicit Euler evaluates a flow, at first order", "[flow][cnf]") {
  const LinearFlow linear;
  const auto error = [&](Index steps) {
    const Cnf flow(linear.field, ImplicitEuler{}, FixedSteps(steps));
    return (flow.log_prob(linear.X) - linear.log_prob(1)).cwiseAbs().maxCoeff();
  };
  CHECK(std::log2(error(40) / error(80)) == Approx(1).epsilon(0.05));
}

TEST_CASE("A stiff solver evaluates a flow by its tolerance, and says by how much it may err", "[flow][cnf]") {
  const LinearFlow linear;
  const Cnf flow(linear.field, Kvaerno5{}, PiController{.rtol = 1e-8, .atol = 1e-8});
  CHECK((flow.log_prob(linear.X) - linear.log_prob(1)).cwiseAbs().maxCoeff() < 1e-6);
  const auto bounded = flow.log_prob_with_error(linear.X, ExactTrace{}, 0, 1);
  CHECK((bounded.log_prob - linear.log_prob(1)).cwiseAbs().maxCoeff() < 1e-6);
  CHECK(bounded.solver_error.allFinite());
}
