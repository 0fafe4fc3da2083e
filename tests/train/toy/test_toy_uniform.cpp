#include <pathline/train/toy/toy_uniform.hpp>

#include <support/catch.hpp>

#include <cmath>

using namespace pathline;
using detail::Checkerboard;
using detail::ToyNumbers;

TEST_CASE("checkerboard: the lower left square is full, its neighbours are empty", "[train][toy]") {
  const Checkerboard set;
  // Columns from x = -4 on; ⌊x/2⌋ is even in the first: rows y/2 in [0, 1) and [-2, -1).
  const double full = -std::log(32.0);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      const bool inside = (i + j) % 2 == 0;  // from the sample's rule: i = 0 has rows -2 and 0, which are j = 0 and 2
      const double value = set.log_density(Eigen::Vector2d(-3 + 2 * i, -3 + 2 * j));
      INFO("square " << i << ", " << j);
      if (inside)
        CHECK(value == Approx(full).epsilon(1e-15));
      else
        CHECK(std::isinf(value));
    }
  CHECK(std::isinf(set.log_density(Eigen::Vector2d(4.5, 0.5))));
  CHECK(std::isinf(set.log_density(Eigen::Vector2d(-4.5, 2.5))));
  CHECK(std::isinf(set.log_density(Eigen::Vector2d(-3, 5))));
  CHECK(std::isinf(set.log_density(Eigen::Vector2d(-3, -5))));
}

TEST_CASE("checkerboard: samples lie in its squares, and reach their corners", "[train][toy]") {
  const Checkerboard set;
  Eigen::Vector2d least(0, 0), greatest(0, 0);
  for (Index i = 0; i < 10'000; ++i) {
    const Eigen::Vector2d x = Checkerboard::sample(ToyNumbers(Draw{3, 0}, i));
    REQUIRE(std::isfinite(set.log_density(x)));
    least = least.cwiseMin(x);
    greatest = greatest.cwiseMax(x);
  }
  // Within 0.01 of an edge lie 1/800 of the samples, and none of 10 000 with a probability of exp(-12.5).
  CHECK(least.maxCoeff() < -3.99);
  CHECK(greatest.minCoeff() > 3.99);
}

TEST_CASE("line and cos: samples lie on the graphs, x uniform on (-2.5, 2.5)", "[train][toy]") {
  const Index n = 10'000;
  double mean = 0, square = 0;
  for (Index i = 0; i < n; ++i) {
    const Eigen::Vector2d line = detail::Line::sample(ToyNumbers(Draw{3, 0}, i)),
                          cosine = detail::Cosine::sample(ToyNumbers(Draw{3, 0}, i));
    REQUIRE(line(1) == line(0));
    REQUIRE(cosine(0) == line(0));
    REQUIRE(cosine(1) == 2.5 * std::sin(cosine(0)));
    REQUIRE(std::abs(line(0)) < 2.5);
    mean += line(0) / double(n);
    square += line(0) * line(0) / double(n);
  }
  // Variance 25/12 of x, 2.5⁴ (1/5 - 1/9) of x²: deviations 0.0144 and 0.0186 of the means; four of them.
  CHECK(mean == Approx(0).margin(0.058));
  CHECK(square == Approx(25. / 12).margin(0.075));
}
