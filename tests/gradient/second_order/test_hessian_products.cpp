#include <pathline/gradient/second_order/hessian_products.hpp>

#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/second_order/losses.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

Batch<double> gaussian(Index rows, Index columns, std::uint64_t draw) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{23, draw}, 0, X);
  return X;
}

/// Σ log(1 + e^y₀ y₁²), weighted by time and sample: with a Hessian that is neither constant nor diagonal.
struct Term {
  template <class Y>
  auto operator()(Index k, Index j, const Y& y) const {
    using std::exp, std::log1p;
    return double(1 + k + j) * log1p(exp(y[0]) * y[1] * y[1]);
  }
};

/// y' = p₀ y + p₁ cos t + p₂ sin t.
struct Forced {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::cos, std::sin;
    dy[0] = p[0] * y[0] + p[1] * cos(t) + p[2] * sin(t);
  }
};

/// A field with context, in three chunks.
struct Problem {
  using FieldType = Mlp<double, Tanh>;
  Rng rng{3};
  FieldType field{2, {4, 3}, rng, 2};
  Batch<double> y0 = gaussian(2, 5, 1), context = gaussian(1, 5, 2);
  std::vector<double> times{0, 0.4, 1};
  SumOfTerms<Term> loss{};

  [[nodiscard]] Direction<double> direction(std::uint64_t draw) const {
    return {.parameters = gaussian(field.parameters().size(), 1, draw), .initial = gaussian(2, 5, draw + 1)};
  }
  template <class... Policies>
  [[nodiscard]] NeuralOde<FieldType, Policies..., ChunkWidth> model(Policies... policies) const {
    return NeuralOde<FieldType, Policies..., ChunkWidth>(field, policies..., ChunkWidth{2});
  }
};

/// [θ-rows; start-rows; context-rows].
Vector<double> joined(const Vector<double>& parameters, const Batch<double>& initial, const Batch<double>& context) {
  Vector<double> result(parameters.size() + initial.size() + context.size());
  result << parameters, initial.reshaped(), context.reshaped();
  return result;
}
Vector<double> joined(const HessianProduct<double>& product) {
  return joined(product.parameters, product.initial, product.context);
}
double dot(const Direction<double>& u, const HessianProduct<double>& product) {
  return u.parameters.dot(product.parameters) + (u.initial.array() * product.initial.array()).sum();
}

/// The change of the gradient along a direction, by central differences.
template <class Ode, class Loss>
Vector<double> difference(Ode ode, const Problem& problem, const Loss& loss, const Direction<double>& v, double h) {
  const Vector<double> theta = ode.parameters();
  const auto gradient = [&](double step) {
    ode.set_parameters(theta + step * v.parameters);
    const auto at =
        ode.value_and_gradient(Batch<double>(problem.y0 + step * v.initial), problem.times, loss, problem.context);
    return joined(at.parameters, at.initial, at.context);
  };
  return (gradient(h) - gradient(-h)) / (2 * h);
}

/// With a tolerance for each row of the state and a domain, which must not see those of the tangent.
auto control(double tolerance) {
  const auto two_rows = [](const auto& y) { return y.rows() == 2; };
  const Vector<double> rows = Vector<double>::Constant(2, tolerance);
  return WithDomain(WithTolerances(PiController{}, rows, rows), two_rows);
}

}  // namespace

