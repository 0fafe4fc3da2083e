// expect: differentiable: the function must take (t, y, p, dy) and write dy[i], for numbers of any type
#include <pathline/nn/differentiable.hpp>

using Doubles = pathline::Numbers<const double>;
auto field = pathline::differentiable(
    [](double, const Doubles& y, const Doubles&, pathline::Numbers<double>& dy) { dy[0] = y[0]; }, 1,
    pathline::Vector<double>());
