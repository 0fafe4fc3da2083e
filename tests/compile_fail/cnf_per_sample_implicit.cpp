// expect: Cnf: PerSample takes an explicit method and a controller without forced points: give any other method its
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::TrBdf2{}, pathline::PerSample(pathline::PiController{}));
}
