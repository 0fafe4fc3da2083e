// expect: StiffnessCost: this method has no two stages at one time; use Dopri5, Tsit5 or Rk4
#include <pathline/gradient.hpp>
#include <pathline/ode.hpp>

pathline::StiffnessCost<pathline::BogackiShampine> cost;
