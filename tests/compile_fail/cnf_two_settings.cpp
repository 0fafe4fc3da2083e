// expect: Cnf: more than one Threads
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::Threads{1}, pathline::Threads{2});
}
