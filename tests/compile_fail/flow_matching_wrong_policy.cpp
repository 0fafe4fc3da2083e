// expect: FlowMatching: a policy is none of: coupling (Memory, pair), path (at), ByLikelihood, ByMatchingLoss
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>>;
struct NearestNeighbour {  // without a Memory
  void pair() const {}
};
void match(Flow& flow) { pathline::FlowMatching matching(flow, NearestNeighbour{}); }
