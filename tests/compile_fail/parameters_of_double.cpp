// expect: parameters: float and double do not mix: give other.cast<float>() to a field of float
#include <pathline/nn.hpp>

void copy(pathline::Mlp<float, pathline::Tanh>& to, const pathline::Mlp<double, pathline::Tanh>& from) {
  to.parameters() = from.parameters();
}
