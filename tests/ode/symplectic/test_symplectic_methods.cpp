#include <pathline/ode/symplectic/symplectic_methods.hpp>

#include <support/catch.hpp>

#include <array>

using namespace pathline;

static_assert(SymplecticMethod<Verlet> && SymplecticMethod<Yoshida4> && SymplecticMethod<Yoshida6>);
static_assert(composition_order(Verlet::weights) == 2 && composition_order(Yoshida4::weights) == 4 &&
              composition_order(Yoshida6::weights) == 6);

namespace {

struct NoOrder {
  [[maybe_unused]] static constexpr std::array<double, 1> weights{1};
};
struct NoWeights {
  [[maybe_unused]] static constexpr int order = 2;
};
struct NoStep {
  [[maybe_unused]] static constexpr int order = 2;
  [[maybe_unused]] static constexpr std::array<double, 0> weights{};
};
static_assert(!SymplecticMethod<NoOrder> && !SymplecticMethod<NoWeights> && !SymplecticMethod<NoStep>);

}  // namespace

TEST_CASE("The order of a composition is seen from its weights", "[ode][symplectic]") {
  CHECK(composition_order(std::array{0.5, 0.5}) == 2);
  CHECK(composition_order(std::array{0.4, 0.6}) == 0);       // no palindrome
  CHECK(composition_order(std::array{0.3, 0.3, 0.3}) == 0);  // of another length
  std::array<double, 3> weights = Yoshida4::weights;
  weights[0] += 1e-9;
  weights[2] += 1e-9;
  weights[1] -= 2e-9;
  CHECK(composition_order(weights) == 2);
  // Suzuki's five steps are of order 4, and no more.
  const double outer = 1 / (4 - 1.5874010519681994);
  CHECK(composition_order(std::array{outer, outer, 1 - 4 * outer, outer, outer}) == 4);
}
