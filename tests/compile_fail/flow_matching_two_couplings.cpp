// expect: FlowMatching: more than one coupling
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/matching/optimal_transport.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>>;
void match(Flow& flow) {
  pathline::FlowMatching matching(flow, pathline::IndependentCoupling{}, pathline::OptimalTransport{});
}
