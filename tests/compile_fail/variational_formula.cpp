// expect: DifferentiableDensity: the function must take x and return log p(x), for numbers of any type
#include <pathline/train/variational/target_density.hpp>

double of_double(const pathline::Numbers<const double>& x) { return -x[0]; }
void use() { pathline::DifferentiableDensity density(&of_double); }
