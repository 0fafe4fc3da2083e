// expect: Cnf: more than one solver
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::Dopri5{}, pathline::Dopri5{});
}
