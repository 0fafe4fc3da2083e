// expect: AnyFlow<float>: the flow takes data of double: it is an AnyFlow<double>
#include <pathline/flow.hpp>
#include <pathline/flow/any_flow.hpp>
#include <pathline/nn.hpp>

using Flow = pathline::Cnf<pathline::Mlp<double, pathline::Tanh>>;
pathline::AnyFlow<float> hold(const Flow& flow) { return flow; }
