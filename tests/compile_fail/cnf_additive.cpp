// expect: Backpropagation: an additive method needs a field in two parts
#include <pathline/flow.hpp>
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>, pathline::KennedyCarpenter3, pathline::FixedSteps>;
void train(const Flow& flow, const Eigen::MatrixXf& X, std::span<const pathline::Index> samples, Flow::Memory& memory,
           pathline::TrainingLoss<float>& loss) {
  flow.value_and_gradient(X, samples, pathline::Draw{}, memory, loss);
}
