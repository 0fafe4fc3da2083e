// expect: HessianProducts: the gradient method must be Backpropagation, without a cost of the steps
#include <pathline/gradient.hpp>
#include <pathline/gradient/second_order/hessian_products.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void multiply(const pathline::Mlp<float, pathline::Tanh>& field, const std::vector<double>& times) {
  pathline::NeuralOde ode(field, pathline::Adjoint{});
  (void)pathline::HessianProducts(ode);
}
