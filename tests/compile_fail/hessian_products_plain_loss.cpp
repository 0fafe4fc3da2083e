// expect: HessianProducts: the loss must have hessian_product(states, tangents, products) beside the call
#include <pathline/gradient.hpp>
#include <pathline/gradient/second_order/hessian_products.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void multiply(const pathline::Mlp<float, pathline::Tanh>& field, const std::vector<double>& times) {
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)pathline::hessian_vector_product(pathline::NeuralOde(field), pathline::Batch<float>::Ones(2, 3), times, loss,
                                         {});
}
