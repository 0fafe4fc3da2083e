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
            .z_next = m,
            .P_next = m,
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
}

TEST_CASE("First derivatives are slopes times the matrix's columns, a block a direction", "[nn]") {
  const OneLayer layer{GENERATE(4, 11), GENERATE(1, 2, 3), 5};
  const Batch<double> D = wave(layer.m, layer.d, 0.9);
  PotentialLevel<double> at = layer.level();
  at.P = D.data();
  at.P_next = 0;
  at.direction = layer.m;
  Batch<double> J(layer.m, layer.d * layer.n);
  with_directions(layer.d, [&](auto d) { first_derivatives(d, layer.n, at, J.data()); });
  for (Index k = 0; k < layer.d; ++k)
    CHECK(distance(layer.direction(J, k), D.col(k).asDiagonal() * layer.T) < tolerance);
}

TEST_CASE("Back through a sweep up the cotangents of values and derivatives meet", "[nn][gradient]") {
  const OneLayer layer{GENERATE(4, 11), GENERATE(1, 2, 3), 5};
  const Batch<double> U_bar = wave(layer.m, (1 + layer.d) * layer.n, 0.2), start = wave(layer.m, U_bar.cols(), 1.9);
  Batch<double> bars = start;
  Vector<double> bias_bar = Vector<double>::Ones(layer.m);
  with_directions(layer.d, [&](auto d) {
    pull_back_ascent(d, layer.n, layer.level(), U_bar.data(), bars.data(), bias_bar.data(),
                     static_cast<double*>(nullptr));
  });
  Batch<double> expected = start, along = Batch<double>::Zero(layer.m, layer.n);
  for (Index k = 0; k < layer.d; ++k) {
    const auto J_bar = layer.direction(U_bar, k + 1);
    along += J_bar.cwiseProduct(layer.direction(layer.P, k));
    expected.middleCols((k + 1) * layer.n, layer.n) += layer.h * layer.T.cwiseProduct(J_bar);
  }
  expected.leftCols(layer.n) +=
      layer.h * (layer.T.cwiseProduct(layer.direction(U_bar, 0)) + layer.S.cwiseProduct(along));
  CHECK(distance(bars, expected) < tolerance);
  CHECK(distance(bias_bar, Vector<double>(expected.leftCols(layer.n).rowwise().sum().array() + 1)) < tolerance);
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
