// expect: Sum: every term must be a Field
#include <pathline/nn.hpp>

auto add(const pathline::Mlp<float, pathline::Tanh>& field) { return pathline::Sum{field, 2}; }
