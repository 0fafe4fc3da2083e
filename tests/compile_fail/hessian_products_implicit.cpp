// expect: HessianProducts: the solver must be an explicit Runge-Kutta method, such as Dopri5 or Rk4
#include <pathline/gradient.hpp>
#include <pathline/gradient/second_order/hessian_products.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void multiply(const pathline::Mlp<float, pathline::Tanh>& field, const std::vector<double>& times) {
  pathline::NeuralOde ode(field, pathline::TrBdf2{});
  (void)pathline::HessianProducts(ode);
}
