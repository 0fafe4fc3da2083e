// expect: write_table: X is a matrix of float or double; X.cast<double>() makes one
#include <pathline/io/table.hpp>

void save(const Eigen::MatrixXi& X) { pathline::io::write_table("x.npy", X); }
