// expect: FlowMatching: the blocks of a FieldStack have no single velocity to match
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>

using Layers = pathline::Mlp<float, pathline::Tanh>::Layers;
void match(pathline::Cnf<pathline::FieldStack<Layers>>& flow) { pathline::FlowMatching matching(flow); }
