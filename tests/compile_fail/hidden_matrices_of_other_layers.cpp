// expect: hidden_matrices: the network has other layers than Dense and Linear
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/train/optimizer/hidden_matrices.hpp>

auto matrices_of(const pathline::SquashMlp<float, pathline::Tanh>& field) { return pathline::hidden_matrices(field); }
