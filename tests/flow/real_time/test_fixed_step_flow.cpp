#include <pathline/flow/real_time/fixed_step_flow.hpp>

#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>

#include <support/catch.hpp>

#include <concepts>
#include <type_traits>

using namespace pathline;

namespace {

template <class... P>
using MethodOf = typename detail::PartsOfFlow<Cnf<Mlp<double, Tanh>, P...>>::Method;
static_assert(std::is_void_v<MethodOf<>>);
static_assert(std::same_as<MethodOf<Kutta38, FixedSteps>, Kutta38>);
static_assert(std::is_void_v<MethodOf<Dopri5, PiController>>);
static_assert(std::same_as<MethodOf<Kutta38, FixedSteps, EvaluationSolver<Dopri5, PiController>>, Kutta38>);
static_assert(std::same_as<MethodOf<Kutta38, FixedSteps, EvaluationSolver<Heun, FixedSteps>>, Heun>);

}  // namespace

TEST_CASE("Fixed steps through a stack with normalisations are those of the flow", "[flow][real-time]") {
  Rng rng(3);
  FieldStack<Mlp<double, Tanh>::Layers, MovingNormalization> stack(Mlp<double, Tanh>::layers(2, {6}), 2, rng,
                                                                   MovingNormalization{});
  const Draw draw{8, 0};
  Batch<double> X(2, 5), noise(stack.parameters().size(), 1);
  fill<Gaussian>(draw, 0, X);
  fill<Uniform>(Draw{9, 0}, 0, noise);  // variances too, which must be positive
  stack.parameters() += 0.3 * noise;
  const Cnf flow(stack, Rk4{}, FixedSteps(6), DiagonalGaussian(Eigen::Vector2d(1, 0), Eigen::Vector2d(2, 0.5)),
                 TimeSpan{.data = 1, .base = -0.5});
  detail::FixedStepFlow<std::remove_const_t<decltype(flow)>> stepped(flow);
  const ChosenMethod method = chosen_method<Rk4>("Rk4");
  Batch<double> y(3, 5), log_p = Batch<double>::Zero(1, 5), Z = X;
  y << X, Eigen::RowVectorXd::Zero(5);
  const Batch<double> no_context(0, 5);
  stepped.run(method, 6, detail::Way::to_base, BatchMap<double>(y.data(), 3, 5), View<const double>(no_context));
  stepped.run(method, 6, detail::Way::to_base, BatchMap<double>(Z.data(), 2, 5), View<const double>(no_context));
  log_p.row(0) = y.row(2);
  stepped.add_log_base(Z, View<double>(log_p));
  // Sums in another order; without the second normalisation the difference is of order 0.1.
  CHECK((Z - flow.transform(X)).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((y.topRows(2) - Z).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((log_p - flow.log_prob(X)).cwiseAbs().maxCoeff() < 1e-12);
  stepped.run(method, 6, detail::Way::to_data, BatchMap<double>(Z.data(), 2, 5), View<const double>(no_context));
  CHECK((Z - flow.inverse(y.topRows(2))).cwiseAbs().maxCoeff() < 1e-12);
}
