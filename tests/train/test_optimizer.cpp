// Update rules against the closed forms of their papers, in long double, and the memory that they share.
#include <pathline/train/optimizer.hpp>

#include <pathline/train/adam.hpp>
#include <pathline/train/gradient_transform.hpp>
#include <pathline/train/optimizer/muon.hpp>
#include <pathline/train/sgd.hpp>

#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>

using namespace pathline;

namespace {

// One thing missing each.
struct NoRate : Adam {
  void learning_rate() const;
};
struct NoMoments : Adam {
  void moments() const;
};
struct NoStep : Adam {
  void step() const;
};
struct NoApply {
  double max_norm = 1;
};
static_assert(Optimizer<Adam> && Optimizer<AdamW> && Optimizer<Sgd>);
static_assert(!Optimizer<NoRate> && !Optimizer<NoMoments> && !Optimizer<NoStep> && !Optimizer<int>);
static_assert(GradientTransform<ClipByNorm> && !GradientTransform<NoApply> && !GradientTransform<Adam>);

constexpr int steps = 7, count = 5;  // whole packs and what is left of one
double gradient_at(int t, Index i) { return std::sin(0.7 * t + 1.3 * double(i)) * std::pow(10.0, double(i) - 2); }
double start_at(Index i) { return 0.5 * double(i) - 0.8; }

/// Takes the steps, the rate of step t being rate_at(t).
template <class Scalar, class O, class Rate>
Vector<Scalar> optimized(const O& optimizer, const Rate& rate_at) {
  Vector<Scalar> theta(count), gradient(count);
  for (Index i = 0; i < count; ++i) theta(i) = Scalar(start_at(i));
  OptimizerState<Scalar> state;
  for (int t = 1; t <= steps; ++t) {
    for (Index i = 0; i < count; ++i) gradient(i) = Scalar(gradient_at(t, i));
    state.step(optimizer, rate_at(t), gradient, theta);
  }
  CHECK(state.steps == steps);
  return theta;
}

// Seven steps of numbers of order one, each with a handful of roundings.
constexpr double tolerance = 50 * std::numeric_limits<double>::epsilon();

}  // namespace

TEST_CASE("AdamW takes the steps of Loshchilov & Hutter's Algorithm 2, with a rate of its own each", "[train]") {
  const AdamW rule{.learning_rate = 1, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.3};
  const auto rate_at = [](int t) { return 0.1 / t; };
  const Vector<double> theta = optimized<double>(rule, rate_at);
  for (Index i = 0; i < count; ++i) {
    long double x = start_at(i), m = 0, v = 0;
    for (int t = 1; t <= steps; ++t) {
      const long double g = gradient_at(t, i), rate = rate_at(t);
      m = 0.8L * m + 0.2L * g;
      v = 0.95L * v + 0.05L * g * g;
      const long double m_hat = m / (1 - std::pow(0.8L, t)), v_hat = v / (1 - std::pow(0.95L, t));
      x -= rate * (m_hat / (std::sqrt(v_hat) + 1e-3L) + 0.3L * x);  // line 12, with λ in units of the rate
    }
    CHECK(theta(i) == Approx(double(x)).epsilon(tolerance));
  }
}

TEST_CASE("AdamW without decay is Adam, and leaves running statistics alone", "[train]") {
  const auto rate_at = [](int) { return 0.1; };
  CHECK(optimized<double>(AdamW{.weight_decay = 0}, rate_at) == optimized<double>(Adam{}, rate_at));
  Vector<double> theta{{2, 3}};
  OptimizerState<double> state;
  for (int t = 0; t < 3; ++t) state.step(AdamW{.learning_rate = 0.1, .weight_decay = 1}, Vector<double>{{0, 1}}, theta);
  CHECK(theta(0) == 2);
  CHECK(theta(1) < 3 * 0.9 * 0.9 * 0.9);
  const double before = theta(1);
  // A weight whose gradient is 0 for once decays all the same: its second moment says that it is one.
  state.step(AdamW{.learning_rate = 1e-9, .weight_decay = 1e8}, Vector<double>::Zero(2), theta);
  CHECK(theta(1) == Approx(0.9 * before).epsilon(1e-6));
  CHECK(theta(0) == 2);
}

