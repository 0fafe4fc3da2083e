#include <pathline/train/toy/toy_set.hpp>

#include <support/catch.hpp>

#include <set>

using namespace pathline;
using detail::ToyNumbers;
using detail::ToySet;
using detail::ToySetWithDensity;

namespace {

struct Points {
  static constexpr std::string_view name = "points";
  static Eigen::Vector2d sample(const ToyNumbers& numbers) { return numbers.gaussian(); }
};
struct Nameless {
  static Eigen::Vector2d sample(const ToyNumbers& numbers) { return numbers.gaussian(); }
};
struct Sampleless {
  static constexpr std::string_view name = "no samples";
};
struct Density : Points {
  static constexpr double entropy = 1;
  [[nodiscard]] double log_density(const Eigen::Vector2d& /*x*/) const { return 0; }
};
struct NoEntropy : Points {
  [[nodiscard]] double log_density(const Eigen::Vector2d& /*x*/) const { return 0; }
};
struct NoDensity : Points {
  static constexpr double entropy = 1;
};
struct ChangingDensity : Points {
  static constexpr double entropy = 1;
  double log_density(const Eigen::Vector2d& /*x*/) { return 0; }
};
struct NeedsArguments : Density {
  explicit NeedsArguments(int) {}
};

static_assert(ToySet<Points> && !ToySet<Nameless> && !ToySet<Sampleless>);
static_assert(ToySetWithDensity<Density>);
static_assert(!ToySetWithDensity<Points> && !ToySetWithDensity<NoEntropy> && !ToySetWithDensity<NoDensity> &&
              !ToySetWithDensity<ChangingDensity> && !ToySetWithDensity<NeedsArguments>);

}  // namespace

TEST_CASE("The random numbers of a toy sample are those that fill gives, each from a place of its own",
          "[train][toy]") {
  const Draw draw{7, 2};
  Vector<double> uniform(4), gaussian(6);
  fill<Uniform>(draw, 5, uniform);
  fill<Gaussian>(draw, 5, gaussian);
  const ToyNumbers numbers(draw, 5);
  for (Index i = 0; i < 4; ++i) CHECK(numbers.uniform(i) == uniform(i));
  CHECK(numbers.gaussian() == gaussian.tail<2>());
}

TEST_CASE("Integers of toy samples are equally frequent", "[train][toy]") {
  Vector<double> count = Vector<double>::Zero(5);
  for (Index sample = 0; sample < 10'000; ++sample) count(ToyNumbers(Draw{7, 0}, sample).integer(3, 5)) += 1;
  // Binomial: mean 2000, deviation √(10 000 · 0.2 · 0.8) = 40; four of them.
  CHECK((count.array() - 2000).abs().maxCoeff() < 160);
}
