// expect: VariationalInference: a policy is none of: TotalDerivative, PathDerivative
#include <pathline/nn/mlp.hpp>
#include <pathline/train/variational/variational_inference.hpp>

void infer(pathline::Cnf<pathline::Mlp<double, pathline::Tanh>>& flow) {
  pathline::VariationalInference inference(flow, pathline::StandardNormal{}, 3);
}
