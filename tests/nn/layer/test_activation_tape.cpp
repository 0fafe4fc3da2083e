#include <pathline/nn/layer/activation_tape.hpp>

#include <pathline/math/activations.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>
#include <support/logistic.hpp>

#include <cmath>
#include <span>

using namespace pathline;
using namespace pathline::test;

namespace {

/// The tape of `rows` × n values with k tangents, and its pre-activation.
struct TapeProblem {
  Index rows, n, k;
  Batch<double> pre = gaussian(0, rows, (1 + k) * n), Y_bar = gaussian(1, rows, (1 + k) * n);
  Vector<double> memory =
      Vector<double>::Constant(detail::ActivationTape<Tanh, double>::size(rows, n, k), not_a_number);

  [[nodiscard]] detail::ActivationTape<Tanh, double> tape() {
    return {std::span<double>(memory.data(), std::size_t(memory.size())), rows, n, k};
  }
};

}  // namespace

TEST_CASE("ActivationTape: σ, σ' ⊙ B, and a cotangent that carries σ''", "[nn]") {
  const Index k = GENERATE(0, 1, 3);
  // 15 values, and 1073: two runs of 512 and a rest.
  const auto [rows, n] = GENERATE(table<Index, Index>({{5, 3}, {37, 29}}));
  INFO("k = " << k << ", " << rows << " × " << n);
  TapeProblem problem{rows, n, k};
  problem.tape().pre() = problem.pre;
  Batch<double> Y(rows, n * (1 + k)), bar = problem.Y_bar;
  problem.tape().linearize(Y);
  problem.tape().pullback(bar);
  for (Index i = 0; i < rows; ++i)
    for (Index sample = 0; sample < n; ++sample) {
      const double value = std::tanh(problem.pre(i, sample)), first = 1 - value * value, second = -2 * value * first;
      double A_bar = first * problem.Y_bar(i, sample);
      // A few ulp of numbers of order one to ten.
      CHECK(Y(i, sample) == Approx(value).epsilon(1e-14));
      for (Index j = n + sample; j < Y.cols(); j += n) {
        CHECK(Y(i, j) == Approx(first * problem.pre(i, j)).margin(1e-14));
        CHECK(bar(i, j) == Approx(first * problem.Y_bar(i, j)).margin(1e-14));
        A_bar += second * problem.pre(i, j) * problem.Y_bar(i, j);
      }
      CHECK(bar(i, sample) == Approx(A_bar).margin(1e-13));
    }
}

TEST_CASE("ActivationTape: a block of rows gives the bits of a batch of its own", "[nn]") {
  const Index k = GENERATE(0, 2);
  TapeProblem problem{5, 3, k};
  Batch<double> Y(5, 3 * (1 + k)), tall = Batch<double>::Constant(8, 3 * (1 + k), 7.0);
  problem.tape().pre() = problem.pre;
  problem.tape().linearize(Y);
  problem.tape().pre() = problem.pre;
  problem.tape().linearize(tall.middleRows(1, 5));
  CHECK(tall.middleRows(1, 5) == Y);
  CHECK((tall.topRows(1).array() == 7).all());
  CHECK((tall.bottomRows(2).array() == 7).all());
}

TEST_CASE("ActivationTape: in place and without a tape it gives the same, also in a block of rows", "[nn]") {
  const Index k = GENERATE(0, 2), rows = GENERATE(5, 600);  // 600: a column may be longer than a run
  TapeProblem problem{rows, 3, k};
  Batch<double> Y(rows, 3 * (1 + k)), tall = Batch<double>::Constant(rows + 3, 3 * (1 + k), 7.0), alone = problem.pre;
  problem.tape().pre() = problem.pre;
  problem.tape().linearize(Y);
  tall.middleRows(1, rows) = problem.pre;
  detail::ActivationTape<Tanh, double>::apply(alone, 3);
  detail::ActivationTape<Tanh, double>::apply(tall.middleRows(1, rows), 3);
  // A compiler may contract other products and sums where fewer derivatives are asked for.
  CHECK((alone - Y).cwiseAbs().maxCoeff() < 1e-15);
  CHECK((tall.middleRows(1, rows) - Y).cwiseAbs().maxCoeff() < 1e-15);
  CHECK((tall.topRows(1).array() == 7).all());
  CHECK((tall.bottomRows(2).array() == 7).all());
}

