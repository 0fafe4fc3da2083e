// expect: Cnf: a policy is none of: trace estimator
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

struct NoPullback {
  double weight = 1;
  template <class Point, class Row>
  void evaluate(const Point&, Row) const {}
};
void assemble(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::Cnf flow(field, pathline::Tsit5{}, NoPullback{});
}
