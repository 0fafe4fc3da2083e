// expect: AnyFlow: what it is made from must meet EvaluatedFlow (flow/any_flow.hpp), as Cnf does
#include <pathline/flow/any_flow.hpp>

struct NoFlow {
  using Scalar = float;
  using DataScalar = float;
};
pathline::AnyFlow<float> hold(const NoFlow& flow) { return flow; }
