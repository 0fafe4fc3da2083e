#include <pathline/train/adam.hpp>
#include <pathline/train/gradient_transform.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace pathline;

namespace {

/// Algorithm 1 of Kingma & Ba, line by line, for one parameter.
template <class Scalar>
struct OneParameter {
  Scalar m = 0, v = 0;
  int t = 0;
  void step(const Adam& adam, Scalar g, Scalar& theta) {
    const Scalar b1 = Scalar(adam.beta1), b2 = Scalar(adam.beta2);
    ++t;
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    const Scalar m_hat = m / (1 - std::pow(b1, Scalar(t))), v_hat = v / (1 - std::pow(b2, Scalar(t)));
    theta -= Scalar(adam.learning_rate) * m_hat / (std::sqrt(v_hat) + Scalar(adam.epsilon));
  }
};

}  // namespace

TEST_CASE("Adam takes the first three steps that one computes by hand", "[train]") {
  // β₁ = 1/2, β₂ = 3/4, ε = 0, rate 1, gradients 2, -1, 4:
  //   m = 1, 0, 2;           m / (1 - 2⁻ᵗ) = 2, 0, 16/7
  //   v = 1, 1, 19/4;        v / (1 - (3/4)ᵗ) = 4, 16/7, (19/4)(64/37)
  const Adam adam{.learning_rate = 1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0};
  OptimizerState<double> state;
  Vector<double> theta = Vector<double>::Constant(1, 10);
  CHECK(state.steps == 0);
  state.step(adam, Vector<double>::Constant(1, 2), theta);
  CHECK(theta(0) == Approx(9).epsilon(1e-15));
  state.step(adam, Vector<double>::Constant(1, -1), theta);
  CHECK(theta(0) == Approx(9).epsilon(1e-15));
  state.step(adam, Vector<double>::Constant(1, 4), theta);
  const long double third = 9 - (16.0L / 7) / std::sqrt((19.0L / 4) * (64.0L / 37));
  CHECK(theta(0) == Approx(double(third)).epsilon(1e-15));
  CHECK(state.steps == 3);
}

TEMPLATE_TEST_CASE("Adam agrees with its algorithm in long double, from the first step on", "[train]", float, double) {
  using S = TestType;
  const Adam adam{.learning_rate = 0.01};
  const Index count = 5;
  const double epsilon = double(std::numeric_limits<S>::epsilon());
  OptimizerState<S> state;
  Vector<S> theta = Vector<S>::Zero(count);
  std::vector<OneParameter<long double>> naive(static_cast<std::size_t>(count));
  std::vector<long double> expected(naive.size());
  for (int t = 0; t < 200; ++t) {
    Vector<S> gradient(count);
    for (Index i = 0; i < count; ++i) gradient(i) = S(std::sin(0.7 * t + double(i)) * std::pow(10.0, double(i) - 2));
    state.step(adam, gradient, theta);
    for (Index i = 0; i < count; ++i) naive[std::size_t(i)].step(adam, gradient(i), expected[std::size_t(i)]);
    // The first step is ±rate whatever the gradient. With 1 - β₂ computed in float it would be wrong by 6e-6 of that.
    if (t == 0)
      for (Index i = 0; i < count; ++i)
        CHECK(double(theta(i)) == Approx(double(expected[std::size_t(i)])).epsilon(6 * epsilon));
  }
  // Two hundred steps of 0.01, each with a handful of roundings of numbers near one.
  for (Index i = 0; i < count; ++i) CHECK(std::abs(double(theta(i) - expected[std::size_t(i)])) < 200 * epsilon);
}

TEST_CASE("Adam finds the minimum of a badly scaled quadratic", "[train]") {
  const Eigen::Vector3d centre(1, -2, 0.5), scale(1, 100, 0.01);
  Vector<double> theta = Vector<double>::Zero(3);
  OptimizerState<double> state;
  for (int t = 0; t < 3000; ++t) {
    const Vector<double> gradient = scale.cwiseProduct(theta - centre);
    state.step(Adam{.learning_rate = 0.1 * std::pow(0.997, t)}, gradient, theta);
  }
  CHECK((theta - centre).norm() < 1e-3);
}

TEST_CASE("Adam stays where the gradient is zero", "[train]") {
  Vector<double> theta = Vector<double>::Constant(2, 3);
  OptimizerState<double> state;
  state.step(Adam{}, Vector<double>::Zero(2), theta);
  CHECK(theta == Vector<double>::Constant(2, 3));
}

TEST_CASE("Adam names the vector of the wrong length and changes nothing", "[train][errors]") {
  OptimizerState<double> state;
  const Adam adam;
  Vector<double> theta = Vector<double>::Ones(3), shorter = Vector<double>::Ones(2);
  CHECK_THROWS_AS(state.step(adam, shorter, theta), ShapeError);
  CHECK_THROWS_WITH(state.step(adam, shorter, theta), "OptimizerState::step: gradient has 2 rows, expected 3");
  CHECK(state.steps == 0);
  CHECK(theta == Vector<double>::Ones(3));
  state.step(adam, Vector<double>::Zero(3), theta);
  CHECK_THROWS_WITH(state.step(adam, shorter, shorter), "OptimizerState::step: parameters has 2 rows, expected 3");
  CHECK(state.steps == 1);
}

TEMPLATE_TEST_CASE("clip_by_norm scales what is longer, and tells how long it was", "[train]", float, double) {
  using S = TestType;
  Vector<S> gradient(2);
  gradient << 3, 4;
  CHECK(clip_by_norm(gradient, 5) == 5);
  CHECK(gradient == Eigen::Matrix<S, 2, 1>(3, 4));
  CHECK(clip_by_norm(gradient, std::numeric_limits<double>::infinity()) == 5);
  CHECK(gradient == Eigen::Matrix<S, 2, 1>(3, 4));
  CHECK(clip_by_norm(gradient, 2.5) == 5);
  CHECK(gradient == Eigen::Matrix<S, 2, 1>(S(1.5), 2));
}

TEST_CASE("clip_by_norm keeps the direction of a float gradient whose square overflows", "[train]") {
  Vector<float> gradient(2);
  gradient << 3e30F, -4e30F;
  CHECK(clip_by_norm(gradient, 1) == Approx(5e30).epsilon(1e-6));
  CHECK(gradient(0) == Approx(0.6).epsilon(1e-6));
  CHECK(gradient(1) == Approx(-0.8).epsilon(1e-6));
}