TEST_CASE("hessian_vector_product is the derivative of the gradient", "[gradient][second_order]") {
  const Problem problem;
  const Direction<double> v = problem.direction(5);
  const auto check = [&](const auto& ode) {
    const auto product = hessian_vector_product(ode, problem.y0, problem.times, problem.loss, v, problem.context);
    // h = 1e-5: truncation h² and rounding ε/h are below 1e-9, and the Hessian is of order 1 to 100.
    CHECK(max_difference(joined(product), difference(ode, problem, problem.loss, v, 1e-5)) < 1e-8);
    const auto at = ode.value_and_gradient(problem.y0, problem.times, problem.loss, problem.context);
    CHECK(std::abs(product.at.value - at.value) < 1e-13 * std::abs(at.value));
    CHECK(max_difference(product.at.parameters, at.parameters) < 1e-12);
    CHECK(max_difference(product.at.initial, at.initial) < 1e-12);
    CHECK(product.at.forward.accepted == at.forward.accepted);
    CHECK(product.at.forward.evaluations == at.forward.evaluations);
  };
  check(problem.model(Rk4{}, FixedSteps(6)));
  check(problem.model(Dopri5{}, FixedSteps(3),
                      Backpropagation<Checkpoints>{.outputs = OutputTimes::interpolate, .storage = {.count = 2}}));
}

TEST_CASE("Hessian products under step control are those of the steps taken", "[gradient][second_order]") {
  const Problem problem;
  // Loose, so that steps which moved would show: their number is that of the solve, its differences see them move.
  const auto ode = problem.model(control(1e-3));
  HessianProducts curvature(ode);
  const Direction<double> u = problem.direction(5), v = problem.direction(7);
  const auto Hu = curvature.hessian(problem.y0, problem.times, problem.loss, u, problem.context);
  const auto Hv = curvature.hessian(problem.y0, problem.times, problem.loss, v, problem.context);
  CHECK(std::abs(dot(u, Hv) - dot(v, Hu)) < 1e-12 * std::abs(dot(u, Hv)));
  const auto at = ode.value_and_gradient(problem.y0, problem.times, problem.loss, problem.context);
  CHECK(Hu.at.forward.accepted == at.forward.accepted);
  CHECK(Hu.at.forward.rejected == at.forward.rejected);
  CHECK(max_difference(Hu.at.parameters, at.parameters) < 1e-12);
  const auto Gu = curvature.gauss_newton(problem.y0, problem.times, problem.loss, u, problem.context);
  const auto Gv = curvature.gauss_newton(problem.y0, problem.times, problem.loss, v, problem.context);
  CHECK(std::abs(dot(u, Gv) - dot(v, Gu)) < 1e-12 * std::abs(dot(u, Gv)));

  // So do those of steps for each sample.
  const auto each = problem.model(PerSample(control(1e-3)));
  const auto of_each = hessian_vector_product(each, problem.y0, problem.times, problem.loss, v, problem.context);
  const auto at_each = each.value_and_gradient(problem.y0, problem.times, problem.loss, problem.context);
  CHECK(of_each.at.forward.accepted == at_each.forward.accepted);
  CHECK(max_difference(of_each.at.parameters, at_each.parameters) < 1e-12);
  const auto other = hessian_vector_product(each, problem.y0, problem.times, problem.loss, u, problem.context);
  CHECK(std::abs(dot(u, of_each) - dot(v, other)) < 1e-12 * std::abs(dot(u, of_each)));

  // As the tolerance shrinks, differences of the gradient come to it.
  const auto tight = problem.model(control(1e-10));
  const auto exact = hessian_vector_product(tight, problem.y0, problem.times, problem.loss, v, problem.context);
  CHECK(max_difference(joined(exact), difference(tight, problem, problem.loss, v, 1e-4)) < 1e-5);
}

