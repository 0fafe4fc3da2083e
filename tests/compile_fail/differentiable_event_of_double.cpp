// expect: DifferentiableEvent: the function must take (t, y, p) and give a number, not a bool, for numbers of any type
#include <pathline/gradient/event/differentiable_event.hpp>

using Doubles = pathline::Numbers<const double>;
const pathline::DifferentiableEvent height([](double, const Doubles& y, const Doubles&) { return y[0]; });
