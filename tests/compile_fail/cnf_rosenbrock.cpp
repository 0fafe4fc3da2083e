// expect: Backpropagation: a Rosenbrock method needs the derivatives of the Jacobian of all rows, which those of a flow do not offer
#include <pathline/flow.hpp>
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>, pathline::Rodas4, pathline::FixedSteps>;
void train(const Flow& flow, const Eigen::MatrixXf& X, std::span<const pathline::Index> samples, Flow::Memory& memory,
           pathline::TrainingLoss<float>& loss) {
  flow.value_and_gradient(X, samples, pathline::Draw{}, memory, loss);
}
