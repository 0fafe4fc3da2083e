#include <pathline/nn/taylor/taylor_tape.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

/// The activation of the formulas below: σ = sin, whose derivatives nobody gets wrong.
using Tape = detail::TaylorTape<Sine, double>;

}  // namespace

TEST_CASE("TaylorTape is what the chain rule says, number by number", "[nn]") {
  const Index rows = 7, n = 3, order = GENERATE(0, 1, 2);
  INFO("order " << order);
  const Batch<double> A = gaussian(0, rows, (1 + order) * n), Y_bar = gaussian(1, rows, (1 + order) * n);
  std::vector<double> memory(std::size_t(Tape::size(rows, n, order)), not_a_number);
  Tape tape(memory, rows, n, order);
  tape.pre() = A;
  Batch<double> Y(rows, (1 + order) * n), A_bar = Y_bar;
  tape.evaluate(Y);
  tape.pullback(A_bar);

  for (Index row = 0; row < rows; ++row)
    for (Index i = 0; i < n; ++i) {
      const auto entry = [&](const Batch<double>& M, Index m) { return m <= order ? M(row, m * n + i) : 0; };
      const double a = entry(A, 0), a1 = entry(A, 1), a2 = entry(A, 2);
      const double y_bar = entry(Y_bar, 0), y1_bar = entry(Y_bar, 1), y2_bar = entry(Y_bar, 2);
      const double first = std::cos(a), second = -std::sin(a), third = -std::cos(a);
      // A few terms below 100; sine and cosine to 4 ulp.
      CHECK(entry(Y, 0) == Approx(std::sin(a)).margin(1e-13));
      CHECK(entry(A_bar, 0) ==
            Approx(first * y_bar + second * (a1 * y1_bar + a2 * y2_bar) + third * a1 * a1 * y2_bar).margin(1e-13));
      if (order < 1) continue;
      CHECK(entry(Y, 1) == Approx(first * a1).margin(1e-13));
      CHECK(entry(A_bar, 1) == Approx(first * y1_bar + 2 * second * a1 * y2_bar).margin(1e-13));
      if (order < 2) continue;
      CHECK(entry(Y, 2) == Approx(first * a2 + second * a1 * a1).margin(1e-13));
      CHECK(entry(A_bar, 2) == Approx(first * y2_bar).margin(1e-13));
    }
}

TEST_CASE("TaylorTape keeps one derivative of the activation an order beside the pre-activation", "[nn]") {
  const Index rows = 8, n = 4;  // whole cache lines
  CHECK(Tape::size(rows, n, 0) == rows * n);
  CHECK(Tape::size(rows, n, 1) == 3 * rows * n);
  CHECK(Tape::size(rows, n, 2) == 5 * rows * n);
}
