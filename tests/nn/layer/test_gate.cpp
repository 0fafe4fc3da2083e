#include <pathline/nn/layer/gate.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index n = 2, k = 2, columns = (1 + k) * n;

/// Element i of sample j and direction l, written out: the product rule.
Batch<double> product(const Batch<double>& G, const Batch<double>& P) {
  const auto gate = [&](Index i, Index j) { return G(G.rows() == 1 ? 0 : i, G.cols() == 1 ? 0 : j); };
  Batch<double> Y(P.rows(), columns);
  for (Index i = 0; i < P.rows(); ++i)
    for (Index j = 0; j < columns; ++j) {
      Y(i, j) = gate(i, j % n) * P(i, j);
      if (j >= n && G.cols() == columns) Y(i, j) += gate(i, j) * P(i, j % n);
    }
  return Y;
}

}  // namespace

TEST_CASE("Gate: the product rule and its transpose, for every shape of a gate", "[nn][gradient]") {
  const Index rows = GENERATE(1, 3), gate_columns = GENERATE(Index(1), n, columns);
  INFO("gate " << rows << " x " << gate_columns);
  const Batch<double> G = gaussian(0, rows, gate_columns), P = gaussian(1, 3, columns), Y_bar = gaussian(2, 3, columns);
  const detail::Gate<double> gate(G, n);
  Batch<double> Y = Batch<double>::Ones(3, columns);
  gate.add_product(P, Y);
  CHECK((Y - product(G, P)).isOnes(1e-14));

  Batch<double> P_bar = Y_bar, G_bar = Batch<double>::Constant(rows, gate_columns, not_a_number);
  gate.pullback(P, P_bar, G_bar);
  // Bilinear: differences have no truncation error, and rounding ε/h for h = 1e-3 is 1e-13 of numbers of order ten.
  const auto cotangent = [&](const Batch<double>& at, const auto& with) {
    const Vector<double> flat = at.reshaped();
    return central_differences(
        [&](const Vector<double>& x) { return with(x.reshaped(at.rows(), at.cols())).cwiseProduct(Y_bar).sum(); }, flat,
        1e-3);
  };
  CHECK((P_bar.reshaped() - cotangent(P, [&](const Batch<double>& x) {
           return product(G, x);
         })).lpNorm<Eigen::Infinity>() < 1e-10);
  CHECK((G_bar.reshaped() - cotangent(G, [&](const Batch<double>& x) {
           return product(x, P);
         })).lpNorm<Eigen::Infinity>() < 1e-10);
}