TEST_CASE("Sgd takes the steps of Sutskever et al., equations 1 and 2", "[train]") {
  const Sgd rule{.learning_rate = 1, .momentum = 0.7};
  const auto rate_at = [](int t) { return 0.01 * t; };
  const Vector<double> theta = optimized<double>(rule, rate_at);
  for (Index i = 0; i < count; ++i) {
    long double x = start_at(i), v = 0;
    for (int t = 1; t <= steps; ++t) {
      v = 0.7L * v - static_cast<long double>(rate_at(t)) * gradient_at(t, i);
      x += v;
    }
    CHECK(theta(i) == Approx(double(x)).epsilon(tolerance));
  }
  // A constant gradient: v_t = -rate g (1 - μᵗ) / (1 - μ).
  Vector<double> fallen = Vector<double>::Zero(1);
  OptimizerState<double> state;
  double expected = 0;
  for (int t = 1; t <= 20; ++t) {
    state.step(Sgd{.learning_rate = 0.1, .momentum = 0.5}, Vector<double>::Constant(1, 3), fallen);
    expected -= 0.1 * 3 * (1 - std::pow(0.5, t)) / 0.5;
  }
  CHECK(fallen(0) == Approx(expected).epsilon(1e-14));
}

TEST_CASE("In float every rule stays within the scalar's rounding of double", "[train]") {
  const auto rate_at = [](int t) { return 0.1 / t; };
  const auto close = [&](const auto& rule) {
    const Vector<double> expected = optimized<double>(rule, rate_at);
    const Vector<float> theta = optimized<float>(rule, rate_at);
    // Gradients reach 100, and so do the steps of Sgd.
    for (Index i = 0; i < count; ++i) CHECK(double(theta(i)) == Approx(expected(i)).epsilon(1e-5).margin(1e-5));
  };
  close(Adam{});
  close(AdamW{.weight_decay = 0.3});
  close(Sgd{});
  close(Muon{.matrices = {{1, 2, 2}}});
}

TEST_CASE("A state that another rule began is refused, and nothing has changed", "[train][errors]") {
  OptimizerState<double> state;
  Vector<double> theta = Vector<double>::Ones(2);
  const Vector<double> gradient = theta;
  state.step(Sgd{}, gradient, theta);
  const Vector<double> before = theta;
  CHECK_THROWS_AS(state.step(Adam{}, gradient, theta), ArgumentError);
  CHECK_THROWS_WITH(
      state.step(Adam{}, gradient, theta),
      "OptimizerState::step: the state's number of moments is 1, expected 2, as this optimizer has; begin "
      "with a new state");
  CHECK(state.steps == 1);
  CHECK(theta == before);
  // A copy goes on from where it was taken.
  OptimizerState<double> copy = state;
  Vector<double> other = theta;
  state.step(Sgd{}, gradient, theta);
  copy.step(Sgd{}, gradient, other);
  CHECK(theta == other);
}

TEST_CASE("Each rule refuses settings out of range by name", "[train][errors]") {
  CHECK_THROWS_WITH(Adam{.beta1 = 1}.check(), "Adam: beta1 is 1, expected at least 0 and below 1");
  CHECK_THROWS_WITH(Adam{.beta2 = -0.1}.check(), "Adam: beta2 is -0.1, expected at least 0 and below 1");
  CHECK_THROWS_WITH(Adam{.epsilon = -1}.check(), "Adam: epsilon is -1, expected at least 0");
  CHECK_THROWS_WITH(AdamW{.weight_decay = -1}.check(), "AdamW: weight_decay is -1, expected at least 0");
  CHECK_THROWS_AS(AdamW{.beta1 = 2}.check(), ArgumentError);
  // A decay of more than the whole weight, by the rule's own rate or by that of a schedule.
  const AdamW whole{.learning_rate = 0.5, .weight_decay = 2};
  CHECK_NOTHROW(whole.check());
  CHECK_THROWS_WITH((AdamW{.learning_rate = 0.75, .weight_decay = 2}.check()),
                    "AdamW: rate times weight_decay is 1.5, expected at most 1, beyond which a step turns the signs of "
                    "the parameters");
  OptimizerState<double> untouched;
  Vector<double> ones = Vector<double>::Ones(2);
  CHECK_THROWS_AS(untouched.step(whole, 0.75, Vector<double>::Ones(2), ones), ArgumentError);
  CHECK(untouched.steps == 0);
  CHECK(untouched.moments.empty());
  CHECK(ones == Vector<double>::Ones(2));
  CHECK_THROWS_WITH(Sgd{.learning_rate = 0}.check(), "Sgd: learning_rate is 0, expected a positive number");
  CHECK_THROWS_WITH(Sgd{.momentum = 1}.check(), "Sgd: momentum is 1, expected at least 0 and below 1");
  CHECK_NOTHROW((Adam{}.check(), AdamW{}.check(), Sgd{.momentum = 0}.check(), ClipByNorm{}.check()));
}
