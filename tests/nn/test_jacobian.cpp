#include <pathline/nn/jacobian.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <span>

using namespace pathline;
using namespace pathline::test;

namespace {

/// J (d × dn) of a field.
template <class F>
Batch<double> jacobian(const F& field, double t, const Batch<double>& Z) {
  Batch<double> J = Batch<double>::Constant(Z.rows(), Z.size(), not_a_number);
  Workspace<double> workspace;
  field_jacobian(field, Eigen::MatrixXd::Constant(1, 1, t), Z, J, workspace);
  return J;
}

}  // namespace

TEST_CASE("Identity tangents: tangent j is e_j for every sample", "[nn]") {
  Batch<double> V = Batch<double>::Constant(3, 6, 7.0), expected(3, 6);
  set_identity_tangents<double>(BatchMap<double>(V.data(), 3, 6));
  expected << 1, 1, 0, 0, 0, 0, /**/ 0, 0, 1, 1, 0, 0, /**/ 0, 0, 0, 0, 1, 1;
  CHECK(V == expected);
}

TEST_CASE("The Jacobian of a linear field is its matrix, for each sample", "[nn]") {
  Rng rng(1);
  Mlp<double, Tanh> field(3, {}, rng);
  Eigen::Matrix3d W;
  W << 1, 2, 3, 4, 5, 6, 7, 8, 10;
  field.parameters().segment(3, 9) = W.reshaped();
  const Batch<double> J = jacobian(field, 0.3, gaussian(0, 3, 2));
  // One product with zeros and ones: exact.
  CHECK(J.leftCols(3) == W);
  CHECK(J.rightCols(3) == W);
}

TEST_CASE("The Jacobian agrees with central differences: column d i + j is df/dz_j of sample i", "[nn]") {
  Rng rng(1);
  const Index side = GENERATE(0, 1);
  const Mlp<double, Tanh> field(3, {6, 5}, rng, side);
  const Index d = 3, n = 4;
  const double t = 0.7, h = 1e-6;
  const Batch<double> Z = gaussian(0, d, n), J = jacobian(field, t, Z);
  Workspace<double> workspace;
  Vector<double> tape(field.tape_size(1, 0));
  const auto value = [&](Vector<double> z, Index j, double step) {
    z(j) += step;
    Batch<double> f(d, 1);
    field.linearize(Batch<double>::Constant(1, 1, t), z, 1, f, std::span<double>(tape.data(), std::size_t(tape.size())),
                    workspace);
    return Vector<double>(f);
  };
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < d; ++j) {
      const Vector<double> difference = (value(Z.col(i), j, h) - value(Z.col(i), j, -h)) / (2 * h);
      CHECK(max_difference(J.col(d * i + j), difference) < 1e-8);  // ε / h, and a few terms
    }
}
