// expect: Cnf: PerSample is for a NeuralOde; give a flow its controller alone
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::Dopri5{}, pathline::PerSample(pathline::PiController{}));
}
