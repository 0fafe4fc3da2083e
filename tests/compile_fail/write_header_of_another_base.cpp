// expect: write_header: the base density must be StandardNormal, DiagonalGaussian or FullGaussian
#include <pathline/flow/base/student_t.hpp>
#include <pathline/io/write_header.hpp>

void keep(const pathline::Cnf<pathline::Mlp<double, pathline::Tanh>, pathline::StudentT<double>>& flow,
          const Eigen::MatrixXd& X) {
  pathline::io::write_header("flow.hpp", flow, X);
}
