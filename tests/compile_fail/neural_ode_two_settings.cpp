// expect: NeuralOde: more than one ChunkWidth
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::NeuralOde ode(field, pathline::ChunkWidth{8}, pathline::ChunkWidth{16});
}
