/// \file
/// A user's program that takes its fields from the compiled library.
#include <pathline/precompiled.hpp>

#include <iostream>

int main() {
  pathline::Rng rng(1);
  const pathline::Mlp<float, pathline::Tanh> field(2, {4}, rng);
  const Eigen::MatrixXf X = Eigen::MatrixXf::Random(2, 5);
  const pathline::Cnf flow(field, pathline::Rk4{}, pathline::FixedSteps(2));
  std::cout << "mean log p " << flow.log_prob(X).mean() << '\n';
  return flow.log_prob(X).allFinite() ? 0 : 1;
}
