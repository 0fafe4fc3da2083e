// expect: Distributed: the coupling pairs the rows of a whole mini-batch, of which a share has only some
#include <pathline/mpi.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/matching/optimal_transport.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>>;
void share_out(pathline::FlowMatching<Flow, pathline::OptimalTransport>& matching) {
  pathline::Distributed distributed(matching);
}
