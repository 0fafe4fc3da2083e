// expect: Cnf: a policy is none of
#include <pathline/flow.hpp>
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>

// A cost of the steps is a parameter of Backpropagation: to the continuous adjoint, which has no steps, it is nothing.
void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::Adjoint{}, pathline::ErrorEstimateCost<pathline::Dopri5>{});
}
