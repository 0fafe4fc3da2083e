// expect: differentiable: the function must take (t, y, p, dy) and write dy[i], for numbers of any type
#include <pathline/nn.hpp>

auto field = pathline::differentiable([](const auto& y, auto& dy) { dy[0] = y[0]; }, 1, pathline::Vector<double>());
