// What is a multistep method, and what order its weights have.
#include <pathline/ode/multistep/multistep_method.hpp>

#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstddef>

namespace pathline {
namespace {

static_assert(MultistepMethod<AdamsBashforth<3>> && !CorrectedMethod<AdamsBashforth<3>>);
static_assert(MultistepMethod<AdamsBashforthMoulton<3>> && CorrectedMethod<AdamsBashforthMoulton<3>>);
static_assert(SteppingMethod<AdamsBashforth<1>> && !ExplicitMethod<AdamsBashforth<1>> &&
              !ImplicitMethod<AdamsBashforthMoulton<4>> && !EmbeddedMethod<AdamsBashforthMoulton<4>>);
static_assert(!MultistepMethod<Rk4> && !MultistepMethod<ImplicitEuler> && !MultistepMethod<int>);

struct NoStart {
  static constexpr int order = 2;
  static constexpr auto predictor = AdamsBashforth<2>::predictor;
};
struct ImplicitStart : NoStart {
  using Start = ImplicitEuler;
};
struct NoWeights {
  static constexpr int order = 2;
  using Start = Rk4;
};
static_assert(!MultistepMethod<NoStart> && !MultistepMethod<ImplicitStart> && !MultistepMethod<NoWeights>);

/// Adams–Moulton of order 5 after a predictor of order 3: the weaker one rules.
struct WeakPredictor {
  static constexpr int order = 4;
  static constexpr auto predictor = AdamsBashforth<3>::predictor;
  static constexpr auto corrector = AdamsBashforthMoulton<5>::corrector;
  using Start = Rk4;
};
static_assert(multistep_order<WeakPredictor>() == 4);

template <std::size_t K>
constexpr int order_with_wrong_digit(std::array<double, K> weights, int newest) {
  weights.back() += 1e-11;
  return quadrature_order(weights, newest);
}
static_assert(order_with_wrong_digit(AdamsBashforth<5>::predictor, 0) == 0);
static_assert(order_with_wrong_digit(AdamsBashforthMoulton<5>::corrector, 1) == 0);

}  // namespace

TEST_CASE("Weights integrate the polynomials up to their order, and none beyond", "[ode][multistep]") {
  CHECK(quadrature_order(AdamsBashforth<3>::predictor, 0) == 3);
  CHECK(quadrature_order(AdamsBashforthMoulton<3>::corrector, 1) == 3);
  CHECK(quadrature_order(std::array<double, 2>{0.5, 0.5}, 1) == 2);
  CHECK(quadrature_order(std::array<double, 2>{0.5, 0.5}, 0) == 1);
  CHECK(quadrature_order(std::array<double, 2>{0.5, 0.25}, 0) == 0);
}

}  // namespace pathline
