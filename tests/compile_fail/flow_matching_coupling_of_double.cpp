// expect: FlowMatching: the coupling's pair must take views of the field's scalar, float or double
#include <pathline/nn/mlp.hpp>
#include <pathline/train/matching/flow_matching.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>>;
struct InReverse {
  struct Memory {};
  using Points = pathline::View<const double>;
  void pair(Points, Points, std::span<const pathline::Index>, const pathline::Draw&, std::span<pathline::Index> partner,
            Memory&) const {
    for (std::size_t j = 0; j < partner.size(); ++j) partner[j] = pathline::Index(partner.size() - 1 - j);
  }
};
void match(Flow& flow) { pathline::FlowMatching matching(flow, InReverse{}); }
