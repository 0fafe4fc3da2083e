// expect: tensor_of: a tensor has real numbers of at most 8 bytes
#include <pathline/io/tensor.hpp>

void save(const Eigen::MatrixXcd& W) { (void)pathline::io::tensor_of("W", W); }
