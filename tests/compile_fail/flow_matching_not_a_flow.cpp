// expect: FlowMatching: the first argument must be a Cnf
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>

void match(pathline::Mlp<float, pathline::Tanh>& field) { pathline::FlowMatching matching(field); }
