// What tests/support/gradient_pairs.hpp leaves out, through the front door and by families of methods: gradients in
// float, gradients with steps of their own for each sample, and derivatives by times.
#include <pathline/gradient.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iostream>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr std::array<double, 3> times{0, 0.4, 1};

/// Two samples of a small network.
template <class Scalar>
Mlp<Scalar, Tanh> small_field() {
  Rng rng(11);
  Mlp<double, Tanh> field(2, {4}, rng);
  field.parameters() *= 1.5;
  Mlp<Scalar, Tanh> result(2, {4}, rng);
  result.parameters() = field.parameters().template cast<Scalar>();
  return result;
}
template <class Scalar>
Batch<Scalar> two_starts() {
  return Batch<Scalar>{{Scalar(0.4), Scalar(-1.1)}, {Scalar(0.9), Scalar(0.3)}};
}

constexpr auto sum_of_sines = []<class Batches>(const Batches& states, Batches& bars) {
  using Scalar = typename Batches::value_type::Scalar;
  Scalar sum = 0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    sum += states[i].array().sin().sum();
    bars[i] += states[i].array().cos().matrix();
  }
  return sum;
};

/// The gradient by parameters, then by the start.
template <class Scalar, class... Policies>
Vector<double> gradient(const Policies&... policies) {
  const NeuralOde ode(small_field<Scalar>(), policies...);
  const auto result = ode.value_and_gradient(two_starts<Scalar>(), times, sum_of_sines);
  Vector<double> both(result.parameters.size() + result.initial.size());
  both << result.parameters.template cast<double>(), result.initial.template cast<double>().reshaped();
  return both;
}

/// With central differences of the whole solve, so tight that its steps do not matter.
template <class... Policies>
void check_times(const char* name, const Policies&... policies) {
  const NeuralOde ode(small_field<double>(), policies...);
  const auto result = ode.value_and_gradient_with_times(two_starts<double>(), times, sum_of_sines);
  const Vector<double> expected = central_differences(
      [&](const Vector<double>& t) {
        return ode.value_and_gradient(two_starts<double>(), std::vector<double>(t.begin(), t.end()), sum_of_sines)
            .value;
      },
      Vector<double>{{times[0], times[1], times[2]}}, 1e-4);
  const double off = max_difference(result.times, expected);
  INFO(name);
  CHECK(off < 1e-7);
  std::cout << "  " << name << ", by times: off by " << off << '\n';
}

/// Each sample's part beside that of a solve of the sample alone.
template <class... Policies>
void check_per_sample(const char* name, const PiController& control, const Policies&... policies) {
  const NeuralOde together(small_field<double>(), policies..., PerSample(control));
  const NeuralOde alone(small_field<double>(), policies..., control);
  const auto result = together.value_and_gradient(two_starts<double>(), times, sum_of_sines);
  Vector<double> parameters = Vector<double>::Zero(result.parameters.size());
  double off = 0;
  for (Index j = 0; j < 2; ++j) {
    const auto one = alone.value_and_gradient(two_starts<double>().col(j), times, sum_of_sines);
    parameters += one.parameters;
    off = std::max(off, max_difference(result.initial.col(j), one.initial.col(0)));
  }
  off = std::max(off, max_difference(result.parameters, parameters));
  INFO(name);
  CHECK(off < 1e-12);
  std::cout << "  " << name << ", PerSample: off by " << off << '\n';
}

/// Steps are the same in both: a float keeps 6e-8, some hundred operations add to 1e-6 of numbers near 1.
template <class... Policies>
void check_float(const char* name, const Policies&... policies) {
  const Vector<double> in_double = gradient<double>(policies...), in_float = gradient<float>(policies...);
  const double off = max_difference(in_float, in_double) / in_double.cwiseAbs().maxCoeff();
  INFO(name);
  CHECK(off < 3e-6);
  CHECK(off > 0);
  std::cout << "  " << name << ", float: off by " << off << '\n';
}

}  // namespace

TEST_CASE("Gradients in float are those in double, of each family of methods", "[gradient][pairs]") {
  const FixedSteps steps(4);
  check_float("Dopri5, KeepTapes", Dopri5{}, steps);
  check_float("Dopri5, Checkpoints", Dopri5{}, steps, Backpropagation<Checkpoints>{.storage = {.count = 2}});
  check_float("Kvaerno5, KeepTapes", Kvaerno5{}, steps);
  check_float("RadauIia5, KeepTapes", RadauIia5{}, steps);
  check_float("Rodas4, KeepTapes", Rodas4{}, steps);
  check_float("AdamsBashforthMoulton<4>, Checkpoints", AdamsBashforthMoulton<4>{}, FixedSteps(8),
              Backpropagation<Checkpoints>{.storage = {.count = 2}});
  check_float("Reversible<Rk4>", Reversible<Rk4>{}, steps);
}

TEST_CASE("Gradients with steps of their own are those of the samples alone, of each family", "[gradient][pairs]") {
  const PiController control{.rtol = 1e-6, .atol = 1e-6};
  check_per_sample("Dopri5", control, Dopri5{});
  check_per_sample("Kvaerno3", control, Kvaerno3{});
  check_per_sample("RadauIia5", control, RadauIia5{});
  check_per_sample("Rodas4", control, Rodas4{});
}

TEST_CASE("Derivatives by times are those of differences, of each family", "[gradient][pairs]") {
  const PiController tight{.rtol = 1e-10, .atol = 1e-10};
  check_times("Rodas4", Rodas4{}, tight);
  check_times("Kvaerno5, Checkpoints", Kvaerno5{}, tight, Backpropagation<Checkpoints>{.storage = {.count = 5}});
  check_times("AdamsBashforthMoulton<4>, MemoryBudget", AdamsBashforthMoulton<4>{}, FixedSteps(200),
              Backpropagation<MemoryBudget>{.storage = {.bytes = 100000}});
  check_times("Reversible<Dopri5>", Reversible<Dopri5>{}, tight);
  check_times("Dopri5, AdjointBy{Kvaerno5}", Dopri5{}, tight, AdjointBy{Kvaerno5{}});
  check_times("Dopri5, InterpolatedAdjoint", Dopri5{}, tight, InterpolatedAdjoint{});
  check_times("Kvaerno3, PerSample", Kvaerno3{}, PerSample(PiController{.rtol = 1e-9, .atol = 1e-9}));
}
