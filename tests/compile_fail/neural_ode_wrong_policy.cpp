// expect: NeuralOde: a policy is none of: solver (tableau), step control
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

struct NotAPolicy {};
void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::NeuralOde ode(field, pathline::Dopri5{}, NotAPolicy{});
}
