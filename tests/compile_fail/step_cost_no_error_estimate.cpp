// expect: ErrorEstimateCost: this method estimates no error; use BogackiShampine, Dopri5 or Tsit5
#include <pathline/gradient.hpp>
#include <pathline/ode.hpp>

pathline::ErrorEstimateCost<pathline::Rk4> cost;
