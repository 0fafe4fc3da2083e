#include <pathline/nn/potential/potential.hpp>

#include <benchmarks/workloads.hpp>
#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

using namespace pathline;

namespace {

/// θ of the workload: weight k is sin(k²) / √columns over K_0, K_1, A in this order, for A times √(6/(r + d + 1))
/// instead; w = 1 and biases 0.
Vector<double> otflow_parameters(Index d, Index m) {
  const detail::PotentialShape shape(d, m, 1);
  Vector<double> theta = Vector<double>::Zero(shape.count());
  const detail::PotentialParameters<double> p(shape, theta.data());
  std::uint64_t k = 1;
  const auto set = [&k](auto matrix, double scale) {
    for (Index i = 0; i < matrix.size(); ++i, ++k) matrix.data()[i] = scale * std::sin(double(k * k));
  };
  set(p.K(0), 1 / std::sqrt(double(d + 1)));
  set(p.K(1), 1 / std::sqrt(double(m)));
  set(p.A(), std::sqrt(6.0 / double(shape.rank() + d + 1)));
  p.w().setOnes();
  return theta;
}

/// Loss E + 30 NLL + R of the flow y = [z; ℓ; E; R] by eight equal steps of RK4, and the adjoint of these steps.
class OtFlowToy {
 public:
  explicit OtFlowToy(Index n)
      : n_(n),
        theta_(otflow_parameters(d, 32)),
        theta_bar_(Vector<double>::Zero(theta_.size())),
        Z_(workloads::inputs<double>(d, n)),
        out_(Index(d + 2), n),
        z_bar_(Index(d), n) {}

  void run() {
    Batch<double> y = Batch<double>::Zero(rows, n_);
    y.topRows(d) = Z_;
    std::vector<std::array<Batch<double>, 4>> states(steps);  // the inputs of the stages
    std::array<Batch<double>, 4> k;
    for (Index s = 0; s < steps; ++s) {
      auto& at = states[std::size_t(s)];
      for (std::size_t i = 0; i < 4; ++i) {
        at[i] = y;
        if (i > 0) at[i] += h * c[i] * k[i - 1];
        k[i] = evaluate(time(s, i), at[i]);
      }
      for (std::size_t i = 0; i < 4; ++i) y += h * b[i] * k[i];
    }
    energy = y.row(d + 1).mean();
    nll = 0.5 * y.topRows(d).squaredNorm() / double(n_) + 0.5 * double(d) * std::log(2 * std::numbers::pi) -
          y.row(d).mean();
    hjb = y.row(d + 2).mean();

    Batch<double> y_bar(rows, n_);
    y_bar.topRows(d) = 30 * y.topRows(d);
    y_bar.row(d).setConstant(-30);
    y_bar.bottomRows(2).setOnes();
    y_bar /= double(n_);
    for (Index s = steps - 1; s >= 0; --s) {
      // k_bar_i = h (b_i ȳ + c_{i+1} μ_{i+1}), μ_i = Jᵀ k_bar_i, ȳ += Σ μ_i.
      const Batch<double> end_bar = y_bar;
      Batch<double> mu = Batch<double>::Zero(rows, n_);
      for (std::size_t i = 4; i-- > 0;) {
        Batch<double> k_bar = h * b[i] * end_bar;
        if (i < 3) k_bar += h * c[i + 1] * mu;
        mu = pull_back(time(s, i), states[std::size_t(s)][i], k_bar);
        y_bar += mu;
      }
    }
    gradient_norm = theta_bar_.norm();
  }

  double energy = 0, nll = 0, hjb = 0, gradient_norm = 0;

 private:
  static constexpr Index d = 2, rows = d + 3, steps = 8;
  static constexpr double h = 1.0 / double(steps);
  static constexpr std::array<double, 4> b{1. / 6, 1. / 3, 1. / 3, 1. / 6}, c{0, 0.5, 0.5, 1};

  [[nodiscard]] static Batch<double> time(Index step, std::size_t stage) {
    return Batch<double>::Constant(1, 1, h * (double(step) + c[stage]));
  }
  [[nodiscard]] std::span<double> tape() {
    tape_.resize(potential_.trace_tape_size(n_));
    return {tape_.data(), std::size_t(tape_.size())};
  }

  Batch<double> evaluate(const Batch<double>& t, const Batch<double>& y) {
    potential_.evaluate_with_trace(theta_, t, y.topRows(d), out_, tape(), workspace_);
    Batch<double> dy(rows, n_);
    dy.topRows(d + 1) = out_.topRows(d + 1);
    dy.row(d + 1) = 0.5 * out_.topRows(d).colwise().squaredNorm();
    dy.row(d + 2) = (out_.row(d + 1) - dy.row(d + 1)).cwiseAbs();
    return dy;
  }
  /// Only z enters the right-hand side: the other rows of the result are zero.
  Batch<double> pull_back(const Batch<double>& t, const Batch<double>& y, const Batch<double>& dy_bar) {
    const Batch<double> dy = evaluate(t, y);
    Batch<double> out_bar(d + 2, n_), t_bar = Batch<double>::Zero(1, 1);
    const Row<double> sign_bar = dy_bar.row(d + 2).cwiseProduct((out_.row(d + 1) - dy.row(d + 1)).cwiseSign().eval());
    const Row<double> energy_bar = dy_bar.row(d + 1) - sign_bar;
    out_bar.topRows(d + 1) = dy_bar.topRows(d + 1);
    out_bar.topRows(d).array() += out_.topRows(d).array().rowwise() * energy_bar.array();
    out_bar.row(d + 1) = sign_bar;
    potential_.pullback_with_trace(theta_, t, y.topRows(d), tape(), out_bar, z_bar_, t_bar, theta_bar_, workspace_);
    Batch<double> result = Batch<double>::Zero(rows, n_);
    result.topRows(d) = z_bar_;
    return result;
  }

  Potential<double> potential_{d, 32, 1};
  Index n_;
  Vector<double> theta_, theta_bar_, tape_;
  Batch<double> Z_, out_, z_bar_;
  Workspace<double> workspace_;
};

}  // namespace

// Reference figures: PyTorch and JAX statements of the same workload, otflow_toy.
TEST_CASE("Potential agrees with PyTorch and JAX on otflow_toy, to all digits given", "[nn][peers]") {
  OtFlowToy toy(4096);
  toy.run();
  CHECK(toy.energy == Approx(4.17199115).epsilon(2e-9));
  CHECK(toy.nll == Approx(16.9194568).epsilon(5e-9));
  CHECK(toy.hjb == Approx(7.62238678).epsilon(2e-9));
  CHECK(toy.energy + 30 * toy.nll + toy.hjb == Approx(519.378083).epsilon(2e-9));
  CHECK(toy.gradient_norm == Approx(367.0313).epsilon(2e-7));
}
