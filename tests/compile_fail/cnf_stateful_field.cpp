// expect: Cnf: the first argument must be a Field
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

/// Batch normalisation and its like: each evaluation changes the field.
struct Stateful : pathline::Mlp<double, pathline::Tanh> {
  using Mlp::Mlp;
  template <class... Arguments>
  void linearize(Arguments&&... arguments) {
    ++evaluations;
    Mlp::linearize(arguments...);
  }
  int evaluations = 0;
};
void assemble(pathline::Rng& rng) { pathline::Cnf flow(Stateful(2, {4}, rng), pathline::Dopri5{}); }
