// expect: write_header: the field must be Mlp or SquashMlp with an activation of the library
#include <pathline/io/write_header.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>

using Field = pathline::Network<pathline::ShallowMlp<float, pathline::Tanh>>;
void keep(const pathline::Cnf<Field>& flow, const Eigen::MatrixXf& X) {
  pathline::io::write_header("flow.hpp", flow, X);
}
