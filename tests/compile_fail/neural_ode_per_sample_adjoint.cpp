// expect: NeuralOde: PerSample goes with Backpropagation<>, which keeps one state a step
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::NeuralOde ode(field, pathline::PerSample(pathline::PiController{}), pathline::Adjoint{});
}