TEST_CASE("ActivationTape: the cotangent in a block of rows is that of a batch of its own", "[nn]") {
  const Index k = GENERATE(0, 2), rows = GENERATE(5, 600);  // 600: a column may be longer than a run
  TapeProblem problem{rows, 3, k};
  Batch<double> Y(rows, 3 * (1 + k)), bar = problem.Y_bar;
  Batch<double> tall = Batch<double>::Constant(rows + 3, 3 * (1 + k), 7.0);
  problem.tape().pre() = problem.pre;
  problem.tape().linearize(Y);
  problem.tape().pullback(bar);
  tall.middleRows(1, rows) = problem.Y_bar;
  problem.tape().pullback(tall.middleRows(1, rows));
  // The compiler may sum packs and their rests in another order.
  CHECK((tall.middleRows(1, rows) - bar).cwiseAbs().maxCoeff() < 1e-13);
  CHECK((tall.topRows(1).array() == 7).all());
  CHECK((tall.bottomRows(2).array() == 7).all());
}

TEST_CASE("ActivationTape keeps σ' alone where there are no tangents", "[nn]") {
  using Tape = detail::ActivationTape<Tanh, double>;
  CHECK(Tape::size(5, 3, 0) == Slices<double>::size(15));
  CHECK(Tape::size(5, 3, 2) == Slices<double>::size(15) + Slices<double>::size(45));
}

namespace {

static_assert(detail::derivatives_of_value<Logistic, double> && !detail::derivatives_of_value<Sigmoid, double>);
static_assert(!detail::derivatives_of_value<Tanh, double>, "1 - y² loses the digits of a small slope");

}  // namespace

TEST_CASE("TangentTape: beside the output, B alone gives what σ', σ'' and B give", "[nn]") {
  const Index k = GENERATE(0, 1, 3);
  const auto [rows, n] = GENERATE(table<Index, Index>({{5, 3}, {37, 29}}));  // 1073 values: three runs
  INFO("k = " << k << ", " << rows << " × " << n);
  using Whole = detail::ActivationTape<Logistic, double>;
  using Beside = detail::TangentTape<Logistic, double>;
  REQUIRE(Beside::size(rows, n, k) == Slices<double>::size(rows * n * k));
  Vector<double> whole(Whole::size(rows, n, k)), beside(Beside::size(rows, n, k));
  whole.setConstant(not_a_number);
  beside.setConstant(not_a_number);
  Whole tape(std::span<double>(whole.data(), std::size_t(whole.size())), rows, n, k);
  Beside less(std::span<double>(beside.data(), std::size_t(beside.size())), rows, n, k);
  const Batch<double> pre = gaussian(0, rows, (1 + k) * n);
  Batch<double> expected(rows, (1 + k) * n), expected_bar = gaussian(1, rows, (1 + k) * n), bar = expected_bar, Y = pre;
  tape.pre() = pre;
  tape.linearize(expected);
  tape.pullback(expected_bar);
  less.linearize(Y, n);
  CHECK((Y - expected).cwiseAbs().maxCoeff() < 1e-15);
  less.pullback(Y, n, bar);
  CHECK((bar - expected_bar).cwiseAbs().maxCoeff() < 1e-14);

  // A block of rows.
  Batch<double> tall = Batch<double>::Constant(rows + 3, (1 + k) * n, 7.0);
  tall.middleRows(1, rows) = pre;
  less.linearize(tall.middleRows(1, rows), n);
  CHECK((tall.middleRows(1, rows) - expected).cwiseAbs().maxCoeff() < 1e-15);
  CHECK((tall.topRows(1).array() == 7).all());
  CHECK((tall.bottomRows(2).array() == 7).all());
}
