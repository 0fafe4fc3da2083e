// expect: AdjointBy, InterpolatedAdjoint: more than one solver
#include <pathline/gradient.hpp>
#include <pathline/ode.hpp>

void choose() { const pathline::InterpolatedAdjoint adjoint{pathline::Dopri5{}, pathline::Kvaerno5{}}; }
