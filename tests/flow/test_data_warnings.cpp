// Data that fit into every check and have no density all the same are told apart from those that have one.
#include <pathline/flow/data_warnings.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace pathline;

namespace {

Batch<double> normal(std::uint64_t draw, Index d = 2, Index n = 500) {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{1, draw}, 0, X);
  return X;
}

template <class Derived>
std::string warnings_of(const Eigen::MatrixBase<Derived>& X) {
  std::string all;
  for (const std::string& warning : inspect_data(X)) all += warning + "\n";
  return all;
}

/// As a flow of float sees them behind Standardize.
std::string far_samples(const Batch<double>& X) {
  const Batch<double> Z = detail::spread_of("test", X, detail::precision_of<double>).scores;
  std::vector<std::string> warnings;
  detail::inspect_coordinates(X, Z.cast<float>().cast<double>(), detail::samples_to_inspect<double>(X),
                              detail::precision_of<float>, warnings);
  return warnings.empty() ? "" : warnings.front();
}

}  // namespace

TEST_CASE("Continuous data are not doubted", "[flow][data-warnings][many-draws]") {
  for (std::uint64_t draw = 0; draw < 20; ++draw) {
    const Batch<double> X = normal(draw, 2, draw < 10 ? 50 : 1000);
    for (const double offset : {0., 5., 1000.})
      for (const double unit : {1e-12, 1., 77.}) {
        const Batch<double> Y = (unit * (X.array() + offset)).matrix();
        INFO("offset " << offset << ", unit " << unit);
        CHECK(warnings_of(Y) == "");
        if (offset < 1000) CHECK(warnings_of(Y.cast<float>()) == "");
        CHECK(far_samples(Y) == "");
      }
    CHECK(warnings_of((2 * X.array()).exp().matrix()) == "");
    CHECK(warnings_of((1.7e9 + 1000 * X.array()).matrix()) == "");
  }
}

TEST_CASE("Numbers on a lattice are found, whatever the ruler", "[flow][data-warnings]") {
  const Batch<double> X = normal(3);
  const struct {
    double factor, step, offset;
    const char* told;
  } cases[] = {{1, 0.1, 0, "multiples of 0.1 apart"},
               {30, 0.1, 0, "multiples of 0.1 apart"},
               {5, 1, 0, "multiples of 1 apart"},
               {1, 0.01, 50, "multiples of 0.01 apart"},
               {0.08, 1. / 255, 0, "of 0.00392156863 apart"},
               {7, 1. / 3, 1000, "of 0.333333333 apart"},
               {3, 0.5, 0, "multiples of 0.5 apart"},
               {4e9, 2e8, 1.7e9, "multiples of 200000000 apart"}};
  for (const auto& [factor, step, offset, told] : cases) {
    const Batch<double> Y = (((factor * X.array() + offset) / step).round() * step).matrix();
    INFO(told);
    CHECK_THAT(warnings_of(Y), ContainsSubstring("component 0 of the data has ") && ContainsSubstring(told) &&
                                   ContainsSubstring("the same holds for component 1") &&
                                   ContainsSubstring("dequantize"));
    if (offset < 1000) CHECK_THAT(warnings_of(Y.cast<float>()), ContainsSubstring("whole multiples of "));
  }
  CHECK(warnings_of((1e4 * X.array()).round().matrix()) == "");  // far finer than what a density shows
}

TEST_CASE("Few different values, and a value with probability, are found", "[flow][data-warnings]") {
  Batch<double> X = normal(4);
  X.rightCols(250) = X.leftCols(250).eval();
  CHECK_THAT(warnings_of(X), ContainsSubstring("component 0 of the data has 250 different values in 500 samples") &&
                                 ContainsSubstring("likelihood has no bound"));
  X = normal(4);
  X.row(1).head(60).setZero();
  CHECK_THAT(warnings_of(X), ContainsSubstring("component 1 of the data is 0 in 60 of 500 samples"));
  X.row(1).setConstant(3);
  CHECK_THAT(warnings_of(X), ContainsSubstring("component 1 of the data is constant (3)"));
  CHECK_THROWS_WITH(inspect_data(Batch<double>(2, 0)), ContainsSubstring("inspect_data: data is empty"));
}

TEST_CASE("Digits that float does not hold are reported", "[flow][data-warnings]") {
  const Batch<double> X = normal(5);
  CHECK_THAT(
      warnings_of((1.7e9 + 1e4 * X.array()).matrix().cast<float>()),
      ContainsSubstring("float numbers are 128 apart around 1.") && ContainsSubstring("keep the data in double"));
  CHECK_THAT(warnings_of((1.7e18 + 1e4 * X.array()).matrix()),
             ContainsSubstring("double numbers are 256 apart") && ContainsSubstring("subtract an offset"));
}

TEST_CASE("Data of a lower dimension are found", "[flow][data-warnings]") {
  Batch<double> X = normal(6, 3);
  X.row(2) = X.row(0) - 2 * X.row(1);
  CHECK_THAT(warnings_of(X), ContainsSubstring("component 2 of the data is a linear combination of the components "
                                               "before it: the data have a lower dimension"));
  CHECK_THAT(warnings_of(X.cast<float>()), ContainsSubstring("component 2 of the data is a linear combination"));
  X.row(2) += 1e-4 * normal(7, 3).row(0);
  CHECK_THAT(warnings_of(X), ContainsSubstring("but for ") && ContainsSubstring("take Whiten in place of Standardize"));
  CHECK_THAT(warnings_of(X.leftCols(3)), ContainsSubstring("3 samples of 3 components: they lie in a plane"));
  // A thousand columns tell as much as all of them.
  Batch<double> many = normal(8, 2, 30'000);
  many.row(1) = 2.54 * many.row(0);
  CHECK_THAT(warnings_of(many), ContainsSubstring("component 1 of the data is a linear combination"));
}

TEST_CASE("A sample beside which the others are alike is named", "[flow][data-warnings]") {
  Batch<double> X(1, 200);
  fill<Uniform>(Draw{1, 9}, 0, X);
  X *= 10;
  CHECK(far_samples(X) == "");
  X(0, 17) = 1e12;
  CHECK_THAT(far_samples(X), ContainsSubstring("component 0 of the data is 1e+12 in sample 17") &&
                                 ContainsSubstring("where float tells 2 of 200 different values"));
  X(0, 17) = 1e5;
  CHECK_THAT(far_samples(X), ContainsSubstring("100000 in sample 17"));
  X(0, 17) = 100;
  CHECK(far_samples(X) == "");

  // Among more samples than are looked at one by one, the extremes are.
  const std::vector<Index> seen = detail::samples_to_inspect<double>(normal(10, 1, 90'000));
  CHECK(seen.size() <= 20'002);
  Batch<double> many = normal(10, 1, 90'000);
  Index least = 0, greatest = 0;
  many.minCoeff(&least, &greatest);  // row, column
  CHECK(std::count(seen.begin(), seen.end(), greatest) == 1);
}
