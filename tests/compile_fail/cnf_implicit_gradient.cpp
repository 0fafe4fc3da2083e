// nothing is included before
// expect: Backpropagation: this solver has no pullback: include pathline/gradient.hpp for any that is not explicit Runge-Kutta, or use one that is, such as Dopri5
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>, pathline::ImplicitEuler, pathline::FixedSteps>;
void train(const Flow& flow, const Eigen::MatrixXf& X, std::span<const pathline::Index> samples, Flow::Memory& memory,
           pathline::TrainingLoss<float>& loss) {
  flow.value_and_gradient(X, samples, pathline::Draw{}, memory, loss);
}
