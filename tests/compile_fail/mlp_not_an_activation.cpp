// expect: Mlp: an activation needs a static Jet<P> jet(P x)
#include <pathline/nn.hpp>

struct Relu {};
void assemble(pathline::Rng& rng) { pathline::Mlp<float, Relu> field(2, {16}, rng); }
