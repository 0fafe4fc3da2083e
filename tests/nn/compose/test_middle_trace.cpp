#include <pathline/nn/compose/middle_trace.hpp>

#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <tuple>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

/// f and tr of three hidden layers by the closed form, (d + 1) × n.
template <class Scalar>
Batch<Scalar> values_and_trace(const Mlp<Scalar, Tanh>& field, const Batch<Scalar>& S, const Batch<Scalar>& Z) {
  const auto& [hidden, back] = field.layer().layers();
  Workspace<Scalar> workspace;
  Batch<Scalar> Y(Z.rows() + 1, Z.cols());
  detail::MiddleTrace<Scalar, Tanh>::evaluate(hidden.layers(), back.affine(), View<const Scalar>(field.parameters()), S,
                                              Z, Y, workspace);
  return Y;
}

}  // namespace

TEST_CASE("MiddleTrace: in float and double it is the trace of the Jacobian, whatever the number of samples", "[nn]") {
  const Index d = GENERATE(1, 4), n = GENERATE(1, 2, 9);
  Rng rng(5), same(5);
  const Mlp<double, Tanh> field(d, {17, 6, 21}, rng);
  Mlp<float, Tanh> rounded(d, {17, 6, 21}, same);
  rounded.parameters() = field.parameters().cast<float>();
  const Batch<double> S = gaussian(1, 1, n), Z = gaussian(2, d, n);
  const Batch<double> Y = values_and_trace<double>(field, S, Z);
  Workspace<double> workspace;
  Batch<double> J(d, d * n);
  field_jacobian(field, S, Z, J, workspace);
  for (Index i = 0; i < n; ++i) CHECK(Y(d, i) == Approx(J.middleCols(i * d, d).trace()).margin(1e-13));
  const Batch<float> in_float = values_and_trace<float>(rounded, S.cast<float>(), Z.cast<float>());
  CHECK((in_float.cast<double>() - Y).cwiseAbs().maxCoeff() < 1e-5);  // some hundred roundings of numbers near 1
}

TEST_CASE("MiddleTrace: for three hidden layers, whose middle is not the wide one, while matrices fit", "[nn]") {
  const auto possible = [](const std::vector<Index>& widths) {
    Rng rng(1);
    const Mlp<double, Tanh> field(2, widths, rng);
    const auto& [hidden, back] = field.layer().layers();
    return detail::MiddleTrace<double, Tanh>::possible(hidden.layers(), back.affine());
  };
  CHECK_FALSE(possible({8, 8}));
  CHECK(possible({8, 20, 12}));
  CHECK_FALSE(possible({8, 21, 12}));
  CHECK(possible({128, 64, 128}));  // 2 · 64 · 256 doubles are 256 KiB
  CHECK_FALSE(possible({128, 64, 129}));
  CHECK_FALSE(possible({8, 8, 8, 8}));
}
