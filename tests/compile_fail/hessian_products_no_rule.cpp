// expect: HessianProducts: a layer of the field has no MovingRule, the derivative along its parameters
#include <pathline/gradient.hpp>
#include <pathline/gradient/second_order/hessian_products.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void multiply(const pathline::SquashMlp<float, pathline::Tanh>& field) {
  (void)pathline::HessianProducts(pathline::NeuralOde(field));
}
