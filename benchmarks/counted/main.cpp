/// \file
/// The workloads whose instructions `benchmarks/instructions` counts: small, in one thread, the same in every run. One
/// type of flow serves four of them, as it takes most of the time that this file takes to compile.
#include <benchmarks/workloads.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/solve.hpp>

#include <cstdio>
#include <functional>
#include <numeric>
#include <vector>

using namespace pathline;

/// What is counted: callgrind collects from the call of this function to its return.
extern "C" [[gnu::noinline]] void counted(const std::function<void()>& work) { work(); }

namespace {

using Flow = Cnf<Mlp<float, Tanh>, Hutchinson<>, Dopri5, PiController, Threads>;

Flow make_flow(const Mlp<float, Tanh>& field) {
  return Flow(field, Hutchinson<>{}, Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}, Threads{1});
}

// Each returns what it has computed.

double train(const Mlp<float, Tanh>& field, Index n) {
  const Flow flow = make_flow(field);
  const Batch<float> X = workloads::inputs<float>(flow.dim(), n);
  std::vector<Index> samples(static_cast<std::size_t>(n));
  std::iota(samples.begin(), samples.end(), Index(0));
  Flow::Memory memory;
  TrainingLoss<float> loss;
  counted([&] { flow.value_and_gradient(X, samples, Draw{}, memory, loss); });
  return loss.loss;
}

double log_prob(Index n) {
  const Flow flow = make_flow(workloads::ffjord_field<float>());
  const Batch<float> X = workloads::inputs<float>(2, n);
  Row<float> result;
  counted([&] { result = flow.log_prob(X); });
  return double(result.mean());
}

double sample(Index n) {
  const Flow flow = make_flow(workloads::ffjord_field<float>());
  const Batch<float> Z = workloads::inputs<float>(2, n);
  Batch<float> X;
  counted([&] { X = flow.inverse(Z); });
  return double(X.mean());
}

double solve_small() {
  const auto rhs = [](double /*t*/, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy(0) = y(0) * (1.5 - y(1));
    dy(1) = y(1) * (y(0) - 3.0);
  };
  Eigen::Vector2d y(1, 1);
  counted([&] { y = solve(rhs, y, 0, 10, Dopri5{}, PiController{.rtol = 1e-8, .atol = 1e-8}); });
  return y(0);
}

}  // namespace

int main() {
  const Mlp<float, Tanh> toy = workloads::ffjord_field<float>(), wide = workloads::wide_field<float, Tanh>(16, 256);
  std::printf("train %.5g\n", train(toy, 16));
  std::printf("train_wide %.5g\n", train(wide, 8));
  std::printf("log_prob %.5g\n", log_prob(40));
  std::printf("sample %.5g\n", sample(40));
  std::printf("solve_small %.5g\n", solve_small());
}
