// expect: Cnf::score: the data transform needs pullback(X, Z_bar, X_bar)
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

struct Halve {
  void check(pathline::Index /*d*/) const {}
  template <class X, class Z, class Row>
  void apply(const X& raw, Z&& z, Row&& log_det) const {
    z = raw / 2;
    log_det.setZero();
  }
  template <class Z, class X>
  void invert(const Z& z, X&& raw) const {
    raw = 2 * z;
  }
};
using Flow = pathline::Cnf<pathline::Mlp<double, pathline::Tanh>, Halve>;
auto sampler(const Flow& flow, const Eigen::MatrixXd& X) { return flow.score(X); }
