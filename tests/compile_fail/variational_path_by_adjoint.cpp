// expect: VariationalInference: PathDerivative takes an explicit solver without PerSample, and Backpropagation without
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/variational/variational_inference.hpp>

using Flow = pathline::Cnf<pathline::Mlp<double, pathline::Tanh>, pathline::Adjoint>;
void infer(Flow& flow) {
  pathline::VariationalInference inference(flow, pathline::StandardNormal{}, pathline::PathDerivative{});
}
