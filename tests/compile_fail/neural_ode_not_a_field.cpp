// expect: NeuralOde: the first argument must be a Field (linearize and pullback, nn/layer.hpp)
#include <pathline/gradient.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const pathline::NeuralOde ode(decay, pathline::Dopri5{});
