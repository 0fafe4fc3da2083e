// expect: load_torch: takes an Mlp, a SquashMlp, a Network of a ShallowMlp or a Potential, a FieldStack of such layers, or a flow or neural ODE of one
#include <pathline/io/torch.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>

void load(pathline::Network<pathline::Linear<float>>& field) { pathline::io::load_torch("field.safetensors", field); }
