// The passes against expressions that say the same a matrix at a time. Their part in gradients: test_potential.cpp.
#include <pathline/nn/potential/potential_passes.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::detail;

namespace {

Batch<double> wave(Index rows, Index columns, double phase) {
  Batch<double> X(rows, columns);
  for (Index i = 0; i < X.size(); ++i) X(i) = std::sin(1.7 * double(i) + phase);
  return X;
}

// Rounding of sums of a dozen products of numbers below one.
constexpr double tolerance = 1e-14;

template <class A, class B>
double distance(const A& a, const B& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

/// A further layer of m rows, d directions and n samples: P a block of n columns a direction.
struct OneLayer {
  Index m, d, n;
  Batch<double> T = wave(m, n, 0.1), S = wave(m, n, 0.7), z = wave(m, n, 1.3), P = wave(m, d*n, 2.1);
  double h = 0.5;

  [[nodiscard]] PotentialLevel<double> level() const {
    return {.rows = m,
            .factor = h,
            .T = T.data(),
            .S = S.data(),
            .z = z.data(),
            .P = P.data(),
            .rho_0 = nullptr,
            .z_next = m,
            .direction = m * n};
  }
  [[nodiscard]] auto direction(const Batch<double>& X, Index k) const { return X.middleCols(k * n, n); }
  [[nodiscard]] Batch<double> squares() const {
    Batch<double> sum = Batch<double>::Zero(m, n);
    for (Index k = 0; k < d; ++k) sum += direction(P, k).cwiseAbs2();
    return sum;
  }
};

}  // namespace

TEST_CASE("A sweep down scales z and takes its part from the traces, whatever rows and directions", "[nn]") {
  const OneLayer layer{GENERATE(1, 4, 11), GENERATE(1, 2, 3), 5};
  Batch<double> y(layer.m, layer.n), traces = wave(3, layer.n, 0.4);
  const Batch<double> before = traces;
  with_directions(layer.d, [&](auto d) { descend(d, layer.n, layer.level(), y.data(), traces.data() + 1, Index(3)); });
  CHECK(distance(y, layer.h * layer.T.cwiseProduct(layer.z)) < tolerance);
  const Row<double> part = layer.h * layer.S.cwiseProduct(layer.z).cwiseProduct(layer.squares()).colwise().sum();
  CHECK(distance(traces.row(1), before.row(1) - part) < tolerance);
  CHECK(traces.row(0) == before.row(0));
  CHECK(traces.row(2) == before.row(2));

  PotentialLevel<double> first = layer.level();
  const Vector<double> rho_0 = wave(layer.m, 1, 0.9).col(0);
  first.P = nullptr;
  first.rho_0 = rho_0.data();
  traces = before;
  descend(layer.d, layer.n, first, y.data(), traces.data() + 1, Index(3));
  const Row<double> first_part = layer.h * rho_0.transpose() * layer.S.cwiseProduct(layer.z);
  CHECK(distance(traces.row(1), before.row(1) - first_part) < tolerance);
}

TEST_CASE("First derivatives are slopes times the matrix's columns, a block a direction", "[nn]") {
  const OneLayer layer{GENERATE(4, 11), GENERATE(1, 2, 3), 5};
  const Batch<double> D = wave(layer.m, layer.d, 0.9);
  Batch<double> J(layer.m, layer.d * layer.n);
  first_derivatives(layer.d, layer.n, layer.m, layer.T.data(), D.data(), J.data());
  for (Index k = 0; k < layer.d; ++k)
    CHECK(distance(layer.direction(J, k), D.col(k).asDiagonal() * layer.T) < tolerance);
  Vector<double> rho_0(layer.m);
  first_squares(layer.d, layer.m, D.data(), rho_0.data());
  CHECK(distance(rho_0, D.cwiseAbs2().rowwise().sum()) < tolerance);
}

// Of the loss Σ J̄ ⊙ J with J = κ T ⊙ P, and with T ⊙ K_0 E for the first layer.
TEST_CASE("Back through derivatives their cotangent goes to slopes and to what they multiply", "[nn][gradient]") {
  const OneLayer layer{GENERATE(4, 11), GENERATE(1, 2, 3), 5};
  const Index m = layer.m, n = layer.n, d = layer.d;
  const Batch<double> J_bar = wave(m, d * n, 0.2), start = wave(m, d * n, 1.9), D = wave(m, d, 0.9);
  Batch<double> P_bar = start, T_bar(m, n), D_bar = Batch<double>::Ones(m, d), first_T_bar = wave(m, n, 0.8);
  Batch<double> expected = start, along = Batch<double>::Zero(m, n), first_along = first_T_bar, expected_D = D_bar;
  pull_back_derivatives(d, m * n, layer.h, layer.T.data(), layer.P.data(), J_bar.data(), P_bar.data(), T_bar.data());
  pull_back_first_derivatives(d, n, m, layer.T.data(), D.data(), J_bar.data(), D_bar.data(), first_T_bar.data());
  for (Index k = 0; k < d; ++k) {
    const auto bar = layer.direction(J_bar, k);
    along += bar.cwiseProduct(layer.direction(layer.P, k));
    first_along += D.col(k).asDiagonal() * bar;
    expected.middleCols(k * n, n) += layer.h * layer.T.cwiseProduct(bar);
    expected_D.col(k) += layer.T.cwiseProduct(bar).rowwise().sum();
  }
  CHECK(distance(P_bar, expected) < tolerance);
  CHECK(distance(T_bar, along) < tolerance);
  CHECK(distance(D_bar, expected_D) < tolerance);
  CHECK(distance(first_T_bar, first_along) < tolerance);
}

// Of the loss Σ ȳ ⊙ y + Σ_j τ̄_j · trace_j with y = κ T ⊙ z and trace_j = -κ Σ S ⊙ z ⊙ ρ(P), where T' = S and
// S' = -2 T S by the pre-activation, as tanh has it.
TEST_CASE("Back through a sweep down the cotangents of y and of the trace meet", "[nn][gradient]") {
  const bool last = GENERATE(false, true);
  const OneLayer layer{GENERATE(1, 4, 11), GENERATE(1, 2, 3), 5};
  const Index m = layer.m, n = layer.n;
  const Batch<double> y_bar = wave(m, n, 0.2), z_bar = wave(m, n, 1.9), trace_bar = wave(3, n, 0.4),
                      untouched = Batch<double>::Constant(m, n, 7);
  Batch<double> y(m, n), z_bar_above = untouched, bars(m, (1 + layer.d) * n);
  Vector<double> w_bar = Vector<double>::Ones(m), bias_bar = w_bar;
  const PotentialBars<double> bar{.y_bar = y_bar.data(),
                                  .z_bar = z_bar.data(),
                                  .y = y.data(),
                                  .z_bar_above = last ? nullptr : z_bar_above.data(),
                                  .bars = bars.data()};
  with_directions(layer.d, [&](auto d) {
    pull_back_descent(d, n, layer.level(), trace_bar.data() + 1, Index(3), bar, last ? w_bar.data() : nullptr,
                      last ? bias_bar.data() : nullptr);
  });

  const Eigen::ArrayXXd T = layer.T, S = layer.S, z = layer.z, rho = layer.squares(), y_bars = y_bar,
                        tau = -layer.h * trace_bar.row(1).replicate(m, 1);
  CHECK(distance(y, layer.h * layer.T.cwiseProduct(layer.z)) < tolerance);
  const Batch<double> above = z_bar.array() + layer.h * T * y_bars + tau * S * rho,
                      a_bar = layer.h * S * z * y_bars - 2 * tau * T * S * z * rho;
  CHECK(distance(bars.leftCols(n), a_bar) < tolerance);
  for (Index k = 0; k < layer.d; ++k)
    CHECK(distance(layer.direction(bars, k + 1), Batch<double>(2 * tau * S * z * layer.direction(layer.P, k).array())) <
          tolerance);
  if (last) {
    CHECK(distance(w_bar, Vector<double>(above.rowwise().sum().array() + 1)) < tolerance);
    CHECK(distance(bias_bar, Vector<double>(a_bar.rowwise().sum().array() + 1)) < tolerance);
    CHECK(z_bar_above == untouched);
  } else {
    CHECK(distance(z_bar_above, above) < tolerance);
    CHECK(w_bar == Vector<double>::Ones(m));
    CHECK(bias_bar == Vector<double>::Ones(m));
  }
}

// The same with κ_0 = 1, z̄_0 = 0 and one P_0 for all samples.
TEST_CASE("Back through the first layer's sweep down", "[nn][gradient]") {
  const OneLayer layer{GENERATE(1, 4, 11), GENERATE(1, 2, 3), 5};
  const Index m = layer.m, n = layer.n;
  const Batch<double> D = wave(m, layer.d, 0.9), y_bar = wave(m, n, 0.2), trace_bar = wave(3, n, 0.4);
  PotentialLevel<double> at = layer.level();
  const Vector<double> rho_0 = D.cwiseAbs2().rowwise().sum();
  at.factor = 1;
  at.P = nullptr;
  at.rho_0 = rho_0.data();
  Batch<double> y(m, n), z_bar_above(m, n), bars(m, n);
  Vector<double> P_0_factor = Vector<double>::Ones(m);
  const PotentialBars<double> bar{
      .y_bar = y_bar.data(), .z_bar = nullptr, .y = y.data(), .z_bar_above = z_bar_above.data(), .bars = bars.data()};
  pull_back_descent_of_first(n, at, trace_bar.data() + 1, Index(3), bar, P_0_factor.data());

  const Eigen::ArrayXXd T = layer.T, S = layer.S, z = layer.z, y_bars = y_bar, rho = rho_0.replicate(1, n),
                        tau = -trace_bar.row(1).replicate(m, 1);
  CHECK(distance(y, layer.T.cwiseProduct(layer.z)) < tolerance);
  CHECK(distance(z_bar_above, Batch<double>(T * y_bars + tau * S * rho)) < tolerance);
  CHECK(distance(bars, Batch<double>(S * z * y_bars - 2 * tau * T * S * z * rho)) < tolerance);
  CHECK(distance(P_0_factor, Vector<double>((tau * S * z).rowwise().sum() + 1)) < tolerance);
}

TEST_CASE("Back through an activation the cotangents of σ and σ' meet", "[nn][gradient]") {
  const OneLayer layer{GENERATE(1, 4, 11), 1, 5};
  const Batch<double> u_bar = wave(layer.m, 5, 0.2), T_bar = wave(layer.m, 5, 1.9), start = wave(layer.m, 5, 0.4);
  Batch<double> a_bar = start;
  Vector<double> bias_bar = Vector<double>::Ones(layer.m);
  pull_back_activation(Index(5), layer.level(), u_bar.data(), T_bar.data(), a_bar.data(), bias_bar.data());
  const Batch<double> expected = start + layer.h * (layer.T.cwiseProduct(u_bar) + layer.S.cwiseProduct(T_bar));
  CHECK(distance(a_bar, expected) < tolerance);
  CHECK(distance(bias_bar, Vector<double>(expected.rowwise().sum().array() + 1)) < tolerance);
}

TEST_CASE("Scaled matrices and what they owe back", "[nn][gradient]") {
  const Index m = GENERATE(1, 4, 11);
  const Batch<double> K = wave(m, m, 0.3), L_bar = wave(m, m, 1.1), start = wave(m, m, 2.2);
  const Vector<double> scale = wave(m, 1, 0.6).col(0);
  Batch<double> L(m, m), K_bar = start;
  Vector<double> scale_bar = Vector<double>::Ones(m);
  const AllocationCounter counter;
  scale_rows(m, K.data(), scale.data(), L.data());
  const Index allocations = Index(counter.count());
  CHECK(distance(L, scale.asDiagonal() * K) < tolerance);
  scale_columns(m, K.data(), scale.data(), L.data());
  CHECK(distance(L, K * scale.asDiagonal()) < tolerance);
  // The loss Σ L̄ ⊙ L: its differences in K and scale are exact up to rounding, as L is linear in each.
  pull_back_scaled_columns(m, K.data(), scale.data(), L_bar.data(), K_bar.data(), scale_bar.data());
  CHECK(distance(K_bar, start + L_bar * scale.asDiagonal()) < tolerance);
  CHECK(distance(scale_bar, Vector<double>(L_bar.cwiseProduct(K).colwise().sum().transpose().array() + 1)) < tolerance);
  CHECK(allocations == 0);
}
