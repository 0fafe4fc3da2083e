// expect: data are float, the flow or field double: give data.cast<double>()
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

using Flow = pathline::Cnf<pathline::Mlp<double, pathline::Tanh>>;
auto judge(const Flow& flow, const Eigen::MatrixXf& X) { return flow.log_prob(X); }
