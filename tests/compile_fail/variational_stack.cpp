// expect: VariationalInference: a FieldStack is not solved back to the data in training
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/variational/variational_inference.hpp>

using Layers = pathline::Mlp<double, pathline::Tanh>::Layers;
void infer(pathline::Cnf<pathline::FieldStack<Layers>>& flow) {
  pathline::VariationalInference inference(flow, pathline::StandardNormal{});
}
