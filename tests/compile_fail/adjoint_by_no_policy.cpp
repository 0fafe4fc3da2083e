// expect: AdjointBy, InterpolatedAdjoint: a policy of the way back is neither a solver nor a step control
#include <pathline/gradient.hpp>
#include <pathline/ode.hpp>

void choose() { const pathline::AdjointBy adjoint{1e-8}; }
