// expect: NeuralOde: this solver (Rk4, ImplicitEuler, ...) has no error estimate: give FixedSteps(n) too
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) { pathline::NeuralOde ode(field, pathline::Rk4{}); }