TEST_CASE("Hessian products have the closed form of a linear equation", "[gradient][second_order]") {
  // y' = a y and L = (y(1) - o)² / 2 with y(1) = y₀ e^a.
  const double a = 0.7, start = 1.3, o = 0.4, grown = start * std::exp(a), residual = grown - o;
  const NeuralOde ode(differentiable(Forced{}, 1, Vector<double>{{a, 0, 0}}), Rk4{}, FixedSteps(400));
  const LeastSquares loss{
      std::vector<Batch<double>>{Batch<double>::Constant(1, 1, std::nan("")), Batch<double>::Constant(1, 1, o)}};
  const Direction<double> v{.parameters = Vector<double>{{0.8, 0, 0}}, .initial = Batch<double>::Constant(1, 1, -0.3)};
  const Batch<double> y0 = Batch<double>::Constant(1, 1, start);
  const std::vector<double> times{0, 1};
  HessianProducts curvature(ode);
  const auto H = curvature.hessian(y0, times, loss, v), G = curvature.gauss_newton(y0, times, loss, v);
  const double by_a = grown, by_start = std::exp(a), along = by_a * 0.8 - by_start * 0.3;
  // y(1) is off by e^a a⁵ h⁴ / 120, whose second derivative by a is 1e-11 with h = 1/400.
  CHECK(std::abs(G.parameters(0) - by_a * along) < 5e-11);
  CHECK(std::abs(G.initial(0, 0) - by_start * along) < 5e-11);
  CHECK(std::abs(H.parameters(0) - (by_a * along + residual * (grown * 0.8 - std::exp(a) * 0.3))) < 5e-11);
  CHECK(std::abs(H.initial(0, 0) - (by_start * along + residual * std::exp(a) * 0.8)) < 5e-11);
  CHECK(std::abs(H.at.value - residual * residual / 2) < 5e-11);
  CHECK(G.at.parameters.size() == 0);
  CHECK(std::abs(G.at.value - residual * residual / 2) < 5e-11);
}

TEST_CASE("Gauss-Newton: JᵀJ of least squares, and the Hessian of a model that is linear", "[gradient][second_order]") {
  const Problem problem;
  const auto ode = problem.model(Rk4{}, FixedSteps(6));
  HessianProducts curvature(ode);
  std::vector<Batch<double>> observed(3, Batch<double>::Zero(2, 5));
  observed[1](1, 2) = std::numeric_limits<double>::quiet_NaN();
  const LeastSquares loss{observed, 2.5};
  const Direction<double> v = problem.direction(9);
  const auto G = curvature.gauss_newton(problem.y0, problem.times, loss, v, problem.context);
  // vᵀGv = 2.5 ‖J v‖², with J v by central differences of the states.
  const auto states = [&](double h) {
    auto moved = ode;
    moved.set_parameters(ode.parameters() + h * v.parameters);
    std::vector<Batch<double>> result;
    (void)moved.value_and_gradient(
        Batch<double>(problem.y0 + h * v.initial), problem.times,
        [&](const auto& at, const auto& /*bars*/) {
          result = at;
          return 0.;
        },
        problem.context);
    return result;
  };
  const auto above = states(1e-5), below = states(-1e-5);
  double square = 0;
  for (std::size_t k = 0; k < 3; ++k)
    for (Index j = 0; j < 5; ++j)
      for (Index i = 0; i < 2; ++i)
        if (!std::isnan(observed[k](i, j))) square += std::pow((above[k](i, j) - below[k](i, j)) / 2e-5, 2);
  CHECK(std::abs(dot(v, G) - 2.5 * square) < 1e-8 * square);

  // Without p₀ the path is linear in p₁, p₂ and the start, and has no curvature along them.
  const NeuralOde linear(differentiable(Forced{}, 1, Vector<double>{{0, 0.3, -2}}), Rk4{}, FixedSteps(6));
  const Batch<double> y0 = Batch<double>::Constant(1, 1, 2);
  const Direction<double> w{.parameters = Vector<double>{{0, 1, -1}}, .initial = Batch<double>::Constant(1, 1, 0.5)};
  const std::vector<double> times{0, 0.5};
  const SumOfTerms quartic{[](Index, Index, const auto& y) { return y[0] * y[0] * y[0] * y[0]; }};
  const auto by_hessian = hessian_vector_product(linear, y0, times, quartic, w);
  const auto by_gauss_newton = gauss_newton_product(linear, y0, times, quartic, w);
  CHECK(max_difference(by_gauss_newton.parameters.tail(2), by_hessian.parameters.tail(2)) < 1e-14);
  CHECK(max_difference(by_gauss_newton.initial, by_hessian.initial) < 1e-14);
  CHECK(std::abs(by_gauss_newton.parameters(0) - by_hessian.parameters(0)) > 0.1);
}

