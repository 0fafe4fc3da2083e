// expect: differentiable_residuals: the function must take (p, r) and write r[i]
#include <pathline/train/least_squares/residuals.hpp>

const auto residuals = pathline::differentiable_residuals(
    1, [](pathline::Numbers<const double> p, pathline::Numbers<double> r) { r[0] = p[0]; });
