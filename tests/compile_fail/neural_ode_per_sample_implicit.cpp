// expect: NeuralOde: PerSample is for explicit Runge-Kutta methods, such as Dopri5
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::NeuralOde ode(field, pathline::Kvaerno5{}, pathline::PerSample(pathline::PiController{}));
}
