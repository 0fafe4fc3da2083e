#include <examples/papers/blocks.hpp>

#include <support/catch.hpp>

#include <cmath>

namespace {

using namespace examples;

TEST_CASE("blocks: integrated over the last variable, the density is that of the others", "[examples]") {
  const Index d = GENERATE(1, 2, 3, 4, 5, 6);
  INFO("d = " << d);
  constexpr Index n = 1001;
  Table normal(d, n), uniform(d, n);
  for (Index i = 0; i < d; ++i) {
    normal.row(i).setConstant(0.3 + 0.2 * double(i));
    uniform.row(i).setConstant(i % 2 == 0 ? 0.2 : 0.8);
  }
  // 9 deviations to both sides; of a clump the other one is 2.7 further away, and e^(-6.3²/2) is 2e-9. What is smooth
  // and vanishes at both ends is integrated by the trapezoidal rule to rounding.
  normal.row(d - 1) = Values::LinSpaced(n, -9, 9);
  const papers::Blocks all = papers::blocks(normal, uniform);
  const Values x = all.rows.row(d - 1), p = all.log_prob.array().exp();
  const double integral = (x.tail(n - 1) - x.head(n - 1)).dot(0.5 * (p.tail(n - 1) + p.head(n - 1)));
  const double expected =
      d == 1 ? 1 : std::exp(papers::blocks(normal.topRows(d - 1), uniform.topRows(d - 1)).log_prob(0));
  CHECK(std::abs(integral / expected - 1) < 1e-8);
}

}  // namespace
