// expect: write_header: the data transform must be none, Standardize or Whiten
#include <pathline/flow/transform/logit.hpp>
#include <pathline/io/write_header.hpp>

void keep(const pathline::Cnf<pathline::Mlp<double, pathline::Tanh>, pathline::Logit<double>>& flow,
          const Eigen::MatrixXd& X) {
  pathline::io::write_header("flow.hpp", flow, X);
}
