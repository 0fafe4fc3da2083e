// expect: Cnf: PerSample goes with Backpropagation<>, which keeps one state a step
#include <pathline/flow.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::Dopri5{}, pathline::PerSample(pathline::PiController{}), pathline::Adjoint{});
}
