// Which sample is blamed, and for what.
#include <pathline/train/rows_at_fault.hpp>

#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>

using namespace pathline;
using namespace pathline::detail;

TEST_CASE("A sample in a message shows its first four components", "[train]") {
  const std::array<double, 5> x{1, -2.5, 0, 1e30, 5};
  CHECK(numbers_of(x.data(), 1) == "(1)");
  CHECK(numbers_of(x.data(), 4) == "(1, -2.5, 0, 1e+30)");
  CHECK(numbers_of(x.data(), 5) == "(1, -2.5, 0, 1e+30, ...)");
}

TEST_CASE("A row of weight 0 decides nothing, whatever its likelihood", "[train][weights]") {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  Vector<double> nll = Vector<double>::Ones(12), shares = Vector<double>::Constant(12, 1.0 / 11);
  nll(4) = not_a_number;
  shares(4) = 0;
  CHECK(dominant_sample(nll, shares).sample == -1);
  nll(7) = 1e3;
  CHECK(dominant_sample(nll, shares).sample == 7);
  CHECK(dominant_sample(nll, shares).share == Approx(999.0 / 11));
}

TEST_CASE("One sample dominates from 50 nats and half a nat of the mean on, among ten at least", "[train]") {
  const auto of = [](Index n, double excess) {
    Vector<double> nll = Vector<double>::Constant(n, -3);
    nll(n - 1) += excess;
    return dominant_sample(nll, Vector<double>());
  };
  CHECK(of(10, 51).sample == 9);
  CHECK(of(10, 51).share == Approx(5.1));
  CHECK(of(10, 49).sample == -1);
  CHECK(of(9, 51).sample == -1);
  CHECK(of(101, 51).sample == 100);
  CHECK(of(103, 51).sample == -1);  // 51 / 103 is below half a nat
  Vector<double> two = Vector<double>::Zero(20);
  two(3) = 100;
  two(8) = 200;
  CHECK(dominant_sample(two, Vector<double>()).sample == 8);
}

TEST_CASE("What is outside of the base's support is told from what is only far", "[train]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string outside = support_message("training sample 3, (7)", -infinity, "(4.6)", -infinity, false);
  CHECK(outside ==
        "training sample 3, (7), has a likelihood of 0: the flow takes it to z = (4.6), where the base density is 0. "
        "Take "
        "a base density that is positive everywhere (StandardNormal, StudentT), or leave out what lies outside");
  CHECK_THAT(support_message("x", std::nan(""), "z", std::nan(""), true),
             ContainsSubstring("has a likelihood of no finite number") &&
                 ContainsSubstring("the base density is no number in this scalar. "
                                   "So far out"));
}

TEST_CASE("A sample far beyond the training data is named with its distance in ranges", "[train]") {
  CHECK(
      far_row_warning(5, 1, 1e30, 2e29) ==
      "validation sample 5 is 1e+30 at component 1, 2e+29 times the range of the training data beyond them: it decides "
      "the mean likelihood alone. Check it, or leave it out");
}
