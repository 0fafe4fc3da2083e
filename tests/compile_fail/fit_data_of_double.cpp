// expect: data are double, the flow or field float: give data.cast<float>()
#include <pathline/pathline.hpp>

using Flow = pathline::Cnf<pathline::Mlp<float, pathline::Tanh>>;
void train(Flow& flow, const Eigen::MatrixXd& X, pathline::Rng& rng) { pathline::fit(flow, X, {}, rng); }
