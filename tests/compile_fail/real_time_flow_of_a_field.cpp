// expect: RealTimeFlow: the first argument must be a Cnf
#include <pathline/flow.hpp>
#include <pathline/flow/real_time/real_time_flow.hpp>
#include <pathline/nn/mlp.hpp>

void monitor(const pathline::Mlp<float, pathline::Tanh>& field) {
  pathline::RealTimeFlow real_time(field, pathline::Rk4{}, pathline::FixedSteps(4));
}
