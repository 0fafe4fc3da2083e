// expect: Cnf: the first argument must be a Field
#include <pathline/flow.hpp>

struct Decay {
  double operator()(double, double z) const { return -z; }
};
void assemble() { pathline::Cnf flow(Decay{}, pathline::Dopri5{}); }