TEST_CASE("Hessian products: parts of a direction that are left out do not move", "[gradient][second_order]") {
  const Problem problem;
  HessianProducts curvature(problem.model(Rk4{}, FixedSteps(6)));
  const Direction<double> v = problem.direction(11);
  const auto of = [&](const Direction<double>& direction) {
    return joined(curvature.hessian(problem.y0, problem.times, problem.loss, direction, problem.context));
  };
  const Vector<double> both = of(v);
  CHECK(max_difference(Vector<double>(of({.parameters = v.parameters}) + of({.initial = v.initial})), both) < 1e-13);
  CHECK(of({}).isZero(0));
  // Other parameters, set in place.
  curvature.set_parameters(2 * problem.field.parameters());
  auto doubled = problem.model(Rk4{}, FixedSteps(6));
  doubled.set_parameters(2 * problem.field.parameters());
  CHECK(of(v) == joined(hessian_vector_product(doubled, problem.y0, problem.times, problem.loss, v, problem.context)));
}

TEST_CASE("Hessian products refuse what does not fit", "[gradient][second_order][errors]") {
  const Problem problem;
  HessianProducts curvature(problem.model(Rk4{}, FixedSteps(6)));
  const auto product = [&](const Batch<double>& y0, const Direction<double>& v) {
    return curvature.hessian(y0, problem.times, problem.loss, v, problem.context);
  };
  CHECK_THROWS_AS(product(gaussian(3, 5, 1), {}), ShapeError);
  CHECK_THROWS_AS(product(problem.y0, {.parameters = Vector<double>::Ones(3)}), ShapeError);
  CHECK_THROWS_AS(product(problem.y0, {.initial = Batch<double>::Ones(2, 4)}), ShapeError);
  Direction<double> bad = problem.direction(5);
  bad.parameters(2) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(product(problem.y0, bad), DataError);
  CHECK_THROWS_AS(curvature.set_parameters(Vector<double>::Ones(3)), ShapeError);
  CHECK_THROWS_WITH(curvature.hessian(problem.y0, problem.times, LeastSquares<double>{}, {}, problem.context),
                    ContainsSubstring("LeastSquares: observed"));
  const LeastSquares negative{std::vector<Batch<double>>(3, Batch<double>::Zero(2, 5)), -1.};
  CHECK_THROWS_WITH(curvature.gauss_newton(problem.y0, problem.times, negative, {}, problem.context),
                    "LeastSquares: weight is -1, expected 0 or a positive number");
  CHECK_THROWS_WITH(curvature.hessian(problem.y0, problem.times, problem.loss, {}),
                    ContainsSubstring("HessianProducts: context has 0 rows"));
  struct Resizes : SumOfTerms<Term> {
    void hessian_product(const std::vector<Batch<double>>&, const std::vector<Batch<double>>&,
                         std::vector<Batch<double>>& products) const {
      products[1].resize(1, 5);
    }
  };
  CHECK_THROWS_WITH(curvature.hessian(problem.y0, problem.times, Resizes{}, {}, problem.context),
                    ContainsSubstring("products of the loss"));
}

TEST_CASE("Hessian products allocate nothing after the first", "[gradient][second_order]") {
  const Problem problem;
  HessianProducts curvature(problem.model(Rk4{}, FixedSteps(6)));
  const Direction<double> v = problem.direction(5);
  HessianProduct<double> H, G;
  const auto once = [&] {
    curvature.hessian(problem.y0, problem.times, problem.loss, v, H, problem.context);
    curvature.gauss_newton(problem.y0, problem.times, problem.loss, v, G, problem.context);
  };
  once();
  const AllocationCounter counter;
  once();
  CHECK(counter.count() == 0);
}
