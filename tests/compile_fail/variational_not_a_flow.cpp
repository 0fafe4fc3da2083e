// expect: VariationalInference: the first argument must be a Cnf
#include <pathline/nn/mlp.hpp>
#include <pathline/train/variational/variational_inference.hpp>

void infer(pathline::Mlp<double, pathline::Tanh>& field) {
  pathline::VariationalInference inference(field, pathline::StandardNormal{});
}
